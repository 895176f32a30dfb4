"""Hashes of texts, beside the definition."""

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_prep.hashes import mixed_bits, text_hash, text_hashes

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
