"""Threefry against the known answers of its authors and against JAX's own."""

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.layers.threefry import ENOUGH_ROUNDS, threefry

ONES = 0xFFFFFFFF
PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
# Of `kat_vectors` in Random123: rounds, counter, key, answer.
KNOWN = [
    (13, (0, 0), (0, 0), (0x9D1C5EC6, 0x8BD50731)),
    (13, (ONES, ONES), (ONES, ONES), (0xFD36D048, 0x2D17272C)),
    (13, PI[:2], PI[2:], (0xBA3E4725, 0xF27D669E)),
    (20, (0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    (20, (ONES, ONES), (ONES, ONES), (0x1CB996FC, 0xBB002BE7)),
    (20, PI[:2], PI[2:], (0xC4923A9C, 0x483DF7A0)),
]


def words(key, counters, num_rounds):
    compiled = tf.function(
        lambda key, *counters: threefry(key, counters, num_rounds), jit_compile=True
    )
    return np.stack(compiled(*(np.array(value, np.uint32) for value in (key, *counters))))


@pytest.mark.parametrize("num_rounds, counter, key, answer", KNOWN)
def test_known_answers(num_rounds, counter, key, answer):
    found = words(key, [[one] for one in counter], num_rounds)
    assert found.ravel().tolist() == list(answer)


def test_equals_jax():
    prng = pytest.importorskip("jax.extend.random", reason="jax is not installed")
    generator = np.random.default_rng(0)
    key, *counters = (
        generator.integers(0, 2**32, size, dtype=np.uint32) for size in (2, 1000, 1000)
    )
    expected = np.asarray(prng.threefry_2x32(key, np.concatenate(counters)))
    np.testing.assert_array_equal(words(key, counters, 20).ravel(), expected)


def test_bits_of_neighbouring_counters_are_independent():
    """Each bit is set in half of the words, and none goes with another, or with the next word's."""
    numbers = np.arange(2**16, dtype=np.uint32)
    found = words([1, 2], [numbers, np.zeros_like(numbers)], ENOUGH_ROUNDS)[0]
    bits = (found[:, np.newaxis] >> np.arange(32)) & 1
    bits = np.concatenate([bits[:-1], bits[1:]], axis=1) - 0.5
    correlations = 4 * bits.T @ bits / len(bits) - np.eye(64)
    # Six standard deviations, for some thousands of correlations.
    assert np.abs(correlations).max() < 6 / np.sqrt(len(bits))
    assert np.abs(2 * bits.mean(axis=0)).max() < 6 / np.sqrt(len(bits))
