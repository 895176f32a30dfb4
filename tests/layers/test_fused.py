"""What is compiled, and what is left alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.layers.fused import fused

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="of the TensorFlow backend"
)


def traced_function():
    calls = []

    @fused
    def double_and_square(values):
        calls.append(type(values).__name__)
        return 2 * values, values * values

    return double_and_square, calls


def num_compiled_calls(function):
    graph = function.get_concrete_function().graph
    return sum(
        bool(operation.get_attr("_XlaMustCompile"))
        for operation in graph.get_operations()
        if "PartitionedCall" in operation.type
    )


def test_compiles_in_graphs_of_known_shapes_alone():
    function, calls = traced_function()
    np.testing.assert_array_equal(function(tf.constant([3.0]))[1], [9.0])
    assert calls == ["EagerTensor"]

    def run(values):
        return function(values)

    known = tf.function(run, input_signature=[tf.TensorSpec([2])])
    unknown = tf.function(run, input_signature=[tf.TensorSpec([None])])
    assert num_compiled_calls(known) == 1
    assert num_compiled_calls(unknown) == 0
    for one in (known, unknown):
        doubled, squared = one(tf.constant([1.0, 3.0]))
        np.testing.assert_array_equal(doubled, [2.0, 6.0])
        np.testing.assert_array_equal(squared, [1.0, 9.0])
