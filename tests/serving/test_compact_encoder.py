"""The computation without padding gives what the bodies give."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mpnet_tf.models import BODIES, make_backbone, make_task
from mpnet_tf.serving.compact_encoder import CompactEncoder, compact_network
from tests.serving.tiny_models import randomize

VOCABULARY_SIZE = 40
LONGEST = 12


def tiny_body(name):
    body = make_backbone(
        name,
        VOCABULARY_SIZE,
        num_layers=2,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        max_sequence_length=LONGEST,
    )
    randomize(body)
    return body


@pytest.fixture(scope="module", params=sorted(BODIES))
def backbone(request):
    return tiny_body(request.param)


def inputs_of(backbone, padding_mask, seed=0):
    """Makes random inputs of a body."""
    generator = np.random.default_rng(seed)
    padding_mask = np.asarray(padding_mask, np.int32)
    inputs = {
        "token_ids": generator.integers(VOCABULARY_SIZE, size=padding_mask.shape, dtype=np.int32),
        "padding_mask": padding_mask,
    }
    if backbone.num_segments:
        inputs["segment_ids"] = generator.integers(2, size=padding_mask.shape, dtype=np.int32)
    return inputs


MASKS = st.integers(1, LONGEST).flatmap(
    lambda length: st.lists(
        st.lists(st.integers(0, 1), min_size=length, max_size=length).filter(any),
        min_size=1,
        max_size=4,
    )
)


@settings(max_examples=15, deadline=None)
@given(padding_mask=MASKS)
def test_real_tokens_are_as_the_body_computes_them(backbone, padding_mask):
    inputs = inputs_of(backbone, padding_mask)
    found = CompactEncoder(backbone)(inputs).numpy()
    is_token = inputs["padding_mask"].astype(bool)
    expected = backbone(inputs, training=False).numpy()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found[is_token], expected[is_token], atol=1e-5)


def test_rows_of_padding_alone_and_no_rows_are_no_errors(backbone):
    encoder = CompactEncoder(backbone)
    mixed = encoder(inputs_of(backbone, [[0, 0, 0], [1, 1, 0]])).numpy()
    alone = encoder(inputs_of(backbone, [[1, 1, 0]])).numpy()
    assert mixed.shape == (2, 3, 8) and alone.shape == (1, 3, 8)
    assert np.isfinite(mixed[1, :2]).all()
    assert encoder(inputs_of(backbone, np.zeros((0, 3)))).shape == (0, 3, 8)


def test_a_network_reads_the_weights_that_its_task_has_now():
    backbone = tiny_body("mpnet")
    embedder = make_task("text_embedder", backbone)
    network = compact_network(embedder)
    inputs = inputs_of(backbone, [[1, 1, 1, 0]])
    table = backbone.token_embedding.embeddings
    before = table.numpy()
    first = network(inputs).numpy()
    table.assign(before[::-1])
    np.testing.assert_allclose(network(inputs), embedder(inputs), atol=1e-5)
    assert abs(network(inputs).numpy() - first).max() > 1e-3


def test_half_precision_is_kept():
    body = make_backbone(
        "mpnet",
        VOCABULARY_SIZE,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        max_sequence_length=LONGEST,
        dtype="bfloat16",
    )
    inputs = inputs_of(body, [[1, 1, 0], [1, 1, 1]])
    found, expected = CompactEncoder(body)(inputs), body(inputs, training=False)
    assert found.dtype == expected.dtype == tf.bfloat16
    is_token = inputs["padding_mask"].astype(bool)
    np.testing.assert_allclose(
        found.numpy().astype(np.float32)[is_token],
        expected.numpy().astype(np.float32)[is_token],
        atol=0.1,
    )
