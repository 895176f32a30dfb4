"""Attention for training: values and gradients against NumPy in float64, written from the paper."""

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.layers.counter_dropout import CounterDropout
from mpnet_tf.layers.trained_attention import attention, trained_attention

ROWS, HEADS, QUERIES, KEYS, WIDTH = 2, 4, 5, 7, 6


def random_inputs(dtype, *, bias_heads=HEADS):
    generator = np.random.default_rng(0)
    tensors = [
        tf.cast(generator.normal(size=(ROWS, HEADS, length, WIDTH)), dtype)
        for length in (QUERIES, KEYS, KEYS)
    ]
    bias = generator.normal(size=(ROWS, bias_heads, QUERIES, KEYS))
    bias[generator.uniform(size=bias.shape) < 0.2] = -1e9
    return [*tensors, tf.cast(bias, tf.float32)]


def expected_gradients(tensors, upstream, scale):
    """The chain rule, a matrix after the other."""
    query, key, value, bias = (np.asarray(tf.cast(one, tf.float64)) for one in tensors)
    upstream = np.asarray(tf.cast(upstream, tf.float64))
    scores = np.einsum("bhqd,bhkd->bhqk", query, key) + bias
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    used = weights * scale
    of_weights = np.einsum("bhqd,bhkd->bhqk", upstream, value) * scale
    # d softmax: the Jacobian diag(w) - w w^T of each row.
    of_scores = weights * (of_weights - (of_weights * weights).sum(-1, keepdims=True))
    gradients = [
        np.einsum("bhqk,bhkd->bhqd", of_scores, key),
        np.einsum("bhqk,bhqd->bhkd", of_scores, query),
        np.einsum("bhqk,bhqd->bhkd", used, upstream),
        of_scores if bias.shape[1] > 1 else of_scores.sum(1, keepdims=True),
    ]
    return np.einsum("bhqk,bhkd->bhqd", used, value), gradients


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("bfloat16", 0.06)])
@pytest.mark.parametrize("bias_heads", [1, HEADS])
@pytest.mark.parametrize("rate", [0.0, 0.25])
@pytest.mark.parametrize("in_graph", [False, True])
def test_matches_the_chain_rule(dtype, tolerance, bias_heads, rate, in_graph):
    """In a graph, what is fused is."""
    tensors = random_inputs(dtype, bias_heads=bias_heads)
    upstream = tf.cast(np.random.default_rng(1).normal(size=(ROWS, HEADS, QUERIES, WIDTH)), dtype)

    dropout = CounterDropout(rate, seed=3, dtype=dtype)
    same_dropout = CounterDropout(rate, seed=3, dtype="float32")

    def run():
        scale = same_dropout(tf.ones((ROWS, HEADS, QUERIES, KEYS)), training=True)
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            attended = trained_attention(*tensors, dropout=dropout)
        return scale, attended, tape.gradient(attended, tensors, output_gradients=upstream)

    scale, attended, gradients = tf.function(run)() if in_graph else run()
    expected, expected_all = expected_gradients(tensors, upstream, scale.numpy())
    assert attended.dtype == dtype
    np.testing.assert_allclose(tf.cast(attended, tf.float64), expected, atol=tolerance)
    for found, wanted in zip(gradients, expected_all, strict=True):
        np.testing.assert_allclose(tf.cast(found, tf.float64), wanted, atol=tolerance)


def test_without_dropout_both_are_the_same_and_compile():
    tensors = random_inputs("float32")
    expected = attention(*tensors)
    for jit_compile in (False, True):
        compiled = tf.function(trained_attention, jit_compile=jit_compile)
        np.testing.assert_allclose(compiled(*tensors), expected, atol=1e-6)
