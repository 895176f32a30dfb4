"""Cross-entropy and its gradient against NumPy in float64 and TensorFlow's own."""

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.training.cross_entropy import cross_entropy


@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_matches_its_definition(scale, jit_compile):
    generator = np.random.default_rng(0)
    logits = (generator.normal(size=(3, 4, 50)) * scale).astype("float32")
    targets = generator.integers(0, 50, (3, 4)).astype("int32")
    upstream = generator.normal(size=(3, 4)).astype("float32")

    @tf.function(jit_compile=jit_compile)
    def run(logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            losses = cross_entropy(logits, targets)
        return losses, tape.gradient(losses, logits, output_gradients=tf.constant(upstream))

    losses, gradient = run(tf.constant(logits))
    exact = logits.astype("float64")
    log_sums = np.log(np.exp(exact - exact.max(-1, keepdims=True)).sum(-1)) + exact.max(-1)
    one_hot = np.eye(50)[targets]
    np.testing.assert_allclose(losses, log_sums - (exact * one_hot).sum(-1), rtol=1e-5, atol=1e-6)
    softmax = np.exp(exact - log_sums[..., None])
    np.testing.assert_allclose(gradient, (softmax - one_hot) * upstream[..., None], atol=1e-6)


def test_matches_tensorflow_on_a_real_vocabulary():
    logits = tf.random.stateless_normal((2, 5, 30527), (0, 1), stddev=5.0)
    targets = tf.constant([[0, 30526, 7, 7, 100]] * 2)
    np.testing.assert_allclose(
        cross_entropy(logits, targets),
        tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits),
        rtol=1e-5,
    )


def test_an_endless_logit_makes_no_finite_loss():
    logits = tf.constant([[[1.0, float("inf"), 0.0]]])
    assert not np.isfinite(cross_entropy(logits, tf.constant([[0]]))).all()
