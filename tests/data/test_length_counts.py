"""Lengths counted and rows planned from the counts, against the documents one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpnet_tf.data.length_counts import LengthCounts, doubling_edges
from mpnet_tf.data.row_plan import RowPlanner

LENGTHS = st.lists(st.integers(1, 70), min_size=1, max_size=60)


@given(LENGTHS, LENGTHS, st.sampled_from([0, 0.5, 0.9, 0.99, 1]))
def test_figures_are_those_of_the_single_documents(first, second, share):
    counts = LengthCounts.of(first).plus(LengthCounts.of(second))
    lengths = sorted(first + second)
    assert dict(zip(counts.lengths.tolist(), counts.counts.tolist(), strict=True)) == {
        length: lengths.count(length) for length in lengths
    }
    assert (counts.num_documents, counts.num_tokens) == (len(lengths), sum(lengths))
    assert counts.quantile(share) == np.quantile(lengths, share, method="inverted_cdf")


@given(LENGTHS, st.integers(1, 4))
def test_histogram_holds_every_document_once(lengths, bins_per_doubling):
    edges = doubling_edges(min(lengths), max(lengths), bins_per_doubling=bins_per_doubling)
    found = LengthCounts.of(lengths).histogram(edges).tolist()
    expected = [0] * (len(edges) - 1)
    for length in lengths:
        for place in range(len(edges) - 1):
            if edges[place] <= length < edges[place + 1]:
                expected[place] += 1
    assert found == expected and sum(found) == len(lengths)
    assert found[0] and found[-1]
    assert (np.diff(edges) > 0).all()


@pytest.mark.parametrize(
    ("shortest", "longest", "edges"),
    [
        (1, 1, [1, 2]),
        (1, 9, [1, 2, 4, 8, 16]),
        (5, 16, [4, 8, 16, 32]),
        (1024, 2047, [1024, 2048]),
    ],
)
def test_bins_double(shortest, longest, edges):
    assert doubling_edges(shortest, longest).tolist() == edges


@given(LENGTHS, st.integers(3, 40))
def test_packed_rows_are_those_of_pretraining(lengths, row_length):
    planner = RowPlanner(lengths, row_length, seed=0)
    use = LengthCounts.of(lengths).rows_packed(row_length)
    assert use.num_rows == planner.num_rows
    assert use.padding_share == pytest.approx(planner.padding_share, abs=1e-12)
    assert use.cut_share == 0


@given(LENGTHS, st.integers(3, 40))
def test_rows_of_a_document_each(lengths, row_length):
    padding = kept = 0
    for length in lengths:
        shown = min(length, row_length - 2)
        kept += shown
        padding += row_length - shown - 2
    use = LengthCounts.of(lengths).rows_alone(row_length)
    assert use.num_rows == len(lengths)
    assert use.padding_share == pytest.approx(padding / (len(lengths) * row_length), abs=1e-12)
    assert use.cut_share == pytest.approx(1 - kept / sum(lengths), abs=1e-12)


def test_what_cannot_be_told_is_refused():
    none, some = LengthCounts.of([]), LengthCounts.of([4, 2])
    assert (none.num_documents, none.num_tokens) == (0, 0)
    for use in (LengthCounts.rows_alone, LengthCounts.rows_packed):
        with pytest.raises(ValueError, match="There is no document to make rows of"):
            use(none, 8)
        with pytest.raises(ValueError, match=r"`row_length` must leave .* row_length=2"):
            use(some, 2)
    with pytest.raises(ValueError, match="There is no document to tell the lengths of"):
        none.quantile(0.5)
