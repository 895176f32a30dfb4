"""Dropout from half as many random numbers: rates, independence, scale and gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from mpnet_tf.layers.paired_dropout import PairedDropout

RATE = 0.1
# The nearest multiple of 1/2048.
DROPPED = 205 / 2048


def kept(shape, rate=RATE, dtype="float32", seed=3):
    layer = PairedDropout(rate, seed=seed, dtype=dtype)
    return ops.convert_to_numpy(
        ops.cast(layer(np.ones(shape, "float32"), training=True), "float32")
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_drops_its_share_of_both_halves_independently(dtype):
    outputs = kept((50, 400, 100), dtype=dtype)
    first, second = np.split(outputs == 0, 2, axis=1)
    # Five standard deviations of a mean of a million draws.
    margin = 5 * np.sqrt(DROPPED * (1 - DROPPED) / first.size)
    assert abs(first.mean() - DROPPED) < margin
    assert abs(second.mean() - DROPPED) < margin
    assert abs((first & second).mean() - DROPPED**2) < margin
    np.testing.assert_allclose(
        outputs[outputs > 0], 1 / (1 - DROPPED), rtol=2**-8 if dtype == "bfloat16" else 1e-6
    )


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 7), (4,)])
def test_odd_shapes_are_dropped_too(shape):
    outputs = np.stack([kept(shape, rate=0.5, seed=seed) for seed in range(40)])
    assert 0.2 < (outputs == 0).mean() < 0.8


def test_same_seed_same_mask_and_none_outside_of_training():
    assert np.array_equal(kept((4, 6, 8)), kept((4, 6, 8)))
    assert not np.array_equal(kept((4, 6, 80)), kept((4, 6, 80), seed=4))
    inputs = np.ones((2, 6), "float32")
    assert np.array_equal(PairedDropout(0.5)(inputs), inputs)
    assert np.array_equal(PairedDropout(0.0)(inputs, training=True), inputs)


def test_unknown_lengths_in_a_graph():
    layer = PairedDropout(0.5, seed=1)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 6])])
    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
        return outputs, tape.gradient(outputs, inputs)

    inputs = np.random.default_rng(0).normal(size=(3, 7, 6)).astype("float32")
    outputs, gradient = run(inputs)
    np.testing.assert_allclose(outputs, inputs * gradient, rtol=1e-6)
    assert set(np.unique(gradient)) == {0.0, 2.0}


def test_fused_in_a_graph_of_known_shapes():
    expected = PairedDropout(0.5, seed=1)
    expected = expected(np.ones((3, 7, 6), "float32"), training=True)
    layer = PairedDropout(0.5, seed=1)
    found = tf.function(lambda: layer(tf.ones((3, 7, 6)), training=True))()
    np.testing.assert_array_equal(found, expected)


def test_a_rate_out_of_range_is_refused():
    for rate in (-0.1, 1.0):
        with pytest.raises(ValueError, match="`rate` must be from 0 to below 1"):
            PairedDropout(rate)


def test_serialises():
    layer = PairedDropout(0.3, seed=2, name="dropout")
    restored = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(restored, PairedDropout)
    assert restored.get_config() == layer.get_config()
