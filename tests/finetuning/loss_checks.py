"""Numbers that losses of embeddings are checked with."""

import numpy as np
import tensorflow as tf

# Of single precision: sums of some hundred terms, multiplied by a scale of 20.
TOLERANCE = 1e-5


def random_embeddings(num_columns, batch_size=7, embedding_dim=12):
    """Returns a list of float32 arrays, those of a row alike, of lengths other than 1."""
    generator = np.random.default_rng(3)
    shared = generator.normal(size=(batch_size, embedding_dim))
    return [
        (shared + generator.normal(size=shared.shape) * 0.8).astype(np.float32)
        for _ in range(num_columns)
    ]


def loss_and_gradients(loss, embeddings, labels=None):
    """Returns a float and a list of arrays like `embeddings`, as a compiled step computes them."""

    @tf.function
    def compute(tensors, labels):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = loss(tensors, labels)
        return value, tape.gradient(value, tensors)

    labels = None if labels is None else tf.constant(labels)
    value, gradients = compute([tf.constant(vectors) for vectors in embeddings], labels)
    return float(value), [gradient.numpy() for gradient in gradients]


def assert_same(found, expected):
    """Compares what `loss_and_gradients` returns."""
    np.testing.assert_allclose(found[0], expected[0], rtol=TOLERANCE, atol=TOLERANCE)
    assert len(found[1]) == len(expected[1])
    for one, other in zip(found[1], expected[1], strict=True):
        assert np.abs(other).max() > 1e-3
        np.testing.assert_allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)
