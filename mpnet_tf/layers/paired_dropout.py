"""Dropout that draws one random number for two elements."""

import functools

import keras
from keras import ops

from mpnet_tf.layers.fused import fused

# Of the 23 random bits of a float32 number in [0, 1), the first 11 decide for one element and the
# other 12 for a second.
_NUM_BINS = 2**11


@keras.saving.register_keras_serializable(package="mpnet_tf")
class PairedDropout(keras.layers.Dropout):
    """Drops elements as `keras.layers.Dropout` does, in half of the time.

    Random numbers take most of dropout's time on a CPU. Here a number serves two elements that lie
    half an axis apart; their fates are independent, since they depend on different bits. The share
    that is dropped is `rate` rounded to a multiple of 1/2048, and what stays is scaled by
    that share. (In bfloat16, Keras' layer rounds to a multiple of 1/128 and scales by `rate`.)
    Where no axis but the first is of even length, each element has a number of its own.

    Args:
        rate: float in [0, 1). Share of the elements to drop.
        **kwargs: `seed` and what every layer takes.

    Call arguments:
        inputs: float tensor of any shape.
        training: bool. Whether to drop anything.

    Returns:
        Float tensor of the same shape and dtype.

    Raises:
        ValueError: if `rate` is out of its range.

    References:
        [Dropout](https://jmlr.org/papers/v15/srivastava14a.html), section 10.
    """

    def __init__(self, rate, **kwargs):
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be from 0 to below 1. Received: rate={rate}")
        super().__init__(rate, **kwargs)

    def call(self, inputs, training=False):
        if not training or not self.rate:
            return inputs
        return _with_gradient(self.drop)(inputs, self.draw(ops.shape(inputs)))

    def draw(self, shape):
        """Draws the numbers that decide which elements of a tensor are dropped.

        Args:
            shape: tuple of ints, or int tensors where the lengths are not known. Of the tensor.

        Returns:
            float32 tensor for `drop`, or None where the rate is 0.
        """
        if not self.rate:
            return None
        axis = self._halved_axis(shape)
        if axis is not None:
            shape = [*shape[:axis], shape[axis] // 2, *shape[axis + 1 :]]
        return keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)

    def drop(self, values, numbers):
        """Drops elements and scales the others.

        Args:
            values: float tensor.
            numbers: float32 tensor. What `draw` returned for its shape.

        Returns:
            Float tensor of the same shape, in the layer's compute dtype.
        """
        function = _dropping(self.rate, self._halved_axis(ops.shape(values)), self.compute_dtype)
        return function(values, numbers)

    def _halved_axis(self, shape):
        """Finds the first axis after the batch's whose length is known and even, or None."""
        if not 0 < round(self.rate * _NUM_BINS) < _NUM_BINS:
            return None
        for axis, size in enumerate(shape):
            if axis and isinstance(size, int) and size and size % 2 == 0:
                return axis
        return None


def _with_gradient(drop):
    @ops.custom_gradient
    def dropped(values, numbers):
        def gradient(*arguments, upstream=None):
            # Some backends name it.
            upstream = arguments[0] if upstream is None else upstream
            return ops.cast(drop(upstream, numbers), values.dtype), ops.zeros_like(numbers)

        return drop(values, numbers), gradient

    return dropped


@functools.cache
def _dropping(rate, axis, dtype):
    """Makes the function from values and numbers to what is left of the values."""
    num_dropped = round(rate * _NUM_BINS)

    @fused
    def drop(values, numbers):
        if axis is None:
            scale = _scaled(numbers >= rate, 1 - rate)
        else:
            bins = _NUM_BINS * numbers
            dropped_share = num_dropped / _NUM_BINS
            kept = [bins >= num_dropped, bins - ops.floor(bins) >= dropped_share]
            scale = ops.concatenate([_scaled(is_kept, 1 - dropped_share) for is_kept in kept], axis)
        return ops.cast(ops.cast(values, "float32") * scale, dtype)

    return drop


def _scaled(is_kept, kept_share):
    return ops.cast(is_kept, "float32") * (1 / kept_share)
