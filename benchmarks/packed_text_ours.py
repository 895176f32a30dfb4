"""Our training on packed rows of real text, as `packed_text.py` runs it in a process."""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from mpnet_tf.quiet_start import silenced_stderr

with silenced_stderr():
    import keras_hub  # noqa: F401

import numpy as np
from input_peers_text import mpnet_vocabulary
from step_process import serve_steps, take_output

from data_prep.prepare import prepare_shards
from mpnet_tf.data.batches import training_batches
from mpnet_tf.data.packed_rows import PackedRows
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.models import MPNetTokenizer
from mpnet_tf.objectives import TokenRoles, make_objective
from mpnet_tf.training.config import PretrainingConfig
from mpnet_tf.training.pretraining import build_model, build_trainer


def main():
    """Prepares shards of the text, builds the trainer of the case and serves steps."""
    answers = take_output()
    case = json.loads(sys.argv[1])
    tokenizer = MPNetTokenizer(mpnet_vocabulary(case["vocab"]))
    directory = os.path.join(case["folder"], "shards")
    if not os.path.exists(directory):
        prepare_shards(case["input"], tokenizer, directory)
    config = PretrainingConfig.from_dict(
        {
            "model": case["model"],
            "data": {
                "sequence_length": case["sequence_length"],
                "vocabulary_size": tokenizer.vocabulary_size(),
            },
            "training": {"batch_size": case["rows"]},
        }
    )
    shards = TokenShards.open(directory, "train")
    objective = make_objective(
        "mpnet", TokenRoles.from_tokenizer(tokenizer), case["sequence_length"]
    )
    rows = PackedRows(
        shards,
        case["sequence_length"],
        0,
        start_token_id=tokenizer.start_token_id,
        end_token_id=tokenizer.end_token_id,
        pad_token_id=tokenizer.pad_token_id,
        places_needed=objective.places_needed,
    )
    batches = iter(training_batches(rows, objective, 0, batch_size=case["rows"]))
    trainer = build_trainer(config, build_model(config, config.data.vocabulary_size))
    trainer.make_train_function()
    # Every token of the shards is in one row of an epoch.
    tokens_per_batch = shards.num_tokens / rows.num_rows * case["rows"]

    def step():
        assert np.isfinite(float(trainer.train_function(batches)["loss"]))
        return tokens_per_batch

    serve_steps(step, answers)


if __name__ == "__main__":
    main()
