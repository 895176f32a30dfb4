"""The Gaussian error linear unit with its derivative kept from the forward pass."""

import math

from keras import ops

from mpnet_tf.layers.fused import fused

_TANH_CUBE = 0.044715


def trained_gelu(inputs, *, approximate):
    """Computes gelu for training, where `keras.ops.gelu` would cost twice as much.

    Its derivative is computed beside it, from what both share, and is all that the backward pass
    needs. Half precision is computed in float32 and rounded once: many processors have no
    elementwise operations of their own for bfloat16. Without a backward pass, `keras.ops.gelu` is
    the better choice.

    Args:
        inputs: float tensor of any shape.
        approximate: bool. Whether to use the tanh approximation.

    Returns:
        Float tensor of the same shape and dtype.

    References:
        [Gaussian Error Linear Units](https://arxiv.org/abs/1606.08415), section 2.
    """
    return _approximate_gelu(inputs) if approximate else _exact_gelu(inputs)


@ops.custom_gradient
def _exact_gelu(inputs):
    return _with_gradient(*_exact_gelu_and_derivative(inputs))


@ops.custom_gradient
def _approximate_gelu(inputs):
    return _with_gradient(*_approximate_gelu_and_derivative(inputs))


def _with_gradient(outputs, derivative):
    def gradient(*arguments, upstream=None):
        # Some backends name it.
        upstream = arguments[0] if upstream is None else upstream
        return upstream * derivative

    return outputs, gradient


@fused
def _exact_gelu_and_derivative(inputs):
    values = ops.cast(inputs, "float32")
    share = 0.5 + 0.5 * ops.erf(values * math.sqrt(0.5))
    density = ops.exp(ops.square(values) * -0.5) * (1 / math.sqrt(2 * math.pi))
    return _rounded(inputs, values * share, share + values * density)


@fused
def _approximate_gelu_and_derivative(inputs):
    values = ops.cast(inputs, "float32")
    squared = ops.square(values)
    scale = math.sqrt(2 / math.pi)
    tanh = ops.tanh(values * (squared * (scale * _TANH_CUBE) + scale))
    share = 0.5 + 0.5 * tanh
    slope = squared * (3 * scale * _TANH_CUBE) + scale
    # d tanh(z) = (1 - tanh(z)^2) dz, and 0.5 * (1 - tanh^2) = 2 * share * (1 - share).
    derivative = share * (1 + 2 * (1 - share) * values * slope)
    return _rounded(inputs, values * share, derivative)


def _rounded(inputs, *results):
    return tuple(ops.cast(result, inputs.dtype) for result in results)
