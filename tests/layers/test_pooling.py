"""Pooling against its definition in NumPy."""

import numpy as np
import pytest

from mpnet_tf.layers.pooling import POOLINGS, Pooling

LENGTHS = np.array([[6], [3], [1]])
MASK = (np.arange(6) < LENGTHS).astype("int32")
HIDDEN = np.random.default_rng(3).normal(size=(3, 6, 5)) - 2

each_pooling = pytest.mark.parametrize("pooling", POOLINGS)


def reference_pooling(pooling, hidden, padding_mask):
    """Pools each row's real tokens, taken out of it, in float64."""
    pooled = []
    for row, mask in zip(np.asarray(hidden, np.float64), padding_mask, strict=True):
        real = row[np.asarray(mask, bool)]
        pooled.append(
            {
                "mean": real.mean(axis=0),
                "cls": real[0],
                "max": real.max(axis=0),
                "mean_sqrt_len_tokens": real.sum(axis=0) / len(real) ** 0.5,
            }[pooling]
        )
    return np.array(pooled)


@pytest.mark.parametrize("mask_dtype", ["int32", "bool", "float32"])
@each_pooling
def test_values_are_those_of_the_definition(pooling, mask_dtype):
    found = Pooling(pooling)(HIDDEN, MASK.astype(mask_dtype))
    assert found.dtype == "float32"
    # Float32's roundings of six numbers of size 2.
    np.testing.assert_allclose(found, reference_pooling(pooling, HIDDEN, MASK), atol=2e-6)


@each_pooling
def test_padding_may_be_on_the_left_and_hold_anything(pooling):
    mask = MASK[:, ::-1]
    hidden = np.where(mask[:, :, None], HIDDEN, 1e4)
    found = Pooling(pooling)(hidden, mask)
    np.testing.assert_allclose(found, reference_pooling(pooling, HIDDEN, mask), atol=2e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16"])
@each_pooling
def test_nothing_is_rounded_to_half_precision(pooling, dtype):
    layer = Pooling(pooling, dtype=dtype)
    found = layer(HIDDEN.astype("float32"), MASK)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, reference_pooling(pooling, HIDDEN, MASK), atol=2e-6)
    # 300 times 300 is too large for float16.
    long = np.full((1, 300, 2), 300.0, "float16")
    expected = reference_pooling(pooling, long, np.ones((1, 300)))
    np.testing.assert_allclose(layer(long, np.ones((1, 300), "int32")), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [("mean", 0.0), ("mean_sqrt_len_tokens", 0.0), ("max", -np.inf), ("cls", HIDDEN[0, 0])],
)
def test_a_row_without_tokens_gives_what_sentence_transformers_gives(pooling, expected):
    found = Pooling(pooling)(HIDDEN[:1], np.zeros((1, 6), "int32"))
    np.testing.assert_allclose(found[0], np.broadcast_to(expected, (5,)), rtol=1e-6)


@each_pooling
def test_config_and_declared_shape(pooling):
    layer = Pooling(pooling, name="mine")
    config = layer.get_config()
    assert Pooling.from_config(config).get_config() == config
    spec = layer.compute_output_spec(HIDDEN.astype("float16"), MASK)
    assert spec.shape == layer(HIDDEN, MASK).shape and spec.dtype == "float32"


def test_the_example_in_the_documentation_holds():
    hidden = np.array([[[1.0, 5.0], [3.0, 1.0], [9.0, 9.0]]])
    assert np.array(Pooling("mean")(hidden, np.array([[1, 1, 0]]))).tolist() == [[2.0, 3.0]]


def test_unknown_names_are_refused():
    with pytest.raises(
        ValueError,
        match=r"`pooling` must be one of mean, cls, max, mean_sqrt_len_tokens.*pooling='sum'",
    ):
        Pooling("sum")
