"""Signatures, bands and candidates, beside datasketch and beside loops from their definitions."""

import sys

import datasketch
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.deduplication.near import (
    NearDuplicateSettings,
    are_near,
    band_keys,
    bands_and_rows,
    candidate_pairs,
    signatures,
)
from data_prep.word_table import WordTable

SETTINGS = NearDuplicateSettings()
NO_WORDS = 2**32 - 1
WORD = st.sampled_from(["cat", "Cat", "sat", "on", "中文", "ÉTÉ"])
TEXTS = st.lists(st.lists(WORD, max_size=12).map(" ".join), max_size=8)


def signature_of(text, chosen):
    """Feeds the stretches of a text's words to datasketch, one at a time."""
    words = WordTable.of([text])
    num_words = len(words.hashes)
    n = min(chosen.shingle_words, num_words)
    minhash = datasketch.MinHash(
        chosen.num_permutations,
        seed=chosen.seed,
        hashfunc=lambda value: value,
        scheme="affine32",
    )
    for first in range(num_words - n + 1 if num_words else 0):
        stretch = words.stretch_hashes(np.array([first]), n)
        minhash.update(int(stretch[0]) % 2**32)
    return minhash.hashvalues


@settings(max_examples=50, deadline=None)
@given(TEXTS, st.integers(1, 4), st.sampled_from([2, 16, 33]))
def test_signatures_are_those_of_datasketch(texts, shingle_words, num_permutations):
    chosen = NearDuplicateSettings(
        shingle_words=shingle_words, num_permutations=num_permutations, seed=7
    )
    found = signatures(WordTable.of(texts), chosen)
    assert found.dtype == np.uint32
    assert found.shape == (len(texts), num_permutations)
    for row, text in zip(found, texts, strict=True):
        np.testing.assert_array_equal(row, signature_of(text, chosen))


def test_signatures_do_not_depend_on_what_else_is_read():
    texts = ["a b c d e", "", "a b", "x y z " * 50, "a b c d e"]
    together = signatures(WordTable.of(texts), SETTINGS)
    for row, text in zip(together, texts, strict=True):
        np.testing.assert_array_equal(signatures(WordTable.of([text]), SETTINGS)[0], row)


def test_fewer_words_than_a_stretch_are_one():
    found = signatures(WordTable.of(["one two", "One, two!", "two one", "one"]), SETTINGS)
    np.testing.assert_array_equal(found[0], found[1])
    assert not (found[0] == found[2]).all()
    assert not (found[0] == found[3]).all()


def test_estimate_meets_the_true_similarity():
    # 60 stretches of one word of each 100 are shared: 60 / 140.
    words = [f"w{number}" for number in range(140)]
    chosen = NearDuplicateSettings(shingle_words=1, num_permutations=1024)
    first, second = signatures(WordTable.of([" ".join(words[:100]), " ".join(words[40:])]), chosen)
    # Four standard deviations of the share of 1024 agreeing values.
    assert abs((first == second).mean() - 60 / 140) < 4 * (0.25 / 1024) ** 0.5


def test_bands_are_the_optimum_of_datasketch():
    # Worked out anew by its own search over all numbers of bands and rows.
    index = datasketch.MinHashLSH(threshold=0.6, num_perm=128, weights=(0.1, 0.9))
    assert bands_and_rows(0.6, 128) == (index.b, index.r) == (25, 5)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 1), min_size=16, max_size=16), max_size=6))
def test_keys_are_equal_where_the_same_band_is(rows):
    chosen = NearDuplicateSettings(num_permutations=16)
    num_bands, num_rows = bands_and_rows(chosen.threshold, 16)
    keys = band_keys(np.array(rows, np.uint32).reshape(-1, 16), chosen)
    assert keys.dtype == np.uint64
    assert keys.shape == (len(rows), num_bands)
    bands = {}
    for row, row_keys in zip(rows, keys.tolist(), strict=True):
        for band, key in enumerate(row_keys):
            values = tuple(row[band * num_rows : (band + 1) * num_rows])
            # Of different bands too: a key stands for one band with its values.
            assert bands.setdefault(key, (band, values)) == (band, values)
    assert len(set(bands.values())) == len(bands)


def pairs_by_loop(keys, orders):
    buckets = {}
    for order, key in sorted(zip(orders, keys, strict=True)):
        buckets.setdefault(key, []).append(order)
    pairs = set()
    for bucket in buckets.values():
        for place in range(1, len(bucket)):
            pairs |= {(bucket[0], bucket[place]), (bucket[place - 1], bucket[place])}
    return sorted(pairs)


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 5, 2**64 - 1]), st.integers(0, 6)), max_size=20, unique=True
    ),
    st.randoms(use_true_random=False),
)
def test_candidates_are_pairs_with_the_first_and_the_one_before(records, random):
    shuffled = random.sample(records, len(records))
    for given_records in (records, shuffled):
        keys = np.array([key for key, _ in given_records], np.uint64)
        orders = np.array([order for _, order in given_records], np.uint64)
        lower, higher = candidate_pairs(keys, orders)
        assert list(zip(lower.tolist(), higher.tolist(), strict=True)) == pairs_by_loop(
            keys.tolist(), orders.tolist()
        )


def test_pairs_grow_with_a_bucket_and_not_with_its_square():
    num_documents = 10_000
    lower, _ = candidate_pairs(
        np.zeros(num_documents, np.uint64), np.arange(num_documents, dtype=np.uint64)
    )
    assert len(lower) == 2 * num_documents - 3


def test_near_is_what_agrees_in_the_share_of_the_threshold():
    first = np.arange(10, dtype=np.uint32)
    second = np.stack([first, np.where(first < 6, first, 99), np.where(first < 5, first, 99)])
    near = are_near(np.tile(first, (3, 1)), second.astype(np.uint32), 0.6)
    assert near.tolist() == [True, True, False]


def test_documents_without_words_are_near_nothing():
    found = signatures(WordTable.of(["", "...", "word"]), SETTINGS)
    assert (found[:2] == NO_WORDS).all()
    assert not are_near(found[[0, 0, 2]], found[[1, 2, 0]], 0.1).any()


def test_no_documents_have_no_pairs():
    found = signatures(WordTable.of([]), SETTINGS)
    keys = band_keys(found, SETTINGS)
    assert keys.shape == (0, 25)
    lower, higher = candidate_pairs(keys.reshape(-1), np.zeros(0, np.uint64))
    assert lower.tolist() == higher.tolist() == []
    assert are_near(found, found, 0.6).tolist() == []


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"shingle_words": 0}, r"`shingle_words` must be at least 1\. Received: .*=0"),
        ({"threshold": 0.0}, r"`threshold` must be above 0 and at most 1\. Received: .*=0\.0"),
        ({"threshold": 1.1}, r"`threshold` must be above 0 and at most 1\. Received: .*=1\.1"),
        ({"num_permutations": 1}, r"`num_permutations` must be at least 2\. Received: .*=1"),
    ],
)
def test_settings_out_of_range_are_refused(chosen, message):
    with pytest.raises(ValueError, match=message):
        NearDuplicateSettings(**chosen)


def test_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasketch", None)
    chosen = NearDuplicateSettings(num_permutations=3, threshold=0.123)
    with pytest.raises(ValueError, match=r"Near-duplicates need the library datasketch: pip"):
        signatures(WordTable.of(["a"]), chosen)
    with pytest.raises(ValueError, match=r"Near-duplicates need the library datasketch: pip"):
        band_keys(np.zeros((1, 3), np.uint32), chosen)
