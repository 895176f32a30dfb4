"""The check of ops: what TensorFlow Serving has linked since when."""

import json
import pathlib
import re

import pytest
import tensorflow as tf
import tensorflow_text as tf_text
from tensorflow.core.framework import kernel_def_pb2, op_def_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from mpnet_tf.serving.make_serving_ops import main as make_serving_ops
from mpnet_tf.serving.serving_ops import check_ops, known_ops, releases, used_ops

NUMBERS = tf.TensorSpec([None, 2], tf.float32)
TEXTS = tf.TensorSpec([None], tf.string)


def saved(directory, function, *specs):
    """Writes a SavedModel of a function."""
    module = tf.Module()
    module.function = tf.function(function, input_signature=specs)
    tf.saved_model.save(module, str(directory), signatures={"serving_default": module.function})
    return str(directory)


def written(directory, *ops, attributes=()):
    """Writes a SavedModel file with a node for each op, as no library writes it."""
    saved_model = saved_model_pb2.SavedModel()
    graph = saved_model.meta_graphs.add().graph_def
    for op in ops:
        node = graph.node.add(name=f"node{len(graph.node)}", op=op)
        for name in attributes:
            node.attr[name].b = True
    pathlib.Path(directory, "saved_model.pb").write_bytes(saved_model.SerializeToString())
    return str(directory)


def test_plain_ops_are_in_every_release(tmp_path):
    weights = tf.Variable(tf.ones([2, 3]))
    module = tf.Module()
    module.weights = weights
    module.function = tf.function(
        lambda x: {"y": tf.nn.softmax(x @ weights)}, input_signature=[NUMBERS]
    )
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": module.function})
    used = used_ops(str(tmp_path))
    assert {"MatMul", "Softmax", "VarHandleOp"} <= set(used)
    assert {"dtype", "shape"} <= set(used["VarHandleOp"][0].attr)
    for release in releases():
        check_ops(str(tmp_path), since=release)


def test_gradients_are_in_every_release(tmp_path):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.matmul(x, tf.ones([2, 3])))
        return {"y": tape.gradient(y, x)}

    directory = saved(tmp_path, gradient, NUMBERS)
    assert any("grad_a" in node.attr for node in used_ops(directory)["MatMul"])
    check_ops(directory)


def test_calls_of_functions_are_no_ops(tmp_path):
    directory = written(tmp_path, "MatMul", "my_function")
    with pytest.raises(ValueError, match=r"my_function is in no release"):
        check_ops(directory)
    path = pathlib.Path(directory, "saved_model.pb")
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    function = saved_model.meta_graphs[0].graph_def.library.function.add()
    function.signature.name = "my_function"
    function.node_def.add(name="inner", op="Softmax")
    path.write_bytes(saved_model.SerializeToString())
    assert set(used_ops(directory)) == {"MatMul", "Softmax"}
    assert [node.name for node in used_ops(directory)["Softmax"]] == ["inner"]
    check_ops(directory)


@pytest.mark.parametrize(
    ("make", "op"),
    [
        (lambda x: tf.numpy_function(lambda y: y, [x], tf.float32), "PyFunc"),
        (
            lambda x: tf.numpy_function(lambda y: y, [x], tf.float32, stateful=False),
            "PyFuncStateless",
        ),
        (lambda x: tf.py_function(lambda y: y, [x], tf.float32), "EagerPyFunc"),
    ],
)
def test_python_functions_are_in_no_release(tmp_path, make, op):
    directory = saved(tmp_path, lambda x: {"y": make(x)}, NUMBERS)
    with pytest.raises(ValueError, match=rf": {op} is in no release"):
        check_ops(directory, since=releases()[-1])


def test_xla_is_in_no_release(tmp_path):
    from tensorflow.compiler.tf2xla.python import xla

    directory = saved(tmp_path, lambda x: {"y": xla.dynamic_update_slice(x, x, [0, 0])}, NUMBERS)
    with pytest.raises(ValueError, match=r"XlaDynamicUpdateSlice is in no release"):
        check_ops(directory)


def test_ops_of_tpus_are_in_no_release(tmp_path):
    ops = [
        *("TPUReplicate", "_TPUReplicate", "ConfigureDistributedTPU", "_XlaCompile"),
        *("InfeedEnqueue", "CrossReplicaSum", "DTensorAllReduce"),
    ]
    with pytest.raises(ValueError) as raised:
        check_ops(written(tmp_path, *ops), since="2.20.0")
    assert all(f"{op} is in no release" in str(raised.value) for op in ops)


# TensorFlow Serving 2.20.0 is the first that links tensorflow_text 2.20; before, 2.12.1.
def test_an_op_of_a_later_text_library_is_told_with_its_release(tmp_path):
    def trimmed(texts):
        tokens = tf.strings.split(texts)
        return {"y": tf_text.RoundRobinTrimmer(3).trim([tokens, tokens])[0].to_tensor()}

    directory = saved(tmp_path, trimmed, TEXTS)
    message = "TFText>RoundRobinTrim is in TensorFlow Serving from 2.20.0 on"
    for release in ("2.12.1", "2.19.1"):
        with pytest.raises(ValueError, match=re.escape(message)):
            check_ops(directory, since=release)
    check_ops(directory, since="2.20.0")


def test_ops_of_tokenizers_are_in_every_release(tmp_path):
    ops = [
        "FastWordpieceTokenizeWithOffsets",
        "FastBertNormalize",
        "SentencepieceOp",
        "SentencepieceTokenizeOp",
        "RegexSplitWithOffsets",
    ]
    for release in releases():
        check_ops(written(tmp_path, *ops), since=release)


def test_each_missing_op_is_named_once(tmp_path):
    with pytest.raises(ValueError) as raised:
        check_ops(written(tmp_path, "PyFunc", "TFText>RoundRobinTrim", "PyFunc", "MatMul"))
    assert str(raised.value).count("PyFunc") == 1
    assert "RoundRobinTrim" in str(raised.value)
    assert "MatMul" not in str(raised.value)


# TopKV2 got the type of its indices in TensorFlow 2.13.
def test_a_later_attribute_of_an_old_op_is_told_with_its_release(tmp_path):
    def top(x):
        return {"y": tf.raw_ops.TopKV2(input=x, k=1, index_type=tf.int16).indices}

    directory = saved(tmp_path, top, NUMBERS)
    with pytest.raises(ValueError, match=r"index_type of TopKV2 is in .* from 2\.13\.1 on"):
        check_ops(directory)
    check_ops(directory, since="2.13.1")


def test_a_later_attribute_with_its_default_is_in_every_release(tmp_path):
    directory = saved(tmp_path, lambda x: {"y": tf.math.top_k(x, 1).values}, NUMBERS)
    assert "TopKV2" in used_ops(directory)
    check_ops(directory)


# What `tf.saved_model.save` strips, other writers may leave.
def test_a_later_attribute_that_says_its_default_is_in_every_release(tmp_path):
    directory = saved(tmp_path, lambda x: {"y": tf.math.top_k(x, 1).values}, NUMBERS)
    path = pathlib.Path(directory, "saved_model.pb")
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    nodes = [
        node
        for function in saved_model.meta_graphs[0].graph_def.library.function
        for node in function.node_def
        if node.op == "TopKV2"
    ]
    for dtype in (tf.int32, tf.int64):
        for node in nodes:
            node.attr["index_type"].type = dtype.as_datatype_enum
        path.write_bytes(saved_model.SerializeToString())
        if dtype == tf.int32:
            check_ops(directory)
        else:
            with pytest.raises(ValueError, match=r"index_type of TopKV2 is in .* 2\.13\.1"):
                check_ops(directory)


# TensorFlow 2.12 loads the model, and fails to run it.
def test_a_type_that_an_op_takes_later_is_told_with_its_release(tmp_path):
    directory = saved(tmp_path, lambda x: {"y": tf.raw_ops.AsString(input=x)}, TEXTS)
    with pytest.raises(ValueError, match=r"DT_STRING as T of AsString is in .* from 2\.13\.1 on"):
        check_ops(directory)
    check_ops(directory, since="2.13.1")


def test_types_of_a_list_count_each(tmp_path):
    directory = written(tmp_path, "StringToNumber")
    path = pathlib.Path(directory, "saved_model.pb")
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    types = [tf.float32.as_datatype_enum, tf.uint32.as_datatype_enum]
    saved_model.meta_graphs[0].graph_def.node[0].attr["out_type"].list.type.extend(types)
    path.write_bytes(saved_model.SerializeToString())
    with pytest.raises(ValueError, match=r"DT_UINT32 as out_type of StringToNumber") as raised:
        check_ops(directory, since="2.16.1")
    assert "DT_FLOAT" not in str(raised.value)
    check_ops(directory, since="2.17.0")


# TensorFlow defines them, but no CPU runs them: they have no kernel there, or (RpcCall) only in the
# Python package.
@pytest.mark.parametrize("op", ["SegmentSumV2", "RFFTND", "CudnnRNNV3", "RpcCall", "RiscAdd"])
def test_what_no_cpu_runs_is_in_no_release(tmp_path, op):
    with pytest.raises(ValueError, match=rf"{op} is in no release"):
        check_ops(written(tmp_path, op), since=releases()[-1])


def test_an_op_counts_from_its_first_kernel_on(tmp_path):
    with pytest.raises(ValueError, match=r"ApproxTopK is in TensorFlow Serving from 2\.13\.1 on"):
        check_ops(written(tmp_path, "ApproxTopK"))
    # The runtime replaces this one.
    check_ops(written(tmp_path, "AccumulateNV2"))


def test_this_tensorflow_has_nearly_all_ops():
    gone = {op for op in known_ops() if op_def_registry.get(op) is None}
    assert len(known_ops()) > 1300
    assert len(gone) <= 5, gone


def test_attributes_of_no_release_are_refused(tmp_path):
    directory = written(tmp_path, "Softmax", attributes=["T", "_note", "of_tomorrow"])
    with pytest.raises(ValueError, match=r"of_tomorrow of Softmax is in no release") as raised:
        check_ops(directory, since="2.20.0")
    assert "T of Softmax" not in str(raised.value)
    assert "_note" not in str(raised.value)


# 2.14.1 dropped RelayoutGrad.
def test_what_a_later_release_dropped_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"RelayoutGrad is in no release"):
        check_ops(written(tmp_path, "RelayoutGrad"))


def test_refuses_an_unknown_release(tmp_path):
    with pytest.raises(ValueError, match=r"`since` must be one of 2\.12\.1, .*'2\.1'"):
        check_ops(str(tmp_path), since="2.1")


def test_needs_a_saved_model(tmp_path):
    with pytest.raises(OSError, match=r"saved_model\.pb"):
        check_ops(str(tmp_path))


def test_lists_are_made_from_those_of_the_releases(tmp_path):
    def write(release, ops, *, without_kernel=()):
        op_list, kernels = op_def_pb2.OpList(), kernel_def_pb2.KernelList()
        for name, attributes in ops.items():
            op = op_list.op.add(name=name)
            for attribute, types in attributes.items():
                added = op.attr.add(name=attribute, type="type")
                added.default_value.type = tf.float32.as_datatype_enum
                added.allowed_values.list.type.extend(dtype.as_datatype_enum for dtype in types)
            device = "GPU" if name in without_kernel else "CPU"
            kernels.kernel.add(op=name, device_type=device)
        (tmp_path / f"{release}.pb").write_bytes(op_list.SerializeToString())
        (tmp_path / f"kernels_{release}.pb").write_bytes(kernels.SerializeToString())

    # 2.9 comes before 2.10 although its name does not.
    write(
        "2.9.0",
        {"Old": {"b": [tf.int8], "a": []}, "Gone": {}, "Late": {}, "PyFunc": {}, "XlaDot": {}},
        without_kernel=["Late", "PyFunc"],
    )
    write(
        "2.10.0",
        {
            **{"Old": {"a": [], "c": [tf.int8], "b": [tf.int8, tf.int16]}, "Late": {"d": []}},
            **{"New": {"a": [], "b": []}, "PyFunc": {}, "_TPUReplicate": {}},
        },
        without_kernel=["PyFunc"],
    )
    (tmp_path / "text_2.9.0.json").write_text('{"Text": ["x"]}')
    (tmp_path / "text_2.11.0.json").write_text('{"Text": ["x"], "TextNew": []}')
    output = tmp_path / "made.json"
    make_serving_ops(str(tmp_path), str(output))
    assert json.loads(output.read_text()) == {
        "releases": ["2.9.0", "2.10.0"],
        "ops": {
            "2.9.0": {"a b": ["Old"], "x": ["Text"]},
            "2.10.0": {"": ["TextNew"], "a b": ["New"], "d": ["Late"]},
        },
        "attributes": {"2.10.0": {"Old": {"c": "type: DT_FLOAT"}}},
        "values": {"2.10.0": {"Old": {"b": ["DT_INT16"]}}},
    }
