"""The example of MPNet's paper (arXiv 2004.09297, figure 1), worked by hand.

Six tokens are permuted to x1 x3 x5 | x4 x6 x2: the last three are predicted, in this order. The
input is x1 x3 x5, three masks at the places 4, 6 and 2, and x4 x6 x2.
"""

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.objectives import MaskedPermuted
from mpnet_tf.objectives.visibility import visible_slots
from tests.rows import token_roles

ROLES = token_roles()
MASK = ROLES.mask_token_id
TOKENS = {place: 10 + place for place in range(1, 7)}
ORDER = (4, 6, 2)

# Slots 0 to 5 are x1 .. x6, 6 to 8 the masks M4 M6 M2, 9 to 11 the queries Q4 Q6 Q2.
X1, X2, X3, X4, X5, X6, M4, M6, M2 = range(9)
PLAIN_AND_MASKS = {X1, X3, X5, M4, M6, M2}
SEEN_BY = {
    # Non-predicted tokens and masks see each other and nothing real of the predicted part.
    X1: PLAIN_AND_MASKS,
    X3: PLAIN_AND_MASKS,
    X5: PLAIN_AND_MASKS,
    M4: PLAIN_AND_MASKS,
    M6: PLAIN_AND_MASKS,
    M2: PLAIN_AND_MASKS,
    # Content stream of a predicted token: the real ones up to itself, the masks after it.
    X4: {X1, X3, X5, X4, M6, M2},
    X6: {X1, X3, X5, X4, X6, M2},
    X2: {X1, X3, X5, X4, X6, X2},
    # Query stream: the real ones before it, the masks from its own on.
    9: {X1, X3, X5, M4, M6, M2},
    10: {X1, X3, X5, X4, M6, M2},
    11: {X1, X3, X5, X4, X6, M2},
}


@pytest.fixture(scope="module")
def example():
    """The figure's slots: with this order of prediction, everything masked, no specials."""
    rows = {
        "token_ids": tf.constant([[TOKENS[place] for place in range(1, 7)]]),
        "position_ids": tf.constant([[0, 1, 2, 3, 4, 5]]),
        "segment_ids": tf.constant([[1, 1, 1, 1, 1, 1]]),
    }
    objective = MaskedPermuted(
        ROLES, 6, prediction_rate=0.5, num_predictions=3, mask_rate=1.0, random_rate=0.0
    )
    # The order is random: one of the 120 selections and orders of three tokens is the figure's.
    call = tf.function(objective)
    for number in range(2000):
        slots, target_ids, target_weights = call(rows, tf.constant([7, number]))
        if target_ids.numpy()[0].tolist() == [TOKENS[place] for place in ORDER]:
            return {name: value.numpy()[0] for name, value in slots.items()}, target_weights
    raise AssertionError("No seed gave the figure's order.")


def test_tokens_and_positions(example):
    slots, target_weights = example
    assert slots["token_ids"].tolist() == [11, 12, 13, 14, 15, 16] + 6 * [MASK]
    assert slots["position_ids"].tolist() == [0, 1, 2, 3, 4, 5] + 2 * [3, 5, 1]
    assert slots["prediction_slots"].tolist() == [9, 10, 11]
    assert target_weights.numpy().tolist() == [[1, 1, 1]]


def test_who_sees_whom(example):
    slots, _ = example
    seen = visible_slots({name: value[np.newaxis] for name, value in slots.items()})
    seen = np.asarray(seen)[0]
    for slot, keys in SEEN_BY.items():
        assert set(np.flatnonzero(seen[slot]).tolist()) == keys, f"slot {slot}"


def test_every_step_sees_all_positions(example):
    """Position compensation (section 2.2): each query sees six tokens at the six places."""
    slots, _ = example
    seen = np.asarray(visible_slots({name: value[np.newaxis] for name, value in slots.items()}))[0]
    for slot in (9, 10, 11):
        places = slots["position_ids"][:9][seen[slot]]
        assert sorted(places.tolist()) == [0, 1, 2, 3, 4, 5]
