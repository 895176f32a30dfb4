"""The content slots among all slots."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mpnet_tf")
class ContentSlots(keras.layers.Layer):
    """Cuts a tensor over slots down to the content slots, which come first.

    A layer, since their number is known only when a batch is there.

    Call arguments:
        values: tensor `(batch_size, num_slots, ...)`.
        key_start: tensor `(batch_size, num_content_slots)`. Its shape alone counts.

    Returns:
        Tensor `(batch_size, num_content_slots, ...)`.
    """

    def call(self, values, key_start):
        if values.shape[1] is not None and values.shape[1] == key_start.shape[1]:
            # The same tensor, by which a pre-layer-norm block knows not to normalise it twice.
            return values
        # Not `values[:, :n]`, whose gradient is slow on TensorFlow: it runs on one core.
        batch_size, _, *rest = ops.shape(values)
        shape = (batch_size, ops.shape(key_start)[1], *rest)
        return ops.slice(values, (0,) * len(shape), shape)

    def compute_output_spec(self, values, key_start):
        shape = (values.shape[0], key_start.shape[1], *values.shape[2:])
        return keras.KerasTensor(shape, dtype=values.dtype)
