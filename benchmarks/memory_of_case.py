"""Measures one case of `memory.py`, in a process that has used no memory before.

python benchmarks/memory_of_case.py '{"model": "small", "rows": 8, "sequence_length": 128}'
"""

import json
import os
import re
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from mpnet_tf.quiet_start import silenced_stderr

with silenced_stderr():
    import keras_hub  # noqa: F401

import numpy as np
from random_text import one_batch_for_ever, recipe
from turns import rounded

from mpnet_tf.training.config import PretrainingConfig
from mpnet_tf.training.pretraining import build_model, build_trainer
from mpnet_tf.training.throughput import training_flops_per_batch

_BASE = PretrainingConfig().to_dict()
_TINY = {"num_layers": 1, "num_heads": 2, "hidden_dim": 64, "intermediate_dim": 256}
_MOST_STEPS = 5
_ENOUGH_SECONDS = 20


def measure(case):
    """Takes steps and reads how much memory the process had at most.

    Args:
        case: dict with `rows`, `sequence_length` and, unlike the defaults, `model`,
            `gradient_accumulation` and `rematerialize`.

    Returns:
        The case with `peak_megabytes` (beyond what the process took before it made the model),
        `state_megabytes` (weights and optimizer, which are part of it), and the median
        `step_seconds` after a first step that compiles; `gflops`, the multiplications and additions
        of a step's matrix products, and `scores`, the attention scores of all layers.
    """
    case = {"model": "small", "gradient_accumulation": 1, "rematerialize": False} | case
    config = _config(**case)
    batches, objective = one_batch_for_ever(config)
    next(batches)
    before = _memory("VmRSS")
    trainer = build_trainer(config, build_model(config, config.data.vocabulary_size))
    trainer.make_train_function()
    trainer.train_function(batches)
    seconds = []
    while not seconds or (len(seconds) < _MOST_STEPS and sum(seconds) < _ENOUGH_SECONDS):
        begin = time.perf_counter()
        float(trainer.train_function(batches)["loss"])
        seconds.append(time.perf_counter() - begin)
    slots = {
        "num_slots": objective.num_slots,
        "num_content_slots": objective.num_content_slots,
        "num_predictions": objective.num_predictions,
        "batch_size": config.training.batch_size,
    }
    flops = training_flops_per_batch(trainer.pretrainer, **slots)
    variables = [*trainer.pretrainer.trainable_variables, *trainer.optimizer.variables]
    state = sum(np.prod(variable.shape, dtype=int) * 4 for variable in variables)
    return case | {
        "peak_megabytes": round((_memory("VmHWM") - before) / 1e6),
        "state_megabytes": round(state / 1e6),
        "step_seconds": rounded(np.median(seconds)),
        "steps": len(seconds),
        "gflops": rounded(flops / 1e9),
        "scores": _num_scores(config.model, **slots),
    }


def _num_scores(model, *, num_slots, num_content_slots, num_predictions, batch_size):
    # The last layer computes the predicted slots alone.
    queries = (model.num_layers - 1) * num_slots + num_predictions
    return batch_size * model.num_heads * queries * num_content_slots


def _config(*, model, rows, sequence_length, gradient_accumulation, rematerialize):
    settings = _BASE if model == "base" else recipe("mpnet_small").to_dict()
    if model == "tiny":
        settings["model"] |= _TINY
    settings["model"] |= {"dropout": 0.1, "attention_dropout": 0.1}
    settings["model"]["max_sequence_length"] = sequence_length
    settings["data"]["sequence_length"] = sequence_length
    settings["training"]["batch_size"] = rows
    settings["execution"] |= {
        "gradient_accumulation": gradient_accumulation,
        "rematerialize": rematerialize,
    }
    return PretrainingConfig.from_dict(settings)


def _memory(name):
    """Reads bytes from Linux: "VmRSS" now, "VmHWM" at most since the program began.

    `resource.getrusage` would begin with the memory of the process that started this one.
    """
    with open("/proc/self/status", encoding="utf-8") as file:
        return 1024 * int(re.search(rf"{name}:\s*(\d+) kB", file.read())[1])


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
