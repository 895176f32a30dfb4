"""Layer norm, and its gradient in few passes over the hidden states."""

import functools

import keras
from keras import ops

from mpnet_tf.layers.fused import fused


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TrainedLayerNorm(keras.layers.LayerNormalization):
    """Computes what `keras.layers.LayerNormalization` does over the last axis, faster in training.

    Args:
        epsilon: float. Added to the variance.
        **kwargs: what every layer takes.

    Call arguments:
        inputs: float tensor `(..., hidden_dim)`.
        training: bool or None. Whether there will be a gradient.

    Returns:
        Float tensor of the same shape and dtype.

    References:
        [Layer Normalization](https://arxiv.org/abs/1607.06450), section 3.1.
    """

    def __init__(self, epsilon=1e-3, **kwargs):
        super().__init__(epsilon=epsilon, **kwargs)

    def call(self, inputs, training=None):
        if not training:
            return super().call(inputs)
        scale, offset = (ops.cast(weight, "float32") for weight in (self.gamma, self.beta))
        return _normalized(self.epsilon)(inputs, scale, offset)


@functools.cache
def _normalized(epsilon):
    @ops.custom_gradient
    def normalize(inputs, scale, offset):
        outputs, normalized, inverse_deviation = _normalize(inputs, scale, offset)

        def gradient(*arguments, upstream=None):
            # Some backends name it.
            upstream = arguments[0] if upstream is None else upstream
            return (
                _gradient_of_inputs(upstream, scale, normalized, inverse_deviation),
                _sum_over_rows(ops.cast(upstream, "float32") * normalized),
                _sum_over_rows(ops.cast(upstream, "float32")),
            )

        return outputs, gradient

    @fused
    def _normalize(inputs, scale, offset):
        values = ops.cast(inputs, "float32")
        centered = values - ops.mean(values, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
        inverse_deviation = ops.rsqrt(variance + epsilon)
        normalized = centered * inverse_deviation
        outputs = ops.cast(normalized * scale + offset, inputs.dtype)
        return outputs, normalized, inverse_deviation

    return normalize


@fused
def _gradient_of_inputs(upstream, scale, normalized, inverse_deviation):
    of_normalized = ops.cast(upstream, "float32") * scale
    mean = ops.mean(of_normalized, axis=-1, keepdims=True)
    projection = ops.mean(of_normalized * normalized, axis=-1, keepdims=True)
    of_inputs = (of_normalized - mean - normalized * projection) * inverse_deviation
    return ops.cast(of_inputs, upstream.dtype)


def _sum_over_rows(values):
    return ops.sum(ops.reshape(values, (-1, values.shape[-1])), axis=0)
