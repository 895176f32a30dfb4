"""Chains of elementwise operations in one pass over memory."""

import functools

import keras
from keras import ops


def fused(function):
    """Compiles a function with XLA where it is called in a TensorFlow graph of known shapes.

    There, each operation of a chain reads its input from memory and writes its output back, which
    takes longer than computing it. Outside of graphs, and with shapes that change from call to
    call, compiling would take longer than it saves. On other Keras backends whole training steps
    are compiled anyhow.

    Args:
        function: from tensors to a tensor or a tuple of tensors, pure, without the backend's
            random numbers. It is given no gradient: use it in those of
            `keras.ops.custom_gradient`.

    Returns:
        Function of the same arguments.

    References:
        [XLA](https://openxla.org/xla/tf2xla)
    """
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    compiled = tf.function(function, jit_compile=True, autograph=False)

    @functools.wraps(function)
    def call(*tensors):
        if is_fused(*map(ops.shape, tensors)):
            return compiled(*tensors)
        return function(*tensors)

    return call


def is_fused(*shapes):
    """Tells whether a function of tensors would be compiled, by itself or with the step around it.

    Args:
        *shapes: tuples of ints, or of int tensors where lengths are not known. Of its tensors.

    Returns:
        bool.
    """
    if keras.backend.backend() != "tensorflow":
        return True
    import tensorflow as tf

    known = all(isinstance(size, int) for shape in shapes for size in shape)
    return known and not tf.executing_eagerly()
