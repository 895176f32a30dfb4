"""Time of a training step, beside the matrix products of its shapes run alone.

Prints a JSON line a model: seconds a step, text tokens per second, and the achieved FLOP/s beside
those of bare matrix products of the same shapes, measured in the same run on the same machine.
FLOPs are the multiplications and additions of the matrix products that the step must do, forward
and backward; what dropout, norms and the optimizer cost is overhead. With `--profile` it tells
besides what the operations of a step take by their kinds, one after the other.

    python benchmarks/train_step.py --models=small,base
    python benchmarks/train_step.py --models=base --profile
"""

import json
import os
import time

from absl import app, flags

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from mpnet_tf.quiet_start import silenced_stderr

with silenced_stderr():
    import keras_hub  # noqa: F401
    import tensorflow as tf

import numpy as np
from random_text import one_batch_for_ever
from step_profile import step_profile

from mpnet_tf.training.config import PretrainingConfig
from mpnet_tf.training.pretraining import build_model, build_trainer
from mpnet_tf.training.throughput import training_flops_per_batch, training_matrix_products

_MODELS = flags.DEFINE_list("models", ["small", "base"], "Which of small and base to measure.")
_DTYPE = flags.DEFINE_string("dtype", "float32", "Keras dtype policy.")
_STEPS = flags.DEFINE_integer("steps", 5, "Steps to time, after one that compiles.")
_LENGTH = flags.DEFINE_integer("sequence_length", 128, "Tokens in a row.")
_PROFILE = flags.DEFINE_bool("profile", False, "Whether to tell what the operations take.")

_SHAPES = {
    "small": (
        {"num_layers": 4, "num_heads": 4, "hidden_dim": 256, "intermediate_dim": 1024},
        2048,
    ),
    "base": ({}, 1024),
}


def main(argv):
    """Measures and prints."""
    del argv
    if _PROFILE.value:
        # One operation at a time, or their seconds would count what they wait for each other.
        tf.config.threading.set_inter_op_parallelism_threads(1)
    for name in _MODELS.value:
        print(json.dumps(_measure(name)), flush=True)


def _measure(name):
    shape, tokens_per_batch = _SHAPES[name]
    batch_size = tokens_per_batch // _LENGTH.value
    config = PretrainingConfig.from_dict(
        {
            "model": {**shape, "dtype": _DTYPE.value},
            "data": {"sequence_length": _LENGTH.value},
            "training": {"batch_size": batch_size},
        }
    )
    batches, objective = one_batch_for_ever(config)
    model = build_model(config, config.data.vocabulary_size)
    trainer = build_trainer(config, model)
    trainer.make_train_function()
    trainer.train_function(batches)

    # Products and steps take turns, so that a machine that slows down slows both.
    sizes = {
        "num_slots": objective.num_slots,
        "num_content_slots": objective.num_content_slots,
        "num_predictions": objective.num_predictions,
        "batch_size": batch_size,
    }
    products = training_matrix_products(model, **sizes)
    step_seconds, product_seconds = [], []
    for _ in range(_STEPS.value):
        product_seconds.append(sum(_time_product(product) for product in products))
        begin = time.perf_counter()
        float(trainer.train_function(batches)["loss"])
        step_seconds.append(time.perf_counter() - begin)
    step, alone = float(np.median(step_seconds)), float(np.median(product_seconds))
    flops = training_flops_per_batch(model, **sizes)
    profile = {}
    if _PROFILE.value:
        profile = {"profile": step_profile(lambda: float(trainer.train_function(batches)["loss"]))}
    return {
        "model": name,
        "dtype": _DTYPE.value,
        "rows": batch_size,
        "sequence_length": _LENGTH.value,
        "num_predictions": objective.num_predictions,
        "step_seconds": round(step, 4),
        "tokens_per_second": round(batch_size * _LENGTH.value / step),
        "gflops_per_second": round(flops / step / 1e9, 1),
        "matrix_product_gflops_per_second": round(flops / alone / 1e9, 1),
        "share_of_matrix_products": round(alone / step, 3),
        **profile,
    }


def _time_product(product):
    """Times `count` products of one shape."""
    count, batch, rows, inner, columns = product
    dtype = "bfloat16" if "bfloat16" in _DTYPE.value else "float32"
    first = tf.cast(tf.random.normal([batch, rows, inner]), dtype)
    second = tf.cast(tf.random.normal([batch, inner, columns]), dtype)
    if batch == 1:
        first, second = first[0], second[0]
    tf.matmul(first, second)
    begin = time.perf_counter()
    for _ in range(count):
        result = tf.matmul(first, second)
    result.numpy()
    return time.perf_counter() - begin


if __name__ == "__main__":
    app.run(main)
