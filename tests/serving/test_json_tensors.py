"""JSON of TensorFlow Serving's REST API to tensors and back."""

import base64
import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tensorflow.core.protobuf import meta_graph_pb2

from mpnet_tf.serving.json_tensors import read_tensors, write_tensors

WHOLE = [tf.int8, tf.uint8, tf.int16, tf.int32, tf.uint32, tf.int64, tf.uint64]
DTYPES = [tf.float32, tf.float64, tf.bool, *WHOLE]
# The inputs of the requests that TensorFlow Serving's documentation publishes.
PUBLISHED = {"tag": tf.string, "signal": tf.int32, "sensor": tf.float32}


def signature(inputs, defaults=()):
    """Makes a `SignatureDef` of inputs by name."""
    made = meta_graph_pb2.SignatureDef()
    for name, dtype in inputs.items():
        made.inputs[name].dtype = dtype.as_datatype_enum
    for name in defaults:
        made.defaults[name].CopyFrom(tf.make_tensor_proto([7], inputs[name]))
    return made


def read(document, dtype=tf.float32):
    """Reads the only input, `x`, as nested lists."""
    tensors, by_row = read_tensors(document, signature({"x": dtype}))
    assert by_row == ("instances" in document)
    assert tensors["x"].dtype == dtype
    return tensors["x"].numpy().tolist()


def written(tensors, *, by_row):
    return json.loads(write_tensors(tensors, by_row=by_row))


@st.composite
def tensors_with_rows(draw):
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    return tf.constant(draw(hnp.arrays(dtype.as_numpy_dtype, shape)), dtype)


@st.composite
def strings_with_rows(draw):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3))
    return tf.constant(draw(hnp.arrays(object, shape, elements=st.binary(max_size=6))), tf.string)


def as_base64(values):
    if isinstance(values, list):
        return [as_base64(value) for value in values]
    return {"b64": base64.b64encode(values).decode()}


@settings(deadline=None)
@given(tensors_with_rows())
def test_numbers_come_back_as_they_were_by_rows_and_by_columns(tensor):
    for key, answer_key in [("instances", "predictions"), ("inputs", "outputs")]:
        by_row = key == "instances"
        values = written({"y": tensor}, by_row=by_row)[answer_key]
        again, rows = read_tensors({key: values}, signature({"x": tensor.dtype}))
        assert rows == by_row and again["x"].dtype == tensor.dtype
        np.testing.assert_array_equal(again["x"], tensor)


@settings(deadline=None)
@given(strings_with_rows())
def test_bytes_come_back_as_they_were(tensor):
    values = written({"y_bytes": tensor}, by_row=True)["predictions"]
    assert values == as_base64(tensor.numpy().tolist())
    assert read({"instances": values}, tf.string) == tensor.numpy().tolist()
    # Without the name's ending the very bytes are the string's.
    raw = write_tensors({"y": tensor}, by_row=True)
    document = json.loads(raw.decode("utf-8", "surrogateescape"))
    assert read({"instances": document["predictions"]}, tf.string) == tensor.numpy().tolist()


@settings(deadline=None)
@given(hnp.arrays(np.float32, 3), st.lists(st.text(max_size=5), min_size=3, max_size=3))
def test_rows_and_columns_say_the_same(numbers, texts):
    outputs = {"number": tf.constant(numbers), "text": tf.constant(texts)}
    rows = written(outputs, by_row=True)["predictions"]
    columns = written(outputs, by_row=False)["outputs"]
    assert columns["text"] == texts
    for name, values in columns.items():
        np.testing.assert_array_equal([row[name] for row in rows], values)
    inputs = signature({"number": tf.float32, "text": tf.string})
    of_rows, _ = read_tensors({"instances": rows}, inputs)
    of_columns, _ = read_tensors({"inputs": columns}, inputs)
    for name, tensor in outputs.items():
        np.testing.assert_array_equal(of_rows[name], tensor)
        np.testing.assert_array_equal(of_columns[name], tensor)


def test_reads_the_published_requests():
    assert read({"instances": ["foo", "bar", "baz"]}, tf.string) == [b"foo", b"bar", b"baz"]
    assert read({"instances": [[[1, 2]], [[3, 4]]]}) == [[[1, 2]], [[3, 4]]]
    rows = [
        {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
        {"tag": "bar", "signal": [3, 4, 1, 2, 5], "sensor": [[4, 5], [6, 8]]},
    ]
    columns = {name: [row[name] for row in rows] for name in PUBLISHED}
    for document in ({"instances": rows}, {"inputs": columns}):
        tensors, _ = read_tensors(document, signature(PUBLISHED))
        assert {name: tensor.dtype for name, tensor in tensors.items()} == PUBLISHED
        assert tensors["tag"].numpy().tolist() == [b"foo", b"bar"]
        assert tensors["signal"].numpy().tolist() == columns["signal"]
        assert tensors["sensor"].numpy().tolist() == columns["sensor"]


def test_writes_the_published_answers():
    published = {"y": tf.constant([3.5, 4.0, 5.5])}
    assert write_tensors(published, by_row=True) == b'{"predictions": [3.5, 4.0, 5.5]}'
    assert write_tensors(published, by_row=False) == b'{"outputs": [3.5, 4.0, 5.5]}'
    several = {"label": tf.constant(["a", "b"]), "score": tf.constant([[1, 2], [3, 4]])}
    assert written(several, by_row=True) == {
        "predictions": [{"label": "a", "score": [1, 2]}, {"label": "b", "score": [3, 4]}]
    }
    assert written(several, by_row=False) == {
        "outputs": {"label": ["a", "b"], "score": [[1, 2], [3, 4]]}
    }


def test_columns_may_have_any_shape():
    assert read({"inputs": 3}) == 3.0
    assert read({"inputs": []}) == []
    assert read({"inputs": [[], []]}, tf.string) == [[], []]
    assert read({"inputs": {"x": [[1], [2]], "unknown": 5}}) == [[1], [2]]
    deep = 4.0
    for _ in range(200):
        deep = [deep]
    tensors, _ = read_tensors({"inputs": deep}, signature({"x": tf.float32}))
    assert written({"y": tensors["x"]}, by_row=False) == {"outputs": deep}
    assert written({"y": tf.constant(5)}, by_row=False) == {"outputs": 5}
    assert written({"y": tf.zeros((0, 3))}, by_row=True) == {"predictions": []}
    assert written({"y": tf.zeros((2, 0))}, by_row=True) == {"predictions": [[], []]}


def test_reads_strings():
    assert read({"instances": [{"b64": "aW1hZ2UgYnl0ZXM="}]}, tf.string) == [b"image bytes"]
    assert read({"instances": [{"x": {"b64": "/wA="}}]}, tf.string) == [b"\xff\x00"]
    # Padding may be left out, and white space be there.
    assert read({"inputs": [{"b64": "aW1h Z2UgYnl0ZXM\n"}]}, tf.string) == [b"image bytes"]
    # As a request's bytes that are not UTF-8 arrive.
    assert read({"inputs": ["\udcffé"]}, tf.string) == [b"\xff\xc3\xa9"]
    assert read({"inputs": ["", "a\x00"]}, tf.string) == [b"", b"a\x00"]


def test_reads_numbers():
    assert read({"inputs": [1, 2.5, -0.0]}) == [1.0, 2.5, 0.0]
    assert np.isnan(read({"inputs": [float("nan")]})).all()
    # Beyond float32.
    assert read({"inputs": [1e39, -1e39]}) == [np.inf, -np.inf]
    assert read({"inputs": [2**24 + 1]}) == [2.0**24]
    assert read({"inputs": [2**64 - 1]}, tf.uint64) == [2**64 - 1]


def test_writes_numbers_with_as_few_digits_as_tell_them():
    numbers = [0.2, 1 / 3, 1e6, 3e-05, -0.0, 16777215, np.nan, np.inf, -np.inf]
    assert write_tensors({"y": tf.constant(numbers)}, by_row=True) == (
        b'{"predictions": [0.2, 0.333333343, 1e+06, 3e-05, -0.0, 16777215.0, NaN, Infinity, '
        b"-Infinity]}"
    )
    assert write_tensors({"y": tf.constant([0.1, 1 / 3], tf.float64)}, by_row=False) == (
        b'{"outputs": [0.1, 0.33333333333333331]}'
    )


def test_inputs_with_a_default_may_be_left_out_of_all_rows():
    inputs = signature({"text": tf.string, "top_k": tf.int32}, defaults=["top_k"])
    for document in ({"instances": [{"text": "a"}] * 2}, {"inputs": {"text": ["a", "a"]}}):
        tensors, _ = read_tensors(document, inputs)
        assert tensors.keys() == {"text"} and tensors["text"].shape == [2]
    given = {"text": "a", "top_k": 1}
    assert read_tensors({"instances": [given]}, inputs)[0].keys() == given.keys()
    for rows in ([{"text": "a"}, given], [given, {"text": "a"}]):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"element: 1 .* keys must be"):
            read_tensors({"instances": rows}, inputs)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be equal to: text,top_k"):
        read_tensors({"instances": [{"top_k": 1}]}, inputs)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Missing named input: text"):
        read_tensors({"inputs": {"top_k": [1]}}, inputs)


ELEMENT = "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
REFUSED = {
    "nothing": ({}, {"x": tf.float32}, "Missing 'inputs' or 'instances' key"),
    "both": ({"inputs": 1, "instances": [1]}, {"x": tf.float32}, "expecting only one of"),
    "no list": ({"instances": 1}, {"x": tf.float32}, "to be an list/array"),
    "no rows": ({"instances": []}, {"x": tf.float32}, "No values in 'instances' array"),
    "text": ({"instances": [1, "a"]}, {"x": tf.float32}, ELEMENT + 'JSON Value: "a" Type: String'),
    "bool": ({"inputs": [True]}, {"x": tf.float32}, "Type: True is not of expected type: float"),
    "number": ({"inputs": [1]}, {"x": tf.bool}, "Type: Number is not of expected type: bool"),
    "null": ({"inputs": [None]}, {"x": tf.string}, "Type: Null is not of expected type: string"),
    "object": ({"inputs": [{}]}, {"x": tf.int64}, "Type: Object is not of expected type: int64"),
    "decimal": ({"inputs": [1.0]}, {"x": tf.int32}, "1.0 Type: Number is not of expected type"),
    "large": ({"inputs": [2**31]}, {"x": tf.int32}, "not of expected type: int32"),
    "negative": ({"inputs": [-1]}, {"x": tf.uint8}, "not of expected type: uint8"),
    "base64": ({"inputs": [{"b64": "a"}]}, {"x": tf.string}, "Unable to base64 decode"),
    "padding": ({"inputs": [{"b64": "YQ==="}]}, {"x": tf.string}, "Unable to base64 decode"),
    "no base64": ({"inputs": [{"b64": 1}]}, {"x": tf.string}, "not formatted correctly for base64"),
    "ragged": ({"inputs": [[1], [1, 2]]}, {"x": tf.float32}, "unexpected size: 2 at level: 1"),
    "shallow": ({"inputs": [[1], 2]}, {"x": tf.float32}, "2 found at incorrect level: 2"),
    "deep": ({"inputs": [1, [2]]}, {"x": tf.float32}, "list at unexpected level: 1"),
    "shapes": (
        {"instances": [[1, 2], [[1], [2]]]},
        {"x": tf.float32},
        ELEMENT + "Expecting shape [2] but got: [2,1]",
    ),
    "dimensions": ({"inputs": json.loads("[" * 300 + "]" * 300)}, {"x": tf.float32}, "dimensions"),
    "plain rows": ({"instances": [1]}, PUBLISHED, "expecting list of objects as multiple input"),
    "plain columns": ({"inputs": [1]}, PUBLISHED, "expecting an object as multiple input"),
    "no column": ({"inputs": {"tag": ["a"]}}, PUBLISHED, "Missing named input: sensor in 'inputs'"),
    "no key": (
        {"instances": [{"tag": "a"}]},
        PUBLISHED,
        "keys must be equal to: sensor,signal,tag",
    ),
    "other key": (
        {"instances": [{"x": 1, "z": 2}]},
        {"x": tf.float32},
        "element: 0 key: z of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not "
        "have named input: z",
    ),
    "list": ({"instances": [{"x": 1}, [1]]}, {"x": tf.float32}, "object but got list at item 1"),
    "row": ({"instances": [1, {"x": 1}]}, {"x": tf.float32}, "value/list but got object at item 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_what_the_signature_does_not_take(case):
    document, inputs, message = REFUSED[case]
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        read_tensors(document, signature(inputs))
    assert message in caught.value.message


def test_refuses_types_without_a_form_in_json():
    with pytest.raises(tf.errors.UnimplementedError, match="Conversion of JSON Value: 1 to type"):
        read({"inputs": [1]}, tf.half)
    for dtype in (tf.half, tf.bfloat16, tf.complex64):
        with pytest.raises(tf.errors.InvalidArgumentError, match="Failed to write JSON value"):
            write_tensors({"y": tf.zeros(1, dtype)}, by_row=True)


@pytest.mark.parametrize("outputs", [{"y": 1.0}, {"y": [1.0], "z": [1.0, 2.0]}])
def test_refuses_outputs_without_rows(outputs):
    tensors = {name: tf.constant(values) for name, values in outputs.items()}
    with pytest.raises(tf.errors.InvalidArgumentError, match="no batch size or different ones"):
        write_tensors(tensors, by_row=True)
    assert written(tensors, by_row=False)


def test_long_values_are_cut_in_messages():
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        read_tensors({"instances": {"x": [0] * 10_000}}, signature({"x": tf.float32}))
    assert len(caught.value.message) < 400
