"""The example of GLM's paper (arXiv 2103.10360, figure 2), worked by hand.

Of x1 .. x6 the spans [x3] and [x5, x6] are left out. Part A is x1 x2 [M] x4 [M]; part B holds the
spans in the order [x5, x6], [x3].
"""

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.objectives.blank_infilling import BlankInfilling
from mpnet_tf.objectives.visibility import visible_slots
from tests.objectives.blanks import call
from tests.rows import PAD, SPAN_END, SPAN_START, token_roles

ROLES = token_roles(with_blanks=True)
MASK = ROLES.mask_token_id
X1, X2, X3, X4, X5, X6 = range(21, 27)
BATCH_SIZE = 256

# Slots 0 to 4 are part A, 5 to 9 part B; the figure's rows from top to bottom.
INPUTS = [X1, X2, MASK, X4, MASK, SPAN_START, X5, X6, SPAN_START, X3]
TARGETS = [X5, X6, SPAN_END, X3, SPAN_END]
# The figure counts positions from 1.
POSITIONS = [1, 2, 3, 4, 5, 5, 5, 5, 3, 3]
BLOCK_POSITIONS = [0, 0, 0, 0, 0, 1, 2, 3, 1, 2]
# Figure 2 (d): part A sees itself, part B sees part A and what stands before it.
SEEN_BY = {slot: {0, 1, 2, 3, 4} for slot in range(5)} | {
    5: {0, 1, 2, 3, 4, 5},
    6: {0, 1, 2, 3, 4, 5, 6},
    7: {0, 1, 2, 3, 4, 5, 6, 7},
    8: {0, 1, 2, 3, 4, 5, 6, 7, 8},
    9: {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
}


@pytest.fixture(scope="module")
def example():
    """The figure's slots, looked for among many draws of a text without `<s>` and `</s>`."""
    rows = {
        "token_ids": np.tile([X1, X2, X3, X4, X5, X6], (BATCH_SIZE, 1)),
        "position_ids": np.tile(np.arange(6), (BATCH_SIZE, 1)),
        "segment_ids": np.ones((BATCH_SIZE, 6), int),
    }
    rows = {name: value.astype(np.int32) for name, value in rows.items()}
    objective = tf.function(
        BlankInfilling(ROLES, 6, prediction_rate=0.5, mean_span_length=1.5, num_predictions=6)
    )
    for number in range(50):
        slots, target_ids, target_weights = call(objective, rows, [7, number])
        for row in range(BATCH_SIZE):
            if target_ids[row].tolist() == [*TARGETS, PAD]:
                slots = {name: value[row] for name, value in slots.items()}
                return slots, target_weights[row]
    raise AssertionError("No seed gave the figure's spans in the figure's order.")


def test_tokens_and_both_positions(example):
    slots, target_weights = example
    assert slots["token_ids"][:10].tolist() == INPUTS
    assert (slots["position_ids"][:10] + 1).tolist() == POSITIONS
    assert slots["block_position_ids"][:10].tolist() == BLOCK_POSITIONS
    assert slots["prediction_slots"][:5].tolist() == [5, 6, 7, 8, 9]
    assert target_weights.tolist() == [1, 1, 1, 1, 1, 0]


def test_who_sees_whom(example):
    slots, _ = example
    seen = visible_slots({name: value[np.newaxis] for name, value in slots.items()})
    seen = np.asarray(seen)[0]
    for slot, keys in SEEN_BY.items():
        assert set(np.flatnonzero(seen[slot]).tolist()) == keys, f"slot {slot}"


def test_what_follows_is_padding_that_nothing_sees(example):
    slots, _ = example
    assert len(slots["token_ids"]) > 10
    assert (slots["token_ids"][10:] == PAD).all()
    for name in ("position_ids", "block_position_ids", "segment_ids", "query_step"):
        assert (slots[name][10:] == 0).all()
    seen = visible_slots({name: value[np.newaxis] for name, value in slots.items()})
    assert not np.asarray(seen)[0][:, 10:].any()
