"""Repeated lines, beside a loop over lines in order of their documents."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.deduplication.lines import (
    LineSettings,
    line_digests,
    remove_lines,
    repeated_lines,
)

SETTINGS = LineSettings(min_characters=3)
# Lines that are equal once whitespace is normalised, some too short then.
LINES = ["abc", " abc", "ab c", "ab  c", "ab\tc\r", "ab\u3000c", "ab", "a b", "a  ", "", "çé中"]
DOCUMENTS = st.lists(st.lists(st.sampled_from(LINES), max_size=6).map("\n".join), max_size=6)


def cleaned_by_loop(texts, min_characters):
    """Returns each document without the lines that stood before, the documents in order."""
    seen, cleaned = set(), []
    for text in texts:
        kept = []
        for line in text.split("\n"):
            normalised = " ".join(line.split())
            if len(normalised) < min_characters or normalised not in seen:
                kept.append(line)
            seen.add(normalised)
        cleaned.append("\n".join(kept))
    return cleaned


def clean(texts, orders, *, shuffle=None):
    """Removes repeated lines; `shuffle` permutes the lines' records before the decision."""
    digests, documents, numbers = line_digests(texts, SETTINGS)
    shuffle = np.arange(len(digests)) if shuffle is None else shuffle(len(digests))
    digests, documents, numbers = digests[shuffle], documents[shuffle], numbers[shuffle]
    is_repeated = repeated_lines(digests, orders[documents], numbers)
    return [
        remove_lines(text, numbers[is_repeated & (documents == document)])
        for document, text in enumerate(texts)
    ]


@given(DOCUMENTS, st.integers(0, 2**32 - 1))
def test_only_first_of_equal_lines_stays_in_any_order_of_the_records(texts, seed):
    orders = np.arange(len(texts), dtype=np.uint64) << np.uint64(40)
    expected = cleaned_by_loop(texts, 3)
    assert clean(texts, orders) == expected
    assert clean(texts, orders, shuffle=np.random.default_rng(seed).permutation) == expected


@given(DOCUMENTS)
def test_lowest_order_keeps_the_line_wherever_it_is_read(texts):
    orders = np.arange(len(texts), 0, -1).astype(np.uint64)
    assert clean(texts, orders)[::-1] == cleaned_by_loop(texts[::-1], 3)


@given(DOCUMENTS)
def test_digests_do_not_depend_on_what_else_is_read(texts):
    together = line_digests(texts, SETTINGS)
    for document, text in enumerate(texts):
        digests, documents, numbers = line_digests([text], SETTINGS)
        chosen = together[1] == document
        np.testing.assert_array_equal(digests, together[0][chosen])
        np.testing.assert_array_equal(numbers, together[2][chosen])
        assert not documents.any()


def test_no_documents_have_no_lines():
    digests, documents, numbers = line_digests([], SETTINGS)
    assert (digests.dtype, documents.dtype, numbers.dtype) == (np.uint64, np.int64, np.int64)
    assert repeated_lines(digests, documents.astype(np.uint64), numbers).tolist() == []


def test_length_is_counted_in_characters_without_needless_whitespace():
    settings = LineSettings(min_characters=5)
    # Both are "中 文 b" of 5 characters; "a" with blanks is long only as it stands.
    _, documents, numbers = line_digests(["中 文 b\n   a   \n中  文\u3000b", "中文"], settings)
    assert list(zip(documents.tolist(), numbers.tolist(), strict=True)) == [(0, 0), (0, 2)]


def test_removing_leaves_the_other_lines_as_they_are():
    assert remove_lines(" a\r\n\nb\n c ", np.array([2])) == " a\r\n\n c "
    assert remove_lines("a", [0]) == ""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_characters": 0}, r"`min_characters` must be at least 1\. Received: .*=0"),
        (
            {"min_remaining_characters": -1},
            r"`min_remaining_characters` must be at least 0\. Received: .*=-1",
        ),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LineSettings(**settings)
