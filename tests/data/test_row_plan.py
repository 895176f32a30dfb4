"""Plans of epochs: every token of every document once, in few rows, drawn anew each epoch."""

import collections
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpnet_tf.data.row_plan import RowPlanner
from mpnet_tf.objectives import OBJECTIVES, make_objective
from tests.rows import token_roles

LENGTHS = [5, 1, 40, 0, 9, 14, 27, 3, 3, 8, 1, 61, 12, 2]


def at_least_nine(lengths):
    """As an objective does that gives short documents more room than their tokens need."""
    return np.maximum(lengths + 2, 9)


def pieces_by_row(plan):
    """The plan as plain lists: of each row its `(document, start, length)`."""
    pieces = list(
        zip(plan.documents.tolist(), plan.starts.tolist(), plan.lengths.tolist(), strict=True)
    )
    ends = plan.row_starts.tolist()
    assert ends[0] == 0 and ends[-1] == len(pieces)
    return [pieces[start:end] for start, end in itertools.pairwise(ends)]


@settings(max_examples=150, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 70), min_size=1, max_size=40).filter(any),
    sequence_length=st.integers(3, 30),
    seed=st.integers(0, 2**31 - 1),
    epoch=st.integers(0, 5),
)
def test_every_token_stands_once_in_an_epoch(lengths, sequence_length, seed, epoch):
    planner = RowPlanner(lengths, sequence_length, seed)
    rows = pieces_by_row(planner.plan(epoch))
    assert len(rows) == planner.num_rows
    tokens = collections.Counter()
    for row in rows:
        assert 0 < sum(length + 2 for _, _, length in row) <= sequence_length
        for document, start, length in row:
            assert length > 0
            tokens.update((document, place) for place in range(start, start + length))
    assert tokens == collections.Counter(
        (document, place) for document, length in enumerate(lengths) for place in range(length)
    )
    used = sum(length + 2 for row in rows for _, _, length in row)
    assert planner.padding_share == pytest.approx(1 - used / (len(rows) * sequence_length))


@settings(max_examples=100, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 70), min_size=1, max_size=40).filter(any),
    sequence_length=st.integers(9, 30),
    epoch=st.integers(0, 5),
)
def test_rows_keep_the_places_that_the_objective_needs(lengths, sequence_length, epoch):
    planner = RowPlanner(lengths, sequence_length, seed=1, places_needed=at_least_nine)
    rows = pieces_by_row(planner.plan(epoch))
    assert len(rows) == planner.num_rows
    for row in rows:
        assert sum(max(length + 2, 9) for _, _, length in row) <= sequence_length
    pieces = sorted(piece for row in rows for piece in row)
    plain = pieces_by_row(RowPlanner(lengths, sequence_length, seed=1).plan(epoch))
    assert pieces == sorted(piece for row in plain for piece in row)
    # The share counts tokens, not the places that were kept free for predictions.
    used = sum(length + 2 for _, _, length in pieces)
    assert planner.padding_share == pytest.approx(1 - used / (len(rows) * sequence_length))


def test_long_documents_are_cut_into_full_pieces_and_a_rest():
    # Rows of 12 hold 10 tokens between `<s>` and `</s>`.
    rows = pieces_by_row(RowPlanner([25, 10, 20], 12, seed=0).plan(0))
    assert sorted(piece for row in rows for piece in row) == [
        (0, 0, 10),
        (0, 10, 10),
        (0, 20, 5),
        (1, 0, 10),
        (2, 0, 10),
        (2, 10, 10),
    ]


def test_same_seed_and_epoch_give_the_same_plan():
    first, second = (pieces_by_row(RowPlanner(LENGTHS, 32, seed=5).plan(3)) for _ in range(2))
    assert first == second


def test_a_plan_does_not_depend_on_those_made_before():
    planner = RowPlanner(LENGTHS, 32, seed=5)
    planner.plan(0)
    planner.plan(7)
    assert pieces_by_row(planner.plan(3)) == pieces_by_row(RowPlanner(LENGTHS, 32, 5).plan(3))


def test_seeds_and_epochs_give_other_plans_of_equal_size():
    lengths = np.random.default_rng(2).integers(1, 40, 200)
    plans = [
        pieces_by_row(RowPlanner(lengths, 64, seed).plan(epoch))
        for seed, epoch in [(0, 0), (0, 1), (1, 0), (1, 1)]
    ]
    assert len({len(plan) for plan in plans}) == 1
    assert len({str(plan) for plan in plans}) == len(plans)
    # Not only the order of the rows: other documents meet.
    neighbours = [{frozenset(row) for row in plan} for plan in plans]
    assert len(neighbours[0] & neighbours[1]) < len(plans[0]) / 4


def test_documents_of_a_size_meet_every_row_of_it_alike():
    """Each of eight equal documents comes first in each of four rows equally often."""
    planner = RowPlanner([3] * 8, 10, seed=9)
    num_epochs = 4000
    counts = np.zeros((8, 4))
    for epoch in range(num_epochs):
        plan = planner.plan(epoch)
        counts[plan.documents[plan.row_starts[:-1]], range(4)] += 1
    # Expected 500 each, standard deviation 21: five of them.
    assert np.abs(counts - num_epochs / 8).max() < 105


def test_padding_is_small_on_real_text(shared_data):
    """Paragraphs of the shared corpus, counted in words of white space, in rows of 512.

    Objectives may ask for more room than the tokens of short documents take.
    """
    texts = [path.read_text("utf-8") for path in sorted((shared_data / "corpus").glob("*.txt"))]
    lengths = [len(document.split()) for text in texts for document in text.split("\n\n")]
    for name in OBJECTIVES:
        objective = make_objective(name, token_roles(with_blanks=True), 512)
        planner = RowPlanner(lengths, 512, seed=0, places_needed=objective.places_needed)
        assert planner.num_rows > 1000
        assert 0 <= planner.padding_share < 0.03, name


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"between `<s>` and `</s>`. Received: sequence_length=2"):
        RowPlanner(LENGTHS, 2, seed=0)
    for lengths in ([], [0, 0]):
        with pytest.raises(ValueError, match=r"There is no text .* the documents hold no token"):
            RowPlanner(lengths, 16, seed=0)
    with pytest.raises(ValueError, match=r"larger than a row of 8. Received: size=9"):
        RowPlanner([3], 8, seed=0, places_needed=at_least_nine)
