"""The check of ops: what TensorFlow Serving has linked since when."""

import re

import pytest
import tensorflow as tf
import tensorflow_text as tf_text

from mpnet_tf.serving.serving_ops import check_ops, releases, used_ops


def saved(directory, function, *specs):
    """Writes a SavedModel of a function."""
    module = tf.Module()
    module.function = tf.function(function, input_signature=specs)
    tf.saved_model.save(module, str(directory), signatures={"serving_default": module.function})
    return str(directory)


NUMBERS = tf.TensorSpec([None, 2], tf.float32)
TEXTS = tf.TensorSpec([None], tf.string)


def test_plain_ops_are_in_every_release(tmp_path):
    weights = tf.Variable(tf.ones([2, 3]))
    module = tf.Module()
    module.weights = weights
    module.function = tf.function(
        lambda x: {"y": tf.nn.softmax(x @ weights)}, input_signature=[NUMBERS]
    )
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": module.function})
    assert {"MatMul", "Softmax", "VarHandleOp"} <= set(used_ops(str(tmp_path)))
    for release in releases():
        check_ops(str(tmp_path), since=release)


def test_python_functions_are_in_no_release(tmp_path):
    directory = saved(
        tmp_path, lambda x: {"y": tf.numpy_function(lambda y: y, [x], tf.float32)}, NUMBERS
    )
    with pytest.raises(ValueError, match=r"PyFunc is in no release"):
        check_ops(directory)


def test_xla_is_in_no_release(tmp_path):
    from tensorflow.compiler.tf2xla.python import xla

    directory = saved(tmp_path, lambda x: {"y": xla.dynamic_update_slice(x, x, [0, 0])}, NUMBERS)
    with pytest.raises(ValueError, match=r"XlaDynamicUpdateSlice is in no release"):
        check_ops(directory)


# TensorFlow Serving 2.20.0 is the first that links tensorflow_text 2.20; before, 2.12.1.
def test_an_op_of_a_later_text_library_is_told_with_its_release(tmp_path):
    def trimmed(texts):
        tokens = tf.strings.split(texts)
        return {"y": tf_text.RoundRobinTrimmer(3).trim([tokens, tokens])[0].to_tensor()}

    directory = saved(tmp_path, trimmed, TEXTS)
    message = "TFText>RoundRobinTrim is there from 2.20.0 on"
    for release in ("2.12.1", "2.19.1"):
        with pytest.raises(ValueError, match=re.escape(message)):
            check_ops(directory, since=release)
    check_ops(directory, since="2.20.0")


# TopKV2 got the type of its indices in TensorFlow 2.13.
def test_a_later_attribute_of_an_old_op_is_told_with_its_release(tmp_path):
    def top(x):
        return {"y": tf.raw_ops.TopKV2(input=x, k=1, index_type=tf.int16).indices}

    directory = saved(tmp_path, top, NUMBERS)
    with pytest.raises(ValueError, match=r"index_type of TopKV2 is there from 2.13.1 on"):
        check_ops(directory)
    check_ops(directory, since="2.13.1")


def test_tokenizers_of_text_are_in_every_release(tmp_path):
    splitter = tf_text.RegexSplitter(r"\s")
    directory = saved(tmp_path, lambda x: {"y": splitter.split(x).to_tensor()}, TEXTS)
    check_ops(directory)


def test_refuses_an_unknown_release(tmp_path):
    with pytest.raises(ValueError, match=r"`since` must be one of 2\.12\.1, .*'2\.1'"):
        check_ops(str(tmp_path), since="2.1")
