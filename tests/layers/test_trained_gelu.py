"""Gelu for training: values and derivatives against the formulas in float64."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.layers.trained_gelu import trained_gelu


def gelu(value, approximate):
    """The formulas of the paper, section 2, with the derivative by central differences."""
    if approximate:
        inner = math.sqrt(2 / math.pi) * (value + 0.044715 * value**3)
        return 0.5 * value * (1 + math.tanh(inner))
    return 0.5 * value * (1 + math.erf(value / math.sqrt(2)))


@pytest.mark.parametrize("dtype, tolerance", [("float32", 2e-6), ("bfloat16", 2**-7)])
@pytest.mark.parametrize("approximate", [False, True])
def test_matches_the_formulas(approximate, dtype, tolerance):
    inputs = tf.cast(np.random.default_rng(0).normal(size=(7, 33)) * 3, dtype)
    bias = tf.cast(np.random.default_rng(2).normal(size=33), dtype)
    upstream = tf.cast(np.random.default_rng(1).normal(size=(7, 33)), dtype)
    with tf.GradientTape() as tape:
        tape.watch([inputs, bias])
        outputs = trained_gelu(inputs, bias, approximate=approximate)
    gradient, of_bias = tape.gradient(outputs, [inputs, bias], output_gradients=upstream)
    assert outputs.dtype == gradient.dtype == of_bias.dtype == inputs.dtype

    values = (tf.cast(inputs, tf.float64) + tf.cast(bias, tf.float64)).numpy()
    expected = np.vectorize(lambda value: gelu(value, approximate))(values)
    step = 1e-5
    derivative = np.vectorize(
        lambda value: (gelu(value + step, approximate) - gelu(value - step, approximate)) / 2 / step
    )(values)
    np.testing.assert_allclose(
        tf.cast(outputs, tf.float64), expected, atol=tolerance, rtol=tolerance
    )
    derivative *= tf.cast(upstream, tf.float64).numpy()
    for found, expected in ((gradient, derivative), (of_bias, derivative.sum(axis=0))):
        np.testing.assert_allclose(
            tf.cast(found, tf.float64), expected, atol=2 * tolerance, rtol=2 * tolerance
        )


@pytest.mark.parametrize("approximate", [False, True])
def test_same_in_a_graph_and_compiled(approximate):
    inputs = tf.constant(np.random.default_rng(0).normal(size=(5, 9)), tf.float32)
    bias = tf.constant(np.random.default_rng(1).normal(size=9), tf.float32)

    def derivative(inputs):
        with tf.GradientTape() as tape:
            tape.watch([inputs, bias])
            outputs = trained_gelu(inputs, bias, approximate=approximate)
        return outputs, *tape.gradient(outputs, [inputs, bias])

    expected = derivative(inputs)
    for jit_compile in (False, True):
        found = tf.function(derivative, jit_compile=jit_compile)(inputs)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
    np.testing.assert_allclose(
        expected[0], keras.ops.gelu(inputs + bias, approximate=approximate), atol=1e-6
    )
