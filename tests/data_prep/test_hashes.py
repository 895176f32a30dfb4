"""Hashes of texts, beside the definition, and sets of them beside Python's."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.hashes import HashSet, mixed_bits, text_hash, text_hashes

TEXTS = st.text() | st.text("ab \t\n\v\f\r\x1c\x1f\x00\x85\xa0\u3000", max_size=12)


@given(TEXTS)
def test_hash_is_that_of_the_words_joined_by_spaces(text):
    data = " ".join(text.split()).encode("utf-8", "surrogatepass")
    expected = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
    assert text_hash(text) == expected
    assert text_hashes([text, text]).tolist() == [expected, expected]


@given(st.lists(st.integers(0, 2**64 - 1), unique=True))
def test_numbers_are_mixed_as_splitmix_ends(values):
    def mix(value):
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
        return value ^ (value >> 31)

    mixed = mixed_bits(np.array(values, np.uint64)).tolist()
    assert mixed == [mix(value) for value in values]
    assert len(set(mixed)) == len(values)


# Few leading bits, by which a set looks first, so that hashes in it and others share them.
HASHES = st.builds(
    lambda leading, rest: leading << 48 | rest, st.integers(0, 3), st.integers(0, 5)
) | st.sampled_from([0, 2**63, 2**64 - 2, 2**64 - 1])


def assert_has(members, others):
    hashes = HashSet(np.array(members, np.uint64))
    found = hashes.has(np.array([*members, *others], np.uint64))
    assert found.dtype == bool
    expected = set(members)
    assert found.tolist() == [hash in expected for hash in [*members, *others]]
    assert len(hashes) == len(expected)


@given(st.lists(HASHES), st.lists(HASHES))
def test_hash_sets_hold_what_sets_hold(members, others):
    assert_has(members, others)


@pytest.mark.parametrize("count", [4_095, 4_096, 4_097, 100_000])
def test_large_hash_sets_hold_what_sets_hold(count):
    # From 4,097 on the first look is by more bits.
    hashes = mixed_bits(np.arange(2 * count, dtype=np.uint64))
    neighbours = [hash ^ 1 for hash in hashes[:1_000].tolist()]
    assert_has(hashes[:count].tolist(), [*hashes[count:].tolist(), *neighbours])


def test_hash_sets_leave_what_they_are_given():
    members, asked = np.array([3, 1, 1], np.uint64), np.array([2, 1], np.uint64)
    HashSet(members).has(asked)
    assert members.tolist() == [3, 1, 1]
    assert asked.tolist() == [2, 1]
