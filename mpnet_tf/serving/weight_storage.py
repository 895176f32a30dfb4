"""Weights kept in fewer bytes on disk, and made float32 again once, when a model is loaded."""

import contextlib

import keras
import tensorflow as tf

# Vectors, and tables as small as relative position biases, weigh nothing and matter much.
_LEAST_NUMBERS = 4096


class _DecodedWeight(tf.saved_model.experimental.TrackableResource):
    """A float32 tensor that a loaded model computes of what is stored, before the first request.

    Args:
        stored: list of `tf.Variable`.
        decode: function from their values to the weight.
        shape: tuple of int. The weight's.
        name: str. Unique within the model.
    """

    def __init__(self, stored, decode, *, shape, name):
        super().__init__()
        self._stored = stored
        self._decode = decode
        self._shape = shape
        self._name = name

    def _create_resource(self):
        return tf.raw_ops.VarHandleOp(
            dtype=tf.float32, shape=self._shape, shared_name=self._name, container=""
        )

    def _initialize(self):
        value = self._decode(*self._stored)
        tf.raw_ops.AssignVariableOp(resource=self.resource_handle, value=value)

    def read(self):
        """Returns the weight."""
        value = tf.raw_ops.ReadVariableOp(resource=self.resource_handle, dtype=tf.float32)
        return tf.ensure_shape(value, self._shape)


class WeightStorage:
    """How the weights of a model are stored.

    `int8` rounds each matrix to 255 steps of a size of its own for each output of a product, or for
    each row of an embedding; `float16` rounds all matrices to half precision. Vectors stay as they
    are. A loaded model takes as much memory and time as one of float32.

    Args:
        model: Keras model.
        dtype: str. One of `WEIGHT_DTYPES`.

    Raises:
        ValueError: if there is no such dtype.

    References:
        [LLM.int8()](https://arxiv.org/abs/2208.07339), section 2.1, absmax quantization by vector.
    """

    def __init__(self, model, dtype="float32"):
        if dtype not in WEIGHT_DTYPES:
            raise ValueError(
                f"`weight_dtype` must be one of {', '.join(WEIGHT_DTYPES)}. "
                f"Received: weight_dtype={dtype!r}"
            )
        encode = _ENCODERS[dtype]
        self._decoded, self._variables = [], []
        for number, variable in enumerate(model.variables):
            is_matrix = len(variable.shape) == 2 and variable.shape[0] * variable.shape[1]
            if encode is None or not is_matrix or is_matrix < _LEAST_NUMBERS:
                self._variables.append(variable.value)
                continue
            stored, decode = encode(variable)
            weight = _DecodedWeight(
                stored, decode, shape=tuple(variable.shape), name=f"weight_{number}"
            )
            self._decoded.append((variable, weight))
            self._variables.extend(stored)

    @property
    def tracked(self):
        """list. What a SavedModel must keep: variables and what is computed of them."""
        return [*self._variables, *(weight for _, weight in self._decoded)]

    @contextlib.contextmanager
    def in_use(self):
        """Has the model read its weights from here, in a graph that is made in the block."""
        if not self._decoded:
            yield
            return
        mapping = [(variable, weight.read()) for variable, weight in self._decoded]
        with keras.StatelessScope(state_mapping=mapping):
            yield


def largest_difference(signature, loaded):
    """Computes how far the answers of stored weights are from those of the model.

    Args:
        signature: `Signature` of the model.
        loaded: the signature of this name of the SavedModel.

    Returns:
        float. The largest difference of any number in the answer to the example; NaN where the two
        answers are of different lengths.
    """
    example = signature.example()
    expected, found = signature.call(**example), loaded(**example)
    differences = [0.0]
    for name, values in expected.items():
        if values.dtype.is_floating:
            if values.shape != found[name].shape:
                return float("nan")
            differences.append(float(tf.reduce_max(tf.abs(values - found[name]))))
    return max(differences)


def _encode_int8(variable):
    # Of an embedding a row is what is looked up, and an output of the tied head.
    axis = 1 if variable.path.endswith("embeddings") else 0
    values = tf.cast(variable.value, tf.float32)
    largest = tf.reduce_max(tf.abs(values), axis=axis, keepdims=True)
    steps = tf.maximum(largest, 1e-30) / 127
    stored = [tf.Variable(tf.cast(tf.round(values / steps), tf.int8)), tf.Variable(steps)]
    return stored, lambda whole, steps: tf.cast(whole, tf.float32) * steps


def _encode_float16(variable):
    stored = [tf.Variable(tf.cast(variable.value, tf.float16))]
    return stored, lambda half: tf.cast(half, tf.float32)


_ENCODERS = {"float32": None, "float16": _encode_float16, "int8": _encode_int8}
WEIGHT_DTYPES = tuple(_ENCODERS)
