"""Gradients by way of the embeddings against those that TensorFlow takes of the whole at once."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.finetuning.contrastive_loss import MultipleNegativesRankingLoss
from mpnet_tf.finetuning.embedding_gradients import EmbeddingGradients
from mpnet_tf.finetuning.matryoshka import MatryoshkaLoss
from mpnet_tf.finetuning.scored_pair_losses import CosentLoss
from mpnet_tf.training.dropout_seeds import derived_seed, layer_seeds
from tests.finetuning.small_embedders import random_columns, small_embedder

BATCH_SIZE = 8
SEED = tf.constant([3, 4], tf.uint32)
SCORES = tf.constant([0.1, 0.7, 0.3, 0.3, 1.0, 0.0, 0.5, 0.9])
CASES = {
    "contrastive": (MultipleNegativesRankingLoss(symmetric=True), 2, None),
    "scored": (CosentLoss(), 2, SCORES),
    "matryoshka": (MatryoshkaLoss(MultipleNegativesRankingLoss(), (32, 8)), 2, None),
}


def embed_at_once(embedder, features, seeds, chunk_size):
    """Embeds chunks under the masks of their seeds, with nothing forgotten in between."""
    states = [one for one in embedder.variables if one.name == "seed_generator_state"]
    parts = []
    for number, begin in enumerate(range(0, BATCH_SIZE, chunk_size)):
        chunk = {name: value[begin : begin + chunk_size] for name, value in features.items()}
        with keras.StatelessScope(state_mapping=layer_seeds(states, seeds(number))):
            parts.append(embedder(chunk, training=True))
    return tf.concat(parts, axis=0)


def reference(embedder, loss, columns, labels, chunk_size):
    variables = [variable.value for variable in embedder.trainable_variables]

    def run():
        with tf.GradientTape() as tape:
            embeddings = [
                embed_at_once(
                    embedder,
                    features,
                    lambda number, column=column: derived_seed(SEED, column, number),
                    chunk_size or BATCH_SIZE,
                )
                for column, features in enumerate(columns)
            ]
            value = loss(embeddings, labels)
        return value, tape.gradient(value, variables)

    # Dropout draws in one way where a graph knows all lengths, and chunks have any length there.
    value, gradients = run() if chunk_size else tf.function(run)()
    return value.numpy(), [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]


def computed(embedder, loss, columns, labels, chunk_size):
    gradients = EmbeddingGradients(embedder, loss, chunk_size)
    value, gradients = tf.function(gradients)(columns, labels, SEED, gradient_scale=tf.identity)
    return value.numpy(), [gradient.numpy() for gradient in gradients]


def assert_same(found, expected):
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    for one, other in zip(found[1], expected[1], strict=True):
        # Relative to the largest: sums of numbers that nearly cancel have no digits of their own.
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * max(1, np.abs(other).max()))
    assert all(np.abs(other).max() > 1e-4 for other in expected[1])


@pytest.mark.parametrize(
    ("case", "chunk_size"),
    [("contrastive", None), ("contrastive", 3), ("contrastive", 100), ("scored", 4)],
)
def test_without_dropout(case, chunk_size):
    loss, num_columns, labels = CASES[case]
    embedder = small_embedder(dropout=0.0, attention_dropout=0.0)
    columns = random_columns(num_columns, BATCH_SIZE)
    expected = reference(embedder, loss, columns, labels, BATCH_SIZE)
    assert_same(computed(embedder, loss, columns, labels, chunk_size), expected)


@pytest.mark.parametrize(
    ("case", "chunk_size"),
    [("contrastive", None), ("contrastive", 3), ("scored", 4), ("matryoshka", 8)],
)
def test_with_dropout(case, chunk_size):
    """The masks of both passes are the same, or the gradients would be of another function."""
    loss, num_columns, labels = CASES[case]
    embedder = small_embedder(dropout=0.2, attention_dropout=0.2)
    columns = random_columns(num_columns, BATCH_SIZE)
    expected = reference(embedder, loss, columns, labels, chunk_size)
    assert_same(computed(embedder, loss, columns, labels, chunk_size), expected)


def test_columns_have_masks_of_their_own():
    """With equal masks, the same text twice would be its own perfect match."""
    embedder = small_embedder(dropout=0.3, attention_dropout=0.3)
    (features,) = random_columns(1, BATCH_SIZE)
    seen = []

    def loss(embeddings, labels):
        seen.extend(embeddings)
        return tf.reduce_sum(embeddings[0] * embeddings[1])

    EmbeddingGradients(embedder, loss)((features, features), None, SEED, tf.identity)
    cosines = tf.reduce_sum(seen[0] * seen[1], axis=1).numpy()
    assert (cosines < 0.99).all()


@pytest.mark.parametrize("chunk_size", [None, 3])
def test_loss_of_evaluation_has_no_dropout(chunk_size):
    embedder = small_embedder(dropout=0.5, attention_dropout=0.5)
    columns = random_columns(2, BATCH_SIZE)
    found = EmbeddingGradients(embedder, CosentLoss(), chunk_size).loss(columns, SCORES)
    expected = CosentLoss()([embedder(features) for features in columns], SCORES)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_bad_chunk_size_is_refused():
    with pytest.raises(ValueError, match=r"`chunk_size` must be positive. Received: chunk_size=0"):
        EmbeddingGradients(small_embedder(), CosentLoss(), 0)
