"""T5-style relative position bias, shared by all layers of a model."""

import keras
import numpy as np
from keras import ops

from mpnet_tf.layers.fused import fused
from mpnet_tf.layers.visibility_bias import HIDDEN_SCORE


def relative_position_buckets(num_buckets, max_distance):
    """Assigns a bucket to each distance from a query to a key.

    Half of the buckets serve keys before the query (and the query itself), half those after it.
    In each half, the first `num_buckets // 4` distances have buckets of their own; the rest grow
    geometrically up to `max_distance`. The borders are computed in whole numbers: distances such
    as 16, 32 and 64 lie exactly on one, where a rounded logarithm is off by one.

    Args:
        num_buckets: int, a multiple of 4.
        max_distance: int above `num_buckets // 4`. Distances from here on share the last bucket.

    Returns:
        int32 array `(2 * max_distance + 1,)`: the bucket of distance d at index
        `d + max_distance`, where d is the key's position less the query's.

    References:
        T5 (https://arxiv.org/abs/1910.10683), section 2.1.
    """
    buckets_per_side = num_buckets // 2
    num_exact = buckets_per_side // 2
    num_growing = buckets_per_side - num_exact
    distances = range(max_distance + 1)

    def bucket(distance):
        if distance < num_exact:
            return distance
        # floor(num_growing * log(distance / num_exact) / log(max_distance / num_exact)), as the
        # greatest step with distance^num_growing * num_exact^step
        # >= max_distance^step * num_exact^num_growing.
        step = 0
        while (
            step + 1 < num_growing
            and distance**num_growing * num_exact ** (step + 1)
            >= max_distance ** (step + 1) * num_exact**num_growing
        ):
            step += 1
        return num_exact + step

    one_side = np.array([bucket(distance) for distance in distances], np.int32)
    return np.concatenate([one_side[:0:-1], one_side[:1], one_side[1:] + buckets_per_side])


@keras.saving.register_keras_serializable(package="mpnet_tf")
class RelativePositionBias(keras.layers.Layer):
    """Learned bias of each attention head for the distance between query and key.

    Args:
        num_heads: int. Attention heads.
        num_buckets: int, a multiple of 4. Distances are grouped into so many buckets.
        max_distance: int. Distances from here on share a bucket.
        initializer: initialiser of the table `(num_buckets, num_heads)`.

    Call arguments:
        query_position_ids: int tensor `(batch_size, num_queries)`.
        key_position_ids: int tensor `(batch_size, num_keys)`.
        visible: bool tensor `(batch_size, num_queries, num_keys)`. True means "may attend".

    Returns:
        float32 tensor `(batch_size, num_heads, num_queries, num_keys)` to add to the attention
        scores: the bias where the key is visible, a number that makes its weight zero elsewhere.

    Raises:
        ValueError: if `num_buckets` is no multiple of 4 or `max_distance` is too small for it.

    References:
        T5 (https://arxiv.org/abs/1910.10683), section 2.1; MPNet
        (https://arxiv.org/abs/2004.09297), section 3.1.
    """

    def __init__(
        self,
        num_heads,
        num_buckets=32,
        max_distance=128,
        initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if num_buckets < 4 or num_buckets % 4:
            raise ValueError(
                "`num_buckets` must be a positive multiple of 4. "
                f"Received: num_buckets={num_buckets}"
            )
        if max_distance <= num_buckets // 4:
            raise ValueError(
                f"`max_distance` must be above `num_buckets // 4` = {num_buckets // 4}. "
                f"Received: max_distance={max_distance}"
            )
        self.num_heads = num_heads
        self.num_buckets = num_buckets
        self.max_distance = max_distance
        self.initializer = keras.initializers.get(initializer)

    def build(self, *input_shapes, **named_shapes):
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.num_buckets, self.num_heads),
            initializer=self.initializer,
        )
        self.built = True

    def call(self, query_position_ids, key_position_ids, visible):
        buckets = relative_position_buckets(self.num_buckets, self.max_distance)
        # (2 * max_distance + 1, num_heads): one row a distance, so that the large gather below
        # needs no table of buckets.
        bias_of_distance = ops.take(ops.cast(self.embeddings, "float32"), buckets, axis=0)
        distance = ops.expand_dims(key_position_ids, 1) - ops.expand_dims(query_position_ids, 2)
        distance = ops.clip(distance, -self.max_distance, self.max_distance)
        distance += self.max_distance
        return _bias_with_gradient(bias_of_distance, distance, visible)

    def compute_output_spec(self, query_position_ids, key_position_ids, visible):
        batch_size, num_queries, num_keys = visible.shape
        shape = (batch_size, self.num_heads, num_queries, num_keys)
        return keras.KerasTensor(shape, dtype="float32")

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "num_buckets": self.num_buckets,
            "max_distance": self.max_distance,
            "initializer": keras.initializers.serialize(self.initializer),
        }


@ops.custom_gradient
def _bias_with_gradient(bias_of_distance, distance, visible):
    def gradient(*arguments, upstream=None):
        # Some backends name it.
        upstream = arguments[0] if upstream is None else upstream
        return _sum_by_distance(upstream, distance, visible, bias_of_distance), None, None

    return _bias_of_scores(bias_of_distance, distance, visible), gradient


@fused
def _bias_of_scores(bias_of_distance, distance, visible):
    # (batch_size, num_queries, num_keys, num_heads)
    bias = ops.take(bias_of_distance, distance, axis=0)
    # (batch_size, num_heads, num_queries, num_keys)
    bias = ops.transpose(bias, (0, 3, 1, 2))
    return ops.where(ops.expand_dims(visible, 1), bias, HIDDEN_SCORE)


@fused
def _sum_by_distance(of_scores, distance, visible, bias_of_distance):
    """Adds up the gradients of all scores of a distance."""
    num_distances, num_heads = bias_of_distance.shape
    of_scores = ops.where(ops.expand_dims(visible, 1), of_scores, 0.0)
    of_scores = ops.reshape(ops.transpose(of_scores, (0, 2, 3, 1)), (-1, num_heads))
    return ops.segment_sum(of_scores, ops.reshape(distance, [-1]), num_segments=num_distances)
