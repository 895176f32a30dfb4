"""Which tables a slot's embedding is the sum of."""

import numpy as np
import pytest

from mpnet_tf.layers.slot_embedding import SlotEmbedding

TOKEN_IDS = np.array([[5, 2, 0, 7], [1, 1, 6, 3]], "int32")
POSITION_IDS = np.array([[0, 1, 2, 1], [3, 0, 0, 1]], "int32")
BLOCK_POSITION_IDS = np.array([[0, 0, 1, 2], [4, 0, 0, 1]], "int32")
SEGMENT_IDS = np.array([[0, 0, 1, 1], [1, 2, 0, 0]], "int32")


def make_layer(**settings):
    return SlotEmbedding(
        vocabulary_size=8,
        max_sequence_length=4,
        hidden_dim=6,
        embeddings_initializer="random_normal",
        **settings,
    )


def rows(table, ids):
    return np.asarray(table.embeddings)[ids]


@pytest.mark.parametrize("position_offset", [0, 2])
@pytest.mark.parametrize("absolute_positions", [True, False])
def test_sums_the_tables_that_there_are(absolute_positions, position_offset):
    layer = make_layer(
        absolute_positions=absolute_positions, position_offset=position_offset, normalize=False
    )
    found = layer(TOKEN_IDS, POSITION_IDS, BLOCK_POSITION_IDS, SEGMENT_IDS)
    expected = rows(layer.token_embedding, TOKEN_IDS)
    if absolute_positions:
        expected = expected + rows(layer.position_embedding, POSITION_IDS + position_offset)
        assert layer.position_embedding.input_dim == 4 + position_offset
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert len(layer.trainable_weights) == 1 + absolute_positions


def test_block_positions_and_segments():
    layer = make_layer(block_positions=True, num_segments=3, normalize=False)
    found = layer(TOKEN_IDS, POSITION_IDS, BLOCK_POSITION_IDS, SEGMENT_IDS)
    plain = rows(layer.token_embedding, TOKEN_IDS) + rows(layer.position_embedding, POSITION_IDS)
    block = rows(layer.block_position_embedding, BLOCK_POSITION_IDS)
    segment = rows(layer.segment_embedding, SEGMENT_IDS)
    np.testing.assert_allclose(found, plain + block + segment, atol=1e-6)
    zeros = rows(layer.block_position_embedding, 0) + rows(layer.segment_embedding, 0)
    np.testing.assert_allclose(layer(TOKEN_IDS, POSITION_IDS), plain + zeros, atol=1e-6)
    assert layer.block_position_embedding.input_dim == 5


def test_the_sum_is_normalised_where_asked():
    layer = make_layer(layer_norm_epsilon=1e-12)
    found = np.asarray(layer(TOKEN_IDS, POSITION_IDS))
    np.testing.assert_allclose(found.mean(axis=2), 0, atol=1e-5)
    np.testing.assert_allclose(found.std(axis=2), 1, atol=1e-3)


def test_config_round_trip():
    layer = make_layer(block_positions=True, num_segments=2, normalize=False, position_offset=1)
    config = layer.get_config()
    assert SlotEmbedding.from_config(config).get_config() == config
