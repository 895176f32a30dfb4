"""Dense layers with a faster gradient where they have no fewer units than inputs."""

from keras import ops

from mpnet_tf.layers.matrix_products import product
from mpnet_tf.layers.trained_gelu import trained_gelu


def trained_dense(dense, inputs, training):
    """Computes what a dense layer without activation does.

    Args:
        dense: built `keras.layers.Dense`.
        inputs: float tensor `(..., input_dim)`.
        training: bool or None. Whether there will be a gradient.

    Returns:
        Float tensor `(..., units)`.
    """
    if not _is_trained(dense, training):
        return dense(inputs)
    kernel, bias = _weights(dense)
    return ops.add(product(inputs, kernel), bias)


def trained_dense_gelu(dense, inputs, training, *, approximate):
    """Computes a dense layer without activation and gelu of its outputs.

    Args:
        dense, inputs, training: as `trained_dense` takes them.
        approximate: bool. Whether to use the tanh approximation.

    Returns:
        Float tensor `(..., units)`.
    """
    if not _is_trained(dense, training):
        return ops.gelu(dense(inputs), approximate=approximate)
    kernel, bias = _weights(dense)
    return trained_gelu(product(inputs, kernel), bias, approximate=approximate)


def _is_trained(dense, training):
    return training and dense.quantization_mode is None


def _weights(dense):
    return [ops.cast(weight, dense.compute_dtype) for weight in (dense.kernel, dense.bias)]
