"""Layer norm for training: values and gradients against NumPy in float64, and Keras' layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.layers.trained_layer_norm import TrainedLayerNorm

EPSILON = 1e-5


def expected_gradients(inputs, upstream, scale):
    """The Jacobian of each row written out."""
    mean, deviation = inputs.mean(), np.sqrt(inputs.var() + EPSILON)
    normalized = (inputs - mean) / deviation
    width = len(inputs)
    jacobian = (np.eye(width) - 1 / width - np.outer(normalized, normalized) / width) / deviation
    return normalized, jacobian.T @ (upstream * scale)


@pytest.mark.parametrize("dtype, tolerance", [("float32", 2e-5), ("bfloat16", 0.04)])
@pytest.mark.parametrize("in_graph", [False, True])
def test_matches_its_jacobian(dtype, tolerance, in_graph):
    generator = np.random.default_rng(0)
    inputs = tf.cast(generator.normal(size=(3, 5, 16)) * 2 + 1, dtype)
    upstream = tf.cast(generator.normal(size=(3, 5, 16)), dtype)
    policy = "mixed_bfloat16" if dtype == "bfloat16" else dtype
    layer = TrainedLayerNorm(epsilon=EPSILON, dtype=policy)
    layer.build(inputs.shape)
    scale, offset = generator.normal(size=(2, 16)).astype("float32")
    layer.set_weights([scale, offset])

    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
        weights = [layer.gamma.value, layer.beta.value]
        return outputs, tape.gradient(outputs, [inputs, *weights], output_gradients=upstream)

    outputs, gradients = tf.function(run)(inputs) if in_graph else run(inputs)
    assert outputs.dtype == gradients[0].dtype == dtype
    rows = np.asarray(tf.cast(inputs, tf.float64)).reshape(-1, 16)
    ups = np.asarray(tf.cast(upstream, tf.float64)).reshape(-1, 16)
    pairs = [expected_gradients(row, up, scale) for row, up in zip(rows, ups, strict=True)]
    normalized, of_inputs = map(np.stack, zip(*pairs, strict=True))
    expected = [of_inputs, (ups * normalized).sum(0), ups.sum(0)]
    np.testing.assert_allclose(
        tf.cast(outputs, tf.float64).numpy().reshape(-1, 16),
        normalized * scale + offset,
        atol=tolerance,
        rtol=tolerance,
    )
    for found, wanted in zip(gradients, expected, strict=True):
        found = tf.cast(found, tf.float64).numpy().reshape(wanted.shape)
        np.testing.assert_allclose(found, wanted, atol=tolerance, rtol=tolerance)
    plain = keras.layers.LayerNormalization(epsilon=EPSILON, dtype=policy)
    plain.build(inputs.shape)
    plain.set_weights([scale, offset])
    np.testing.assert_allclose(
        tf.cast(outputs, "float32"), tf.cast(plain(inputs), "float32"), atol=tolerance
    )


def test_serialises():
    layer = TrainedLayerNorm(epsilon=1e-6, name="norm")
    restored = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(restored, TrainedLayerNorm)
    assert restored.epsilon == 1e-6
