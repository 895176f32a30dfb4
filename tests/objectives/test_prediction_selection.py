"""Selecting whole units against a loop over them, written from the rule."""

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.objectives.prediction_count import num_predicted
from mpnet_tf.objectives.prediction_selection import (
    list_places,
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


def random_numbers(generator, shape):
    return generator.integers(-(2**31), 2**31, shape).astype(np.int32)


def select_one_by_one(segment_ids, candidates, starts, *, numbers, budgets):
    """Takes each document's units in the order of their numbers, each if it still fits."""
    units = [[] for _ in segment_ids]
    for row, place in zip(*np.nonzero(candidates), strict=True):
        if starts[row, place]:
            units[row].append([])
        units[row][-1].append(place)
    selected = np.zeros_like(candidates)
    num_cut = 0
    for row, row_units in enumerate(units):
        for document in range(1, segment_ids[row].max() + 1):
            own = [u for u, unit in enumerate(row_units) if segment_ids[row, unit[0]] == document]
            own.sort(key=lambda unit: numbers[row, unit])
            budget = left = budgets[sum(len(row_units[unit]) for unit in own)]
            for unit in own:
                if len(row_units[unit]) <= left:
                    selected[row, row_units[unit]] = True
                    left -= len(row_units[unit])
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
    for _ in range(12):
        segment_ids, candidates, starts = random_rows(generator, share_of_continuations)
        numbers = random_numbers(generator, segment_ids.shape)
        expected, num_cut = select_one_by_one(
            segment_ids, candidates, starts, numbers=numbers, budgets=budgets
        )
        total_cut += num_cut
        selected = select_predicted(
            tf.constant(segment_ids),
            tf.constant(numbers),
            candidates=tf.constant(candidates),
            starts=tf.constant(starts),
            num_predicted=budgets,
        )
        np.testing.assert_array_equal(selected, np.flatnonzero(expected))
    # Long units in documents with a small share have to be cut.
    assert total_cut > 0 or share_of_continuations < 0.8


@pytest.mark.parametrize("batch_size", [0, 2])
def test_rows_without_text_have_nothing_to_select(batch_size):
    nothing = tf.zeros([batch_size, LENGTH], tf.bool)
    selected = select_predicted(
        tf.zeros([batch_size, LENGTH], tf.int32),
        tf.ones([batch_size, LENGTH], tf.int32),
        candidates=nothing,
        starts=nothing,
        num_predicted=num_predicted(np.arange(LENGTH + 1), 0.15),
    )
    assert selected.shape == (0,)
    places, valid = list_places(selected, batch_size, LENGTH, 5)
    assert places.shape == valid.shape == (batch_size, 5) and not valid.numpy().any()


def test_places_are_listed_row_by_row():
    predicted = tf.constant([1, 2, 8, 9, 10, 11])
    places, valid = list_places(predicted, 3, 4, 4)
    assert valid.numpy().tolist() == [[True, True, False, False], 4 * [False], 4 * [True]]
    assert places.numpy()[valid.numpy()].tolist() == [1, 2, 0, 1, 2, 3]
    with pytest.raises(tf.errors.InvalidArgumentError, match="more tokens than"):
        list_places(predicted, 3, 4, 3)
