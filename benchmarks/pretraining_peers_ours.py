"""Our training step, as `pretraining_peers.py` runs it in a process, and the batch of the case."""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from mpnet_tf.quiet_start import silenced_stderr

with silenced_stderr():
    import keras_hub  # noqa: F401

import numpy as np
from random_text import one_batch_for_ever
from step_process import serve_steps, take_output

from mpnet_tf.training.config import PretrainingConfig
from mpnet_tf.training.pretraining import build_model, build_trainer


def main():
    """Builds the trainer of the case, writes its batch and serves steps."""
    answers = take_output()
    case = json.loads(sys.argv[1])
    policies = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
    config = PretrainingConfig.from_dict(
        {
            "model": {**case["model"], "dtype": policies[case["dtype"]]},
            "data": {"sequence_length": case["sequence_length"]},
            "objective": {"name": case["objective"]},
            "training": {"batch_size": case["rows"]},
        }
    )
    batches, _ = one_batch_for_ever(config)
    slots, target_ids, target_weights = next(batches)
    np.savez(case["batch"], target_ids=target_ids, target_weights=target_weights, **slots)
    trainer = build_trainer(config, build_model(config, config.data.vocabulary_size))
    trainer.make_train_function()

    def step():
        assert np.isfinite(float(trainer.train_function(batches)["loss"]))
        return case["rows"] * case["sequence_length"]

    serve_steps(step, answers)


if __name__ == "__main__":
    main()
