"""Permuted language modelling: the order of prediction, and what each query sees."""

import collections
import itertools

import numpy as np
import tensorflow as tf

from mpnet_tf.objectives import Permuted
from mpnet_tf.objectives.visibility import visible_slots
from tests.rows import pack_rows, random_documents, token_roles

ROLES = token_roles()


def test_a_query_sees_what_is_not_predicted_and_what_was_before():
    """By the definition, on packed documents, through any number of layers."""
    sequence_length = 80
    generator = np.random.default_rng(2)
    rows = pack_rows(
        [random_documents(generator, sequence_length, roles=ROLES) for _ in range(6)],
        sequence_length,
    )
    objective = Permuted(ROLES, sequence_length, mask_rate=1.0, random_rate=0.0)
    slots, target_ids, target_weights = objective(rows, tf.constant([3, 4]))
    visible = np.asarray(visible_slots(slots))
    for row in range(6):
        real = target_weights.numpy()[row] > 0
        queries = slots["prediction_slots"].numpy()[row][real]
        segments, positions = (slots[name].numpy()[row] for name in ("segment_ids", "position_ids"))
        assert (slots["token_ids"].numpy()[row, queries] == ROLES.mask_token_id).all()
        for number, query in enumerate(queries):
            own = np.flatnonzero(segments[:sequence_length] == segments[query])
            of_document = [other for other in queries if segments[other] == segments[query]]
            order = [int(own[positions[other]]) for other in of_document]
            k = of_document.index(query)
            assert rows["token_ids"][row, order[k]] == target_ids.numpy()[row][real][number]
            expected = sorted(set(own.tolist()) - set(order[k:]))
            assert np.flatnonzero(visible[row, query]).tolist() == expected
            # What it sees through others is the same: no token still to come leaks in.
            reached = visible[row, query]
            for _ in range(len(own)):
                reached = reached | (reached @ visible[row, :sequence_length])
            assert np.flatnonzero(reached).tolist() == expected


def orders(permutation):
    """Counts the orders in which three predicted tokens of three come."""
    objective = Permuted(ROLES, 5, prediction_rate=0.99, num_predictions=3, permutation=permutation)
    rows = pack_rows([[[10, 11, 12]]] * 500, 5)
    call = tf.function(objective)
    counts = collections.Counter()
    for number in range(12):
        _, target_ids, _ = call(rows, tf.constant([2, number]))
        counts.update(map(tuple, target_ids.numpy().tolist()))
    return counts


def test_permutations_are_uniform():
    counts = orders(permutation=True)
    assert counts.keys() == set(itertools.permutations((10, 11, 12)))
    # Chi-square over 6 orders, 6,000 draws: 20.5 is passed once in a thousand.
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 20.5


def test_without_permutation_the_order_is_that_of_the_text():
    assert orders(permutation=False) == {(10, 11, 12): 6000}
