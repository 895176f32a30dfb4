"""The attention bias of bodies without relative positions: what is hidden, and nothing else."""

import keras
from keras import ops

# Far below any attention score in float32, and not so far that adding a score to it is infinite.
HIDDEN_SCORE = -1e9


@keras.saving.register_keras_serializable(package="mpnet_tf")
class VisibilityBias(keras.layers.Layer):
    """Hides the keys that a query may not see.

    It takes the place of `RelativePositionBias` and is called like it.

    Call arguments:
        query_position_ids: int tensor `(batch_size, num_queries)`. Not used.
        key_position_ids: int tensor `(batch_size, num_keys)`. Not used.
        visible: bool tensor `(batch_size, num_queries, num_keys)`. True means "may attend".

    Returns:
        float32 tensor `(batch_size, 1, num_queries, num_keys)` to add to the attention scores of
        all heads: 0 where the key is visible, a number that makes its weight zero elsewhere.
    """

    def call(self, query_position_ids, key_position_ids, visible):
        visible = ops.expand_dims(visible, 1)
        # Typed, since plain numbers would become the backend's default float.
        return ops.where(visible, ops.cast(0, "float32"), ops.cast(HIDDEN_SCORE, "float32"))

    def compute_output_spec(self, query_position_ids, key_position_ids, visible):
        batch_size, num_queries, num_keys = visible.shape
        return keras.KerasTensor((batch_size, 1, num_queries, num_keys), dtype="float32")
