"""Relative position buckets and the masked bias."""

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.layers.relative_position_bias import RelativePositionBias, relative_position_buckets


def test_buckets_by_hand():
    """32 and 128: exact to 7, then borders at 8 * 2^(j/2): 8 11.3 16 22.6 32 45.3 64 90.5."""
    buckets = relative_position_buckets(32, 128)
    assert len(buckets) == 257

    def bucket(distance):
        return buckets[distance + 128]

    assert [bucket(-distance) for distance in range(8)] == list(range(8))
    borders = {8: 8, 11: 8, 12: 9, 15: 9, 16: 10, 22: 10, 23: 11, 31: 11, 32: 12, 45: 12, 46: 13}
    borders |= {63: 13, 64: 14, 90: 14, 91: 15, 128: 15}
    for distance, expected in borders.items():
        assert bucket(-distance) == expected, distance
        assert bucket(distance) == expected + 16, distance


def test_bias_is_that_of_the_distance_where_visible():
    layer = RelativePositionBias(num_heads=3, initializer="random_normal")
    query_position_ids = np.array([[0, 5, 200]], "int32")
    key_position_ids = np.array([[0, 7]], "int32")
    visible = np.array([[[True, False], [True, True], [True, True]]])
    bias = np.asarray(layer(query_position_ids, key_position_ids, visible))
    table = np.asarray(layer.embeddings)
    assert bias.shape == (1, 3, 3, 2)
    np.testing.assert_array_equal(bias[0, :, 0, 0], table[0])
    assert (bias[0, :, 0, 1] < -1e8).all()
    np.testing.assert_array_equal(bias[0, :, 1, 0], table[5])
    np.testing.assert_array_equal(bias[0, :, 1, 1], table[16 + 2])
    np.testing.assert_array_equal(bias[0, :, 2, 0], table[15])


@pytest.mark.parametrize("in_graph", [False, True])
def test_the_gradient_sums_the_visible_scores_of_a_bucket(in_graph):
    """In a graph, it is compiled."""
    generator = np.random.default_rng(0)
    query_position_ids = generator.integers(0, 300, (2, 20))
    key_position_ids = generator.integers(0, 300, (2, 30))
    visible = generator.uniform(size=(2, 20, 30)) < 0.7
    upstream = generator.normal(size=(2, 3, 20, 30)).astype("float32")
    layer = RelativePositionBias(num_heads=3)
    layer.build()

    def run():
        with tf.GradientTape() as tape:
            positions = (
                tf.constant(ids, tf.int32) for ids in (query_position_ids, key_position_ids)
            )
            bias = layer(*positions, tf.constant(visible))
        return tape.gradient(bias, layer.embeddings.value, output_gradients=tf.constant(upstream))

    found = tf.convert_to_tensor(tf.function(run)() if in_graph else run())
    buckets = relative_position_buckets(32, 128)
    expected = np.zeros((32, 3))
    for row, query, key in zip(*np.nonzero(visible), strict=True):
        distance = key_position_ids[row, key] - query_position_ids[row, query]
        expected[buckets[np.clip(distance, -128, 128) + 128]] += upstream[row, :, query, key]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_buckets": 30}, "`num_buckets` must be a positive multiple of 4.*=30"),
        ({"max_distance": 8}, "`max_distance` must be above.*=8"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RelativePositionBias(num_heads=2, **settings)
