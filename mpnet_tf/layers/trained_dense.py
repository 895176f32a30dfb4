"""Dense layers with a faster gradient where they have no fewer units than inputs."""

from keras import ops

from mpnet_tf.layers.matrix_products import product


def trained_dense(dense, inputs, training):
    """Computes what a dense layer without activation does.

    Args:
        dense: built `keras.layers.Dense`.
        inputs: float tensor `(..., input_dim)`.
        training: bool or None. Whether there will be a gradient.

    Returns:
        Float tensor `(..., units)`.
    """
    if not training or dense.quantization_mode is not None:
        return dense(inputs)
    kernel, bias = (ops.cast(weight, dense.compute_dtype) for weight in (dense.kernel, dense.bias))
    return ops.add(product(inputs, kernel), bias)
