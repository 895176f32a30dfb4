"""Both orders of normalisation; values of whole blocks are in `tests/models`."""

import keras
import numpy as np
import pytest

from mpnet_tf.layers.transformer_block import TransformerBlock


def make_block(**settings):
    return TransformerBlock(num_heads=2, hidden_dim=8, intermediate_dim=12, **settings)


@pytest.fixture(scope="module")
def inputs():
    """Five content slots and two query slots in each of two rows; the bias hides some."""
    generator = np.random.default_rng(1)
    hidden = generator.normal(size=(2, 7, 8)).astype("float32") * 3 + 1
    visible = generator.uniform(size=(2, 1, 7, 5)) < 0.7
    visible[:, :, :, 0] = True
    return hidden, np.where(visible, 0, -1e9).astype("float32")


def test_post_norm_output_is_normalised_and_pre_norm_output_is_not(inputs):
    hidden, bias = inputs
    post = np.asarray(make_block()(hidden, hidden[:, :5], bias))
    np.testing.assert_allclose(post.mean(axis=2), 0, atol=1e-5)
    pre = np.asarray(make_block(norm_order="pre")(hidden, hidden[:, :5], bias))
    assert np.abs(pre.mean(axis=2)).max() > 0.5


def test_pre_norm_block_with_nothing_to_write_is_the_identity(inputs):
    hidden, bias = inputs
    block = make_block(norm_order="pre", output_kernel_initializer="zeros")
    np.testing.assert_array_equal(block(hidden, hidden[:, :5], bias), hidden)


@pytest.mark.parametrize("norm_order", ["post", "pre"])
def test_keys_given_as_queries_or_as_a_copy_are_the_same(inputs, norm_order):
    """The pre-norm block normalises them once in the first case and twice in the second."""
    hidden, bias = (keras.ops.convert_to_tensor(values) for values in inputs)
    hidden, bias = hidden[:, :5], bias[:, :, :5]
    block = make_block(norm_order=norm_order)
    np.testing.assert_allclose(
        block(hidden, hidden, bias), block(hidden, hidden + 0, bias), atol=1e-6
    )


def test_gelus_differ_as_exact_and_approximate(inputs):
    hidden, bias = inputs
    exact, approximate = make_block(), make_block(approximate_gelu=True)
    results = [np.asarray(block(hidden, hidden[:, :5], bias)) for block in (exact, approximate)]
    assert np.abs(results[0] - results[1]).max() > 0.1
    approximate.set_weights(exact.get_weights())
    difference = np.abs(results[0] - np.asarray(approximate(hidden, hidden[:, :5], bias))).max()
    assert 1e-6 < difference < 1e-2


def test_config_round_trip():
    block = make_block(
        norm_order="pre",
        approximate_gelu=True,
        output_kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.01),
    )
    config = block.get_config()
    restored = TransformerBlock.from_config(config)
    assert restored.get_config() == config
    assert restored.attention.output_projection.kernel_initializer.stddev == 0.01


def test_unknown_norm_orders_are_refused():
    with pytest.raises(ValueError, match=r"`norm_order` must be one of.*norm_order='both'"):
        make_block(norm_order="both")
