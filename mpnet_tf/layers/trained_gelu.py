"""A bias and the Gaussian error linear unit in one pass over memory each way."""

import math

from keras import ops

from mpnet_tf.layers.fused import fused
from mpnet_tf.layers.matrix_products import sum_of_rows

_TANH_CUBE = 0.044715


def trained_gelu(inputs, bias, *, approximate):
    """Computes gelu of inputs and a bias for training.

    What `keras.ops.gelu` leaves to several operations of the backward pass is computed at once,
    from the inputs alone. Half precision is computed in float32 and rounded once: many processors
    have no elementwise operations of their own for bfloat16. Without a backward pass,
    `keras.ops.gelu` is the better choice.

    Args:
        inputs: float tensor `(..., units)`.
        bias: float tensor `(units,)`, added to the inputs.
        approximate: bool. Whether to use the tanh approximation.

    Returns:
        Float tensor of the shape and dtype of `inputs`.

    References:
        [Gaussian Error Linear Units](https://arxiv.org/abs/1606.08415), section 2.
    """
    return _approximate_gelu(inputs, bias) if approximate else _exact_gelu(inputs, bias)


def _with_gradient(values, product_with_derivative):
    @ops.custom_gradient
    def gelu(inputs, bias):
        def gradient(*arguments, upstream=None):
            # Some backends name it.
            upstream = arguments[0] if upstream is None else upstream
            of_inputs = product_with_derivative(inputs, bias, upstream)
            return of_inputs, sum_of_rows(of_inputs)

        return values(inputs, bias), gradient

    return gelu


@fused
def _exact_values(inputs, bias):
    values = _biased(inputs, bias)
    return ops.cast(values * _normal_share(values), inputs.dtype)


@fused
def _exact_gradient(inputs, bias, upstream):
    values = _biased(inputs, bias)
    density = ops.exp(ops.square(values) * -0.5) * (1 / math.sqrt(2 * math.pi))
    return _scaled(upstream, _normal_share(values) + values * density)


def _normal_share(values):
    return 0.5 + 0.5 * ops.erf(values * math.sqrt(0.5))


@fused
def _approximate_values(inputs, bias):
    values = _biased(inputs, bias)
    return ops.cast(values * _tanh_share(values), inputs.dtype)


@fused
def _approximate_gradient(inputs, bias, upstream):
    values = _biased(inputs, bias)
    share = _tanh_share(values)
    scale = math.sqrt(2 / math.pi)
    slope = ops.square(values) * (3 * scale * _TANH_CUBE) + scale
    # d tanh(z) = (1 - tanh(z)^2) dz, and 0.5 * (1 - tanh^2) = 2 * share * (1 - share).
    return _scaled(upstream, share * (1 + 2 * (1 - share) * values * slope))


def _tanh_share(values):
    scale = math.sqrt(2 / math.pi)
    inner = values * (ops.square(values) * (scale * _TANH_CUBE) + scale)
    return 0.5 + 0.5 * ops.tanh(inner)


def _biased(inputs, bias):
    return ops.cast(inputs, "float32") + ops.cast(bias, "float32")


def _scaled(upstream, derivative):
    return ops.cast(ops.cast(upstream, "float32") * derivative, upstream.dtype)


_exact_gelu = _with_gradient(_exact_values, _exact_gradient)
_approximate_gelu = _with_gradient(_approximate_values, _approximate_gradient)
