"""Dropout from counters: rates, independence, scale, gradients, and the same under XLA."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from mpnet_tf.layers.counter_dropout import CounterDropout

RATE = 0.1


def dropped(inputs, rate=RATE, *, seed=3, dtype="float32", calls=1, **how):
    """Calls of a fresh layer in a graph, with known shapes where nothing else is said."""
    layer = CounterDropout(rate, seed=seed, dtype=dtype)
    run = tf.function(lambda values: layer(values, training=True), **how)
    for _ in range(calls):
        outputs = run(tf.constant(inputs))
    return ops.convert_to_numpy(ops.cast(outputs, "float32"))


ONES = np.ones((50, 400, 100), "float32")
UNKNOWN = {"input_signature": [tf.TensorSpec([None, None, 100])]}


@pytest.mark.parametrize("how", [{}, {"jit_compile": True}, UNKNOWN])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_drops_its_share_and_scales_the_rest(dtype, how):
    outputs = dropped(ONES, dtype=dtype, **how)
    is_dropped = outputs == 0
    # Five standard deviations of the mean of so many draws.
    margin = 5 * np.sqrt(RATE * (1 - RATE) / is_dropped.size)
    assert abs(is_dropped.mean() - RATE) < margin
    for axis in range(3):
        both = np.logical_and(is_dropped, np.roll(is_dropped, 1, axis=axis))
        assert abs(both.mean() - RATE**2) < margin
    # Of each row and each column, too, more than half a hundred thousand draws.
    for axis in range(3):
        others = tuple({0, 1, 2} - {axis})
        share, count = is_dropped.mean(axis=others), is_dropped.size / ONES.shape[axis]
        assert np.abs(share - RATE).max() < 5 * np.sqrt(RATE * (1 - RATE) / count)
    np.testing.assert_allclose(
        outputs[~is_dropped], 1 / (1 - RATE), rtol=2**-8 if dtype == "bfloat16" else 1e-6
    )


def test_a_seed_drops_the_same_with_and_without_xla():
    inputs = np.random.default_rng(0).normal(size=(3, 7, 6)).astype("float32")
    np.testing.assert_array_equal(dropped(inputs), dropped(inputs, jit_compile=True))
    assert not np.array_equal(dropped(inputs), dropped(inputs, seed=4))


def test_each_call_drops_others_independently():
    first, second = (dropped(ONES, calls=calls) == 0 for calls in (1, 2))
    margin = 5 * np.sqrt(RATE * (1 - RATE) / first.size)
    assert abs((first & second).mean() - RATE**2) < margin


def test_nothing_is_dropped_outside_of_training():
    inputs = np.ones((2, 6), "float32")
    assert np.array_equal(CounterDropout(0.5)(inputs), inputs)
    assert np.array_equal(CounterDropout(0.0)(inputs, training=True), inputs)


@pytest.mark.parametrize("shape", [[3, 7, 6], [None, None, 6]])
def test_the_gradient_has_the_same_elements_dropped(shape):
    layer = CounterDropout(0.5, seed=1)

    @tf.function(input_signature=[tf.TensorSpec(shape)])
    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
        return outputs, tape.gradient(outputs, inputs)

    inputs = np.random.default_rng(0).normal(size=(3, 7, 6)).astype("float32")
    outputs, gradient = run(inputs)
    np.testing.assert_allclose(outputs, inputs * gradient, rtol=1e-6)
    assert set(np.unique(gradient)) == {0.0, 2.0}


def test_a_rate_out_of_range_is_refused():
    for rate in (-0.1, 1.0):
        with pytest.raises(ValueError, match="`rate` must be from 0 to below 1"):
            CounterDropout(rate)


def test_serialises():
    layer = CounterDropout(0.3, seed=2, name="dropout")
    restored = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(restored, CounterDropout)
    assert restored.get_config() == layer.get_config()
