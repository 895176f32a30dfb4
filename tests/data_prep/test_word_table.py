"""The words of documents as numbers, beside a loop over characters written from the definition."""

import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep import word_table
from data_prep.word_table import WordTable
from tests.data_prep.word_loop import is_word_by_itself, words_of

# Letters with and without case, marks, digits, scripts without spaces, blanks, an emoji.
ALPHABET = "aBé1 \n\t-_.'ßİǅاًकि中文あァกิຂ်က\u0301\U0001f600\U00020000"
TEXTS = st.lists(st.text(ALPHABET, max_size=30) | st.text(max_size=10), max_size=6)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_words_are_those_of_the_definition(texts):
    table = WordTable.of(texts)
    words = [words_of(text) for text in texts]
    np.testing.assert_array_equal(np.diff(table.document_starts), [len(found) for found in words])
    flat = [word for found in words for word in found]
    np.testing.assert_array_equal(table.lengths, [len(word) for word in flat])
    hashes = dict(zip(flat, table.hashes.tolist(), strict=True))
    # The same word has the same hash everywhere, and no two have one.
    np.testing.assert_array_equal(table.hashes, [hashes[word] for word in flat])
    assert len(set(hashes.values())) == len(hashes)


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.integers(1, 5))
def test_ngrams_are_the_stretches_within_documents(texts, n):
    table = WordTable.of(texts)
    hashes, document_index, firsts = table.ngram_hashes(n)
    expected = [
        (document, start + place, tuple(table.hashes[start + place : start + place + n]))
        for document, (start, end) in enumerate(
            zip(table.document_starts[:-1], table.document_starts[1:], strict=True)
        )
        for place in range(end - start - n + 1)
    ]
    np.testing.assert_array_equal(document_index, [document for document, _, _ in expected])
    np.testing.assert_array_equal(firsts, [first for _, first, _ in expected])
    known = dict(zip((words for _, _, words in expected), hashes.tolist(), strict=True))
    np.testing.assert_array_equal(hashes, [known[words] for _, _, words in expected])
    assert len(set(known.values())) == len(known)


def test_hashes_never_depend_on_what_stands_around(monkeypatch):
    texts = ["The cat sat. " * 5, "", "中文 cat", "a" * 3000 + " sat", "cat\u0301 THE"]
    together = WordTable.of(texts)
    monkeypatch.setattr(word_table, "_CHARACTERS_PER_GROUP", 10)
    monkeypatch.setattr(word_table, "_CACHED_POWERS", 16)
    apart = [WordTable.of([text]) for text in texts]
    regrouped = WordTable.of(texts)
    for name in ("hashes", "lengths"):
        expected = np.concatenate([getattr(table, name) for table in apart])
        np.testing.assert_array_equal(getattr(together, name), expected)
        np.testing.assert_array_equal(getattr(regrouped, name), expected)
    np.testing.assert_array_equal(regrouped.document_starts, together.document_starts)


def test_hashes_are_the_same_in_every_process():
    # Fingerprints of machines that never meet are compared.
    assert WordTable.of(["The cat"]).hashes.tolist() == [16439939376756863424, 14922452163725646723]


def test_characters_are_words_in_scripts_without_spaces_alone():
    letters = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code))[0] in "LN"
    ]
    num_words = np.diff(WordTable.of([letter * 2 for letter in letters]).document_starts)
    np.testing.assert_array_equal(num_words == 2, [*map(is_word_by_itself, letters)])


@settings(max_examples=50, deadline=None)
@given(TEXTS)
def test_characters_are_counted(texts):
    table = WordTable.of(texts)
    np.testing.assert_array_equal(
        table.num_characters, [sum(map(len, words_of(text))) for text in texts]
    )
    assert [*np.diff(table.characters_before)] == [*table.lengths]


def test_order_of_words_matters():
    hashes, _, _ = WordTable.of(["one two", "two one"]).ngram_hashes(2)
    assert hashes[0] != hashes[1]


def test_selection_is_the_table_of_the_chosen():
    texts = ["one two", "", "three", "four five six"]
    chosen = WordTable.of(texts).select([1, 3])
    expected = WordTable.of([texts[1], texts[3]])
    for name in ("hashes", "lengths", "document_starts"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(expected, name))


def test_ngrams_of_no_words_are_refused():
    with pytest.raises(ValueError, match=r"`n` must be at least 1\. Received: n=0"):
        WordTable.of(["a"]).ngram_hashes(0)
