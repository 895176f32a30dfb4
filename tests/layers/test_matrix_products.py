"""Products and their gradients against NumPy, and the dense layer that uses them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.layers.matrix_products import product, product_with_transposed
from mpnet_tf.layers.trained_dense import trained_dense


@pytest.mark.parametrize(
    "function, transposed", [(product, False), (product_with_transposed, True)]
)
@pytest.mark.parametrize("leading", [(7,), (2, 3), (2, 3, 4)])
def test_products_and_gradients(function, transposed, leading):
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(*leading, 5)).astype("float32")
    matrix = generator.normal(size=(5, 6)).astype("float32")
    upstream = generator.normal(size=(*leading, 6)).astype("float32")
    given = tf.constant(matrix.T.copy() if transposed else matrix)

    @tf.function
    def run(inputs, given):
        with tf.GradientTape() as tape:
            tape.watch([inputs, given])
            outputs = function(inputs, given)
        return outputs, tape.gradient(outputs, [inputs, given], output_gradients=upstream)

    outputs, (of_inputs, of_matrix) = run(tf.constant(inputs), given)
    np.testing.assert_allclose(outputs, inputs @ matrix, atol=1e-5)
    np.testing.assert_allclose(of_inputs, upstream @ matrix.T, atol=1e-5)
    wanted = inputs.reshape(-1, 5).T @ upstream.reshape(-1, 6)
    np.testing.assert_allclose(of_matrix, wanted.T if transposed else wanted, atol=1e-4)


def test_a_widened_layer_is_that_of_keras():
    inputs = tf.random.stateless_normal((2, 3, 4), (0, 1))
    upstream = tf.random.stateless_normal((2, 3, 8), (0, 2))
    dense = keras.layers.Dense(8)
    dense.build(inputs.shape)
    weights = [weight.value for weight in dense.trainable_variables]
    results = []
    for run in (dense, lambda inputs: trained_dense(dense, inputs, True)):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = run(inputs)
        gradients = tape.gradient(outputs, [inputs, *weights], output_gradients=upstream)
        results.append([outputs, *gradients])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(trained_dense(dense, inputs, False), dense(inputs))


def test_adapted_and_quantized_layers_work():
    inputs = tf.random.stateless_normal((2, 3, 4), (0, 1))
    dense = keras.layers.Dense(8)
    dense.build(inputs.shape)
    dense.enable_lora(2)
    with tf.GradientTape() as tape:
        outputs = trained_dense(dense, inputs, True)
    adapters = [weight.value for weight in dense.trainable_variables]
    assert all(gradient is not None for gradient in tape.gradient(outputs, adapters))

    dense = keras.layers.Dense(8)
    dense.build(inputs.shape)
    exact = dense(inputs)
    dense.quantize("int8")
    np.testing.assert_allclose(trained_dense(dense, inputs, True), exact, atol=0.1)
