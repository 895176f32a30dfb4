"""Selecting whole units against a loop over them, written from the rule."""

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.objectives.prediction_count import num_predicted
from mpnet_tf.objectives.prediction_selection import (
    list_places,
    random_order_keys,
    select_predicted,
)

LENGTH = 40


def random_rows(generator, share_of_continuations):
    """Documents, what may be predicted in them, and where units begin."""
    batch_size = int(generator.integers(1, 6))
    segment_ids = np.zeros((batch_size, LENGTH), np.int32)
    for row in segment_ids:
        place, document = 0, 0
        while place < LENGTH - 3 and generator.random() < 0.93:
            size = int(generator.integers(1, min(25, LENGTH - place) + 1))
            document += 1
            row[place : place + size] = document
            place += size
    candidates = (segment_ids > 0) & (generator.random(segment_ids.shape) < 0.9)
    joined = np.zeros_like(candidates)
    joined[:, 1:] = candidates[:, :-1] & (segment_ids[:, 1:] == segment_ids[:, :-1])
    joined &= generator.random(segment_ids.shape) < share_of_continuations
    return segment_ids, candidates, candidates & ~joined


def select_one_by_one(segment_ids, candidates, starts, *, seed, budgets):
    """Takes each document's units in the order of their keys, each if it still fits."""
    units = [[] for _ in segment_ids]
    for row, place in zip(*np.nonzero(candidates), strict=True):
        if starts[row, place]:
            units[row].append([])
        units[row][-1].append(place)
    # Keys belong to the numbers of units, of which a row has as many as tokens.
    unit_segments = np.full(segment_ids.shape, segment_ids.max() + 1, np.int32)
    for row, row_units in enumerate(units):
        for number, unit in enumerate(row_units):
            unit_segments[row, number] = segment_ids[row, unit[0]]
    keys = random_order_keys(tf.constant(unit_segments), tf.constant(seed)).numpy()

    selected = np.zeros_like(candidates)
    num_cut = 0
    for row, row_units in enumerate(units):
        for document in range(1, segment_ids[row].max() + 1):
            own = [u for u in range(len(row_units)) if unit_segments[row, u] == document]
            own.sort(key=lambda number: keys[row, number])
            budget = left = budgets[sum(len(row_units[number]) for number in own)]
            for number in own:
                if len(row_units[number]) <= left:
                    selected[row, row_units[number]] = True
                    left -= len(row_units[number])
            if own and left == budget:
                selected[row, row_units[own[0]][:budget]] = True
                num_cut += 1
    return selected, num_cut


@pytest.mark.parametrize("prediction_rate", [0.15, 0.3, 0.6])
@pytest.mark.parametrize("share_of_continuations", [0, 0.3, 0.8, 0.95])
def test_units_are_taken_in_random_order_if_they_fit(prediction_rate, share_of_continuations):
    generator = np.random.default_rng(1)
    budgets = num_predicted(np.arange(LENGTH + 1), prediction_rate)
    total_cut = 0
    for number in range(12):
        segment_ids, candidates, starts = random_rows(generator, share_of_continuations)
        expected, num_cut = select_one_by_one(
            segment_ids, candidates, starts, seed=[number, 7], budgets=budgets
        )
        total_cut += num_cut
        selected = select_predicted(
            tf.constant(segment_ids),
            tf.constant([number, 7]),
            candidates=tf.constant(candidates),
            starts=tf.constant(starts),
            num_predicted=budgets,
        )
        np.testing.assert_array_equal(selected, expected)
    # Long units in documents with a small share have to be cut.
    assert total_cut > 0 or share_of_continuations < 0.8


@pytest.mark.parametrize("batch_size", [0, 2])
def test_rows_without_text_have_nothing_to_select(batch_size):
    nothing = tf.zeros([batch_size, LENGTH], tf.bool)
    selected = select_predicted(
        tf.zeros([batch_size, LENGTH], tf.int32),
        tf.constant([1, 2]),
        candidates=nothing,
        starts=nothing,
        num_predicted=num_predicted(np.arange(LENGTH + 1), 0.15),
    )
    assert selected.shape == (batch_size, LENGTH) and not selected.numpy().any()
    places, valid = list_places(selected, 5)
    assert places.shape == valid.shape == (batch_size, 5) and not valid.numpy().any()


def test_places_are_listed_in_the_order_of_the_text():
    predicted = tf.constant([[0, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]]) > 0
    places, valid = list_places(predicted, 4)
    assert valid.numpy().tolist() == [[True, True, False, False], 4 * [False], 4 * [True]]
    assert places.numpy()[valid.numpy()].tolist() == [1, 2, 0, 1, 2, 3]
    with pytest.raises(tf.errors.InvalidArgumentError, match="more tokens than"):
        list_places(predicted, 3)
