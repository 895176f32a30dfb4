"""The language-model head with and without its transform; values are in `tests/models`."""

import keras
import numpy as np
import pytest

from mpnet_tf.layers.lm_head import LMHead

HIDDEN = np.random.default_rng(2).normal(size=(2, 3, 6)).astype("float32")


@pytest.fixture(scope="module")
def token_embedding():
    layer = keras.layers.ReversibleEmbedding(9, 6, embeddings_initializer="random_normal")
    layer.build((None, None))
    return layer


def test_without_transform_it_is_the_transposed_embedding_alone(token_embedding):
    head = LMHead(token_embedding, transform=False)
    expected = HIDDEN @ np.asarray(token_embedding.embeddings).T
    np.testing.assert_allclose(head(HIDDEN), expected, atol=1e-6)
    assert [weight.path for weight in head.weights] == [token_embedding.embeddings.path]


@pytest.mark.parametrize("transform", [True, False])
@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_logits_are_float32_whatever_the_policy(transform, dtype):
    embedding = keras.layers.ReversibleEmbedding(9, 6, dtype=dtype)
    embedding.build((None, None))
    assert LMHead(embedding, transform=transform, dtype=dtype)(HIDDEN).dtype == "float32"


@pytest.mark.parametrize("transform", [True, False])
def test_config_round_trip(token_embedding, transform):
    config = LMHead(token_embedding, transform=transform).get_config()
    restored = LMHead.from_config(config)
    assert restored.get_config() == config
    assert restored.transform is transform


@pytest.mark.parametrize("transform", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "bfloat16"])
def test_projecting_gives_the_logits_of_a_call(transform, dtype):
    embedding = keras.layers.ReversibleEmbedding(9, 6, dtype=dtype)
    embedding.build((None, None))
    head = LMHead(embedding, transform=transform, dtype=dtype)
    hidden = keras.ops.cast(HIDDEN, head.compute_dtype)
    expected = np.asarray(head(hidden))
    found = head.project(hidden, head.output_kernel())
    assert found.dtype == "float32"
    # Of the largest logit, as either sums in its own order.
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())


def test_a_quantized_embedding_projects_by_itself():
    embedding = keras.layers.ReversibleEmbedding(9, 6)
    embedding.build((None, None))
    embedding.quantize("int8")
    head = LMHead(embedding, transform=False)
    assert head.output_kernel() is None
    np.testing.assert_array_equal(head.project(HIDDEN, None), head(HIDDEN))
