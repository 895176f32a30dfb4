"""Shares of n-grams, beside loops over strings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.filters import ngram_repeats
from data_prep.filters.ngram_repeats import repeated_shares_above, top_shares_above
from data_prep.word_table import WordTable
from tests.data_prep.filters.ngram_loop import repeated_share, top_share

# Few words, of unlike lengths, so that stretches of many of them are repeated.
WORDS = st.sampled_from(["a", "bb", "ccc", "dddddddd", "中", "ก"])
TEXTS = st.lists(st.lists(WORDS, max_size=60).map(" ".join), min_size=1, max_size=4)


def assert_shares_are(found, texts, share_of, largest):
    assert list(found) == list(largest)
    for n, share in largest.items():
        expected = [share_of(text, n) > share for text in texts]
        np.testing.assert_array_equal(found[n], expected)


def limits(text, share_of, sizes):
    """Lists the shares of a text, which it does not exceed, and ones that it just does."""
    shares = {n: share_of(text, n) for n in sizes}
    return shares, {n: float(np.nextafter(share, -1)) for n, share in shares.items()}


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_top_ngrams_are_those_of_the_definition(texts):
    for largest in limits(texts[0], top_share, (2, 3, 4)):
        found = top_shares_above(WordTable.of(texts), largest)
        assert_shares_are(found, texts, top_share, largest)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_repeated_ngrams_are_those_of_the_definition(texts):
    for largest in limits(texts[0], repeated_share, (2, 3, 5)):
        found = repeated_shares_above(WordTable.of(texts), largest)
        assert_shares_are(found, texts, repeated_share, largest)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_limits_of_other_sizes_change_nothing(n):
    # All but one word lie in the n-gram.
    words = [*map(str, range(1, n + 1))]
    table = WordTable.of([" ".join([*words, "x", *words])])
    largest = {**dict.fromkeys((2, 3, 4), 1.0), n: 0.75}
    assert [size for size, found in top_shares_above(table, largest).items() if found] == [n]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 300).map(str), max_size=300).map(" ".join), max_size=3))
def test_ngrams_that_share_slots_are_not_taken_for_each_other(texts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngram_repeats, "_SLOTS_PER_WORD", 1)
        words = WordTable.of(texts)
        largest = {2: 0.02, 3: 0.01}
        assert_shares_are(top_shares_above(words, largest), texts, top_share, largest)
        assert_shares_are(repeated_shares_above(words, largest), texts, repeated_share, largest)


def test_shares_of_real_documents_are_those_of_the_definition(shared_data):
    texts = []
    for path in sorted((shared_data / "corpus").glob("*.txt")):
        texts += path.read_text(encoding="utf-8").split("\n\n")[:15]
    texts = [text for text in texts if len(text) < 5_000]
    words = WordTable.of(texts)
    # Low ones, lest next to none are above.
    top = {2: 0.03, 3: 0.02, 4: 0.02}
    assert_shares_are(top_shares_above(words, top), texts, top_share, top)
    repeated = {5: 0.01, 6: 0.01, 10: 0.005}
    assert_shares_are(repeated_shares_above(words, repeated), texts, repeated_share, repeated)
