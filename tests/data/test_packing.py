"""Packing sizes into rows equals best fit decreasing, done piece by piece."""

import collections

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mpnet_tf.data.packing import pack_sizes


def count_sizes(sizes, row_size):
    return np.bincount(np.array(sizes, np.int64), minlength=row_size + 1)


def best_fit_decreasing(sizes, row_size):
    """The textbook algorithm: each piece, largest first, into the fullest row that has room."""
    rows = []
    for size in sorted(sizes, reverse=True):
        fitting = [row for row in rows if sum(row) + size <= row_size]
        if not fitting:
            fitting = [[]]
            rows += fitting
        max(fitting, key=sum).append(size)
    return rows


@st.composite
def problems(draw):
    """A row size and pieces for it; often many pieces of few sizes, as real lengths are."""
    row_size = draw(st.integers(1, 40))
    some_sizes = draw(st.lists(st.integers(1, row_size), min_size=1, max_size=8))
    sizes = draw(st.lists(st.sampled_from(some_sizes), max_size=60))
    return row_size, sizes


@settings(max_examples=300, deadline=None)
@given(problem=problems())
# Pieces that fill one begun row, where spread over two they leave no room for the next.
@example(problem=(21, [11, 11, 5, 5, 3, 3, 3]))
def test_rows_equal_those_packed_piece_by_piece(problem):
    row_size, sizes = problem
    groups = pack_sizes(count_sizes(sizes, row_size), row_size)
    rows = [row for row, number in groups for _ in range(number)]
    assert all(number > 0 for _, number in groups)
    assert all(0 < sum(row) <= row_size for row in rows)
    placed = collections.Counter(size for row in rows for size in row)
    assert placed == collections.Counter(sizes)
    expected = best_fit_decreasing(sizes, row_size)
    assert sorted(map(sum, rows)) == sorted(map(sum, expected))


def test_a_worked_example():
    # The threes go beside the 7 and the 6, fullest row first; the 2 finds only the 5 with room.
    groups = pack_sizes(count_sizes([7, 6, 5, 3, 3, 2, 10], 10), 10)
    assert sorted(groups) == [((5, 2), 1), ((6, 3), 1), ((7, 3), 1), ((10,), 1)]


def test_alike_pieces_are_packed_as_groups():
    """A million pieces of three sizes: only the number of different rows may cost time."""
    size_counts = np.zeros(101, np.int64)
    size_counts[[60, 40, 33]] = [300_000, 400_000, 300_001]
    groups = pack_sizes(size_counts, 100)
    assert sorted(groups) == sorted(
        # 60 + 40; what is left of 40 in twos; 33 in threes, the last two alone.
        [((60, 40), 300_000), ((40, 40), 50_000), ((33, 33, 33), 100_000), ((33,), 1)]
    )


def test_no_pieces_make_no_rows():
    assert pack_sizes(np.zeros(9, np.int64), 8) == []


def test_sizes_that_no_row_holds_are_refused():
    with pytest.raises(ValueError, match=r"not be larger than a row of 8. Received: size=11"):
        pack_sizes(count_sizes([3, 9, 11], 8), 8)
    with pytest.raises(ValueError, match=r"must not be empty. Received: 2 empty pieces"):
        pack_sizes(count_sizes([0, 3, 0], 8), 8)
