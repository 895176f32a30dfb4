"""JSON of TensorFlow Serving's REST API to tensors and back, as a `SignatureDef` says.

Every refusal is the `tf.errors.OpError` whose code TensorFlow Serving's own has.

References:
    [TensorFlow Serving's RESTful API](https://www.tensorflow.org/tfx/serving/api_rest).
"""

import base64
import itertools
import json
import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

_KEYS = "'inputs' or 'instances'"
# Longer values are cut in messages.
_SHOWN_LENGTH = 256
_TYPE_NAMES = {str: "String", int: "Number", float: "Number", dict: "Object", type(None): "Null"}
# Digits that tell any two numbers of the type apart.
_EXACT_DIGITS = {tf.float32: 9, tf.float64: 17}
_RANGES = {
    dtype: range(int(dtype.min), int(dtype.max) + 1)
    for dtype in (tf.int8, tf.uint8, tf.int16, tf.int32, tf.uint32, tf.int64, tf.uint64)
}
# Types of the JSON values that may become elements of a dtype; True is no number.
_KINDS = {
    tf.string: (str,),
    tf.bool: (bool,),
    **dict.fromkeys(_EXACT_DIGITS, (int, float)),
    **dict.fromkeys(_RANGES, (int,)),
}


def read_tensors(document, signature):
    """Makes a request's tensors, from rows (`instances`) or columns (`inputs`).

    Inputs for which the signature has a default may be left out, of all rows or of none.
    TensorFlow Serving takes such requests by gRPC alone: its REST API wants every input.

    Args:
        document: dict. The request's JSON; surrogates in strings are bytes that are not UTF-8.
        signature: `SignatureDef`.

    Returns:
        dict from the names of inputs to `tf.Tensor` of the signature's dtypes, and bool: whether
        the request has rows. Shapes are the request's; rows come first.

    Raises:
        tf.errors.InvalidArgumentError: if the request does not fit the signature.
        tf.errors.UnimplementedError: if an input's dtype has no form in JSON.
    """
    shown = f"JSON Value: {shown_json(document)}"
    if {"instances", "inputs"} <= document.keys():
        raise _invalid(f"{shown} Not formatted correctly expecting only one of {_KEYS}")
    dtypes = {name: tf.as_dtype(given.dtype) for name, given in signature.inputs.items()}
    required = dtypes.keys() - signature.defaults.keys()
    if "inputs" in document:
        return _tensors_of_columns(document["inputs"], dtypes, required), False
    if "instances" not in document:
        raise _invalid(f"Missing {_KEYS} key")
    rows = document["instances"]
    if not isinstance(rows, list):
        raise _invalid(f"{shown} Expecting 'instances' to be an list/array")
    if not rows:
        raise _invalid(f"{shown} No values in 'instances' array")
    return _tensors_of_rows(rows, dtypes, required), True


def write_tensors(tensors, *, by_row):
    """Writes a model's outputs as a request's answer.

    Strings are written as they are, UTF-8 or not, but those of outputs whose names end in `_bytes`
    as base64. Numbers that are not finite are `NaN`, `Infinity` and `-Infinity`.

    Args:
        tensors: dict from the names of outputs to `tf.Tensor`.
        by_row: bool. Whether to write `predictions`, row after row, or `outputs`, whole.

    Returns:
        bytes. A JSON object. The name is left out where there is one output only.

    Raises:
        tf.errors.InvalidArgumentError: if the outputs have no rows, or not equally many, or a
            dtype that has no form in JSON.
    """
    if not tensors:
        raise _invalid("Cannot convert empty tensor map to JSON")
    sizes = {
        name: tensor.shape[0] if tensor.shape.rank else None for name, tensor in tensors.items()
    }
    if by_row and (None in sizes.values() or len({*sizes.values()}) > 1):
        raise _invalid(f"Output tensors have no batch size or different ones: {sizes}")
    columns = [
        _nested(_texts(name, tensor), tensor.shape, outer=int(by_row))
        for name, tensor in tensors.items()
    ]
    rows = columns[0]
    if len(tensors) > 1:
        heads = [f"{json.dumps(name)}: " for name in tensors]
        rows = [
            f"{{{', '.join(head + text for head, text in zip(heads, row, strict=True))}}}"
            for row in zip(*columns, strict=True)
        ]
    text = f'"predictions": [{", ".join(rows)}]' if by_row else f'"outputs": {rows[0]}'
    return f"{{{text}}}".encode("utf-8", "surrogateescape")


def shown_json(value):
    """Writes a JSON value for a message, cut where it is long."""
    try:
        pieces = json.JSONEncoder(ensure_ascii=False).iterencode(value)
        return "".join(itertools.islice(pieces, _SHOWN_LENGTH))[:_SHOWN_LENGTH]
    except RecursionError:
        return "(deeply nested)"


def _invalid(message):
    return tf.errors.InvalidArgumentError(None, None, message)


def _named(dtype):
    # As TensorFlow's C++ code has it: "float", not "float32".
    return types_pb2.DataType.Name(dtype.as_datatype_enum).removeprefix("DT_").lower()


def _is_base64(value):
    return isinstance(value, dict) and [*value] == ["b64"] and isinstance(value["b64"], str)


def _is_object(value):
    return isinstance(value, dict) and not _is_base64(value)


def _tensors_of_columns(columns, dtypes, required):
    if not _is_object(columns):
        if len(dtypes) > 1:
            raise _invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        columns = dict.fromkeys(dtypes, columns)
    for name in sorted(required - columns.keys()):
        raise _invalid(f"Missing named input: {name} in 'inputs' object.")
    # Like TensorFlow Serving, it does not mind columns that are no inputs.
    return {
        name: _tensor(*_flattened(columns[name], dtype), dtype)
        for name, dtype in dtypes.items()
        if name in columns
    }


def _tensors_of_rows(rows, dtypes, required):
    named = _is_object(rows[0])
    if not named and len(dtypes) > 1:
        raise _invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    names = rows[0].keys() if named and required <= rows[0].keys() else dtypes.keys()
    shapes, leaves = {}, {name: [] for name in dtypes}
    for index, row in enumerate(rows):
        if _is_object(row) != named:
            wanted, got = ("object", "list") if named else ("value/list", "object")
            raise _invalid(f"Expecting {wanted} but got {got} at item {index} of input list")
        place = f"Failed to process element: {index}"
        for name, value in (row if named else dict.fromkeys(dtypes, row)).items():
            try:
                shape, values = _row_element(name, value, dtypes, shapes)
            except tf.errors.OpError as error:
                key = f" key: {name}" if named else ""
                code = {3: "INVALID_ARGUMENT", 12: "UNIMPLEMENTED"}[error.error_code]
                raise _invalid(
                    f"{place}{key} of 'instances' list. Error: {code}: {error.message}"
                ) from error
            shapes[name] = shape
            leaves[name] += values
        if named and row.keys() != names:
            raise _invalid(
                f"{place} of 'instances' list. JSON object: {shown_json(row)} keys must be equal "
                f"to: {','.join(sorted(names))}"
            )
    return {
        name: _tensor([len(rows), *shapes[name]], leaves[name], dtypes[name]) for name in shapes
    }


def _row_element(name, value, dtypes, shapes):
    if name not in dtypes:
        raise _invalid(f"JSON object: does not have named input: {name}")
    shape, values = _flattened(value, dtypes[name])
    if shape != shapes.get(name, shape):
        expected, got = (",".join(map(str, sizes)) for sizes in (shapes[name], shape))
        raise _invalid(f"Expecting shape [{expected}] but got: [{got}]")
    return shape, values


def _flattened(value, dtype):
    """Returns the shape of nested lists, and the values in them as Python has them."""
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    # Level after level, for no depth is too much then.
    values = [value]
    for level, size in enumerate(shape):
        for inner in values:
            if not isinstance(inner, list):
                raise _invalid(
                    f"JSON Value: {shown_json(inner)} found at incorrect level: {level + 1} in the "
                    f"JSON DOM. Expected at level: {len(shape)}"
                )
            if len(inner) != size:
                raise _invalid(
                    f"Encountered list at unexpected size: {len(inner)} at level: {level} "
                    f"expected size: {size}"
                )
        values = [element for inner in values for element in inner]
    return shape, [_leaf(element, dtype, len(shape)) for element in values]


def _leaf(value, dtype, rank):
    kind = type(value)
    if kind is list:
        raise _invalid(f"Encountered list at unexpected level: {rank} expected < {rank}")
    if kind is dict and dtype == tf.string:
        return _read_base64(value)
    if dtype not in _KINDS:
        raise tf.errors.UnimplementedError(
            None, None, f"Conversion of JSON Value: {shown_json(value)} to type: {_named(dtype)}"
        )
    if kind not in _KINDS[dtype] or (dtype in _RANGES and value not in _RANGES[dtype]):
        name = _TYPE_NAMES.get(kind, "True" if value is True else "False")
        raise _invalid(
            f"JSON Value: {shown_json(value)} Type: {name} is not of expected type: {_named(dtype)}"
        )
    return value.encode("utf-8", "surrogateescape") if kind is str else value


def _read_base64(value):
    if not _is_base64(value):
        raise _invalid(f"JSON Value: {shown_json(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split())
    digits = text.rstrip("=")
    padding = "=" * (-len(digits) % 4)
    try:
        # Padding may be left out.
        if text not in (digits, digits + padding):
            raise ValueError("wrong padding")
        return base64.b64decode(digits + padding, validate=True)
    except ValueError as error:
        raise _invalid("Unable to base64 decode") from error


def _tensor(shape, values, dtype):
    kind = np.float64 if dtype in _EXACT_DIGITS else dtype.as_numpy_dtype
    # A number beyond float32 is infinite, as in TensorFlow Serving.
    with np.errstate(over="ignore"):
        array = np.array(values, kind).astype(dtype.as_numpy_dtype)
    return tf.reshape(tf.constant(array, dtype), shape)


def _texts(name, tensor):
    """Writes each element of a tensor, in order."""
    values = tf.reshape(tensor, [-1]).numpy()
    if tensor.dtype == tf.string and name.endswith("_bytes"):
        return [f'{{"b64": "{base64.b64encode(value).decode("ascii")}"}}' for value in values]
    if tensor.dtype == tf.string:
        texts = [value.decode("utf-8", "surrogateescape") for value in values]
        return [json.dumps(text, ensure_ascii=False) for text in texts]
    if tensor.dtype in _EXACT_DIGITS:
        return [_decimal(value, _EXACT_DIGITS[tensor.dtype]) for value in values]
    if tensor.dtype not in _KINDS:
        raise _invalid(f"Failed to write JSON value for tensor type: {_named(tensor.dtype)}")
    return [*map(json.dumps, values.tolist())]


def _decimal(value, exact_digits):
    """Writes a NumPy number with six digits, or with all where six do not tell it."""
    if not math.isfinite(value):
        return json.dumps(float(value))
    text = f"{value:.6g}"
    if type(value)(text) != value:
        text = f"{value:.{exact_digits}g}"
    # A list has either whole numbers or decimal ones, never both.
    return text if "." in text or "e" in text else f"{text}.0"


def _nested(texts, shape, *, outer):
    """Puts texts into lists, from the innermost axis to the one after the `outer` first ones."""
    for axis in reversed(range(outer, len(shape))):
        size = shape[axis]
        texts = [
            f"[{', '.join(texts[index * size : (index + 1) * size])}]"
            for index in range(math.prod(shape[:axis]))
        ]
    return texts
