"""Dropout that computes its random numbers where it needs them."""

import functools
import math

import keras
from keras import ops

from mpnet_tf.layers.fused import fused, is_fused
from mpnet_tf.layers.threefry import threefry

_NUM_WORDS = 2**32


@keras.saving.register_keras_serializable(package="mpnet_tf")
class CounterDropout(keras.layers.Dropout):
    """Drops elements as `keras.layers.Dropout` does, without random numbers in memory.

    Whether an element is dropped is a function of a seed and of the element's number, computed
    within the pass over memory that drops it, forward and backward. That takes a third of the time
    of drawing the numbers first, and no memory for them. Where the function is not compiled, which
    is where shapes are not known or outside of graphs, it would take longer: random numbers of
    Keras serve there, so a seed drops other elements.

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
        """Draws what decides which elements of a tensor are dropped.

        Args:
            shape: tuple of ints, or int tensors where the lengths are not known. Of the tensor.

        Returns:
            Tensor for `drop`: a seed, or where that is not compiled a bool tensor of the shape;
            None where the rate is 0.
        """
        if not self.rate:
            return None
        if is_fused(shape):
            return ops.cast(self.seed_generator.next(), "uint32")
        return keras.random.uniform(shape, dtype="float32", seed=self.seed_generator) >= self.rate

    def drop(self, values, drawn):
        """Drops elements and scales the others. It has no gradient of its own.

        Args:
            values: float tensor.
            drawn: tensor. What `draw` returned for its shape.

        Returns:
            Float tensor of the same shape, in the layer's compute dtype.
        """
        if keras.backend.standardize_dtype(drawn.dtype) == "bool":
            return _scale(values, is_kept=drawn, rate=self.rate, dtype=self.compute_dtype)
        return _dropping(self.rate, self.compute_dtype)(values, drawn)


def _with_gradient(drop):
    @ops.custom_gradient
    def dropped(values, drawn):
        def gradient(*arguments, upstream=None):
            # Some backends name it.
            upstream = arguments[0] if upstream is None else upstream
            return ops.cast(drop(upstream, drawn), values.dtype), None

        return drop(values, drawn), gradient

    return dropped


@functools.cache
def _dropping(rate, dtype):
    """Makes the function from values and a seed to what is left of the values."""

    @fused
    def drop(values, seed):
        numbers = ops.cast(ops.arange(math.prod(values.shape)), "uint32")
        numbers = ops.reshape(numbers, values.shape)
        words, _ = threefry(seed, (numbers, ops.zeros_like(numbers)))
        border = ops.convert_to_tensor(int(rate * _NUM_WORDS), "uint32")
        return _scale(values, is_kept=words >= border, rate=rate, dtype=dtype)

    return drop


def _scale(values, *, is_kept, rate, dtype):
    scale = ops.cast(is_kept, "float32") * (1 / (1 - rate))
    return ops.cast(ops.cast(values, "float32") * scale, dtype)
