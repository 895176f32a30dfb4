"""The count of a step's operations beside TensorFlow's graph of it, and a measured rate."""

import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.models import Pretrainer
from mpnet_tf.objectives import make_objective
from mpnet_tf.objectives.visibility import KEY_FEATURES, PREDICTION_FEATURES, SLOT_FEATURES
from mpnet_tf.training.throughput import measured_peak_flops, training_flops_per_batch
from tests.models.small_models import ROLES, small_backbone

TRANSPOSE_ATTRIBUTES = {"MatMul": "transpose_a", "BatchMatMulV2": "adj_x"}


def training_graph(model, sizes, batch_size):
    """Traces loss and gradients of a batch, and executes nothing."""
    slots = {
        **dict.fromkeys(SLOT_FEATURES, sizes["num_slots"]),
        **dict.fromkeys(KEY_FEATURES, sizes["num_content_slots"]),
        **dict.fromkeys(PREDICTION_FEATURES, sizes["num_predictions"]),
    }
    weights = [weight.value for weight in model.trainable_weights]

    @tf.function
    def step(slots):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(slots, training=True) ** 2)
        return tape.gradient(loss, weights)

    specs = {
        name: tf.TensorSpec([batch_size, width], "int32", name) for name, width in slots.items()
    }
    return step.get_concrete_function(specs).graph


def graph_flops(graph):
    """Counts what the matrix products of a graph do, from their operands' shapes.

    TensorFlow's profiler does not do here: it takes the wrong axis for the inner one where a
    batch of products transposes its first factor. Products with a single row are sums of rows,
    the gradients of biases, which by `ops.sum` would be no products either.
    """
    flops = 0
    for operation in graph.get_operations():
        assert "Einsum" not in operation.type and "Conv" not in operation.type
        if "MatMul" in operation.type and operation.outputs[0].shape[-2] > 1:
            attribute = TRANSPOSE_ATTRIBUTES[operation.type]
            inner_axis = -2 if operation.get_attr(attribute) else -1
            inner = operation.inputs[0].shape[inner_axis]
            flops += 2 * inner * operation.outputs[0].shape.num_elements()
    return flops


@pytest.mark.parametrize(
    ("name", "sequence_length", "batch_size", "shape"),
    [
        ("mpnet", 48, 3, {"num_layers": 2}),
        ("mpnet", 96, 2, {"num_layers": 3, "hidden_dim": 64, "intermediate_dim": 100}),
        ("glm", 48, 3, {"num_layers": 2}),
        ("glm", 96, 2, {"num_layers": 3, "hidden_dim": 64, "intermediate_dim": 100}),
    ],
)
def test_count_is_that_of_the_graph_that_tensorflow_makes(name, sequence_length, batch_size, shape):
    objective = make_objective(name, ROLES, sequence_length)
    sizes = {
        "num_slots": objective.num_slots,
        "num_content_slots": objective.num_content_slots,
        "num_predictions": objective.num_predictions,
    }
    model = Pretrainer(small_backbone(name, max_sequence_length=sequence_length, **shape))
    found = training_flops_per_batch(model, batch_size=batch_size, **sizes)
    assert found == graph_flops(training_graph(model, sizes, batch_size))


def test_recomputation_is_not_counted():
    model = Pretrainer(small_backbone("mpnet"))
    sizes = {"num_slots": 60, "num_content_slots": 50, "num_predictions": 7, "batch_size": 2}
    expected = training_flops_per_batch(model, **sizes)
    for layer in model.backbone.transformer_layers:
        layer.rematerialize = True
    assert training_flops_per_batch(model, **sizes) == expected


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_peak_is_what_products_of_another_size_reach_or_more(dtype):
    peak = measured_peak_flops(dtype, device="/CPU:0")
    factor = tf.random.normal([256, 256])
    factor = tf.cast(factor, keras.DTypePolicy(dtype).compute_dtype)
    rates = []
    for _ in range(5):
        begin = time.perf_counter()
        tf.matmul(factor, factor).numpy()
        rates.append(2 * 256**3 / (time.perf_counter() - begin))
    # Small products are slower, and other programs take turns with both.
    assert peak > 0.3 * np.median(rates)
    assert peak < 1e15


def test_peak_is_of_the_default_device_where_none_is_named():
    assert measured_peak_flops("float32") > 0
