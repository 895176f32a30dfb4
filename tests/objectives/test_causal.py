"""Causal language modelling on packed rows, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.objectives import Causal
from mpnet_tf.objectives.visibility import visible_slots
from tests.rows import END, PAD, START, UNKNOWN, pack_rows, token_roles

ROLES = token_roles()
# <s> 10 11 </s> | <s> 12 [UNK] 13 </s> | padding
ROWS = pack_rows([[[10, 11], [12, UNKNOWN, 13]]], 11)


def test_each_slot_predicts_the_token_behind_it():
    slots, target_ids, target_weights = Causal(ROLES, 11)(ROWS, tf.constant([0, 0]))
    predictions = {
        int(slot): int(target)
        for slot, target, weight in zip(
            slots["prediction_slots"][0], target_ids[0], target_weights[0], strict=True
        )
        if weight
    }
    # Neither `</s>` nor the unknown token, nor the next document's `<s>`.
    assert predictions == {0: 10, 1: 11, 4: 12, 6: 13}
    assert np.asarray(slots["token_ids"][0]).tolist() == [
        *(START, 10, 11, END),
        *(START, 12, UNKNOWN, 13, END),
        *(PAD, PAD),
    ]


def test_special_tokens_are_predicted_when_asked():
    objective = Causal(ROLES, 11, predict_special_tokens=True)
    _, target_ids, target_weights = objective(ROWS, tf.constant([0, 0]))
    targets = target_ids.numpy()[0][target_weights.numpy()[0] > 0]
    assert targets.tolist() == [10, 11, END, 12, UNKNOWN, 13, END]


def test_a_token_sees_itself_and_those_before_it():
    slots, _, _ = Causal(ROLES, 11)(ROWS, tf.constant([0, 0]))
    expected = np.zeros((11, 11), bool)
    expected[:4, :4] = np.tri(4)
    expected[4:9, 4:9] = np.tri(5)
    np.testing.assert_array_equal(np.asarray(visible_slots(slots))[0], expected)


def test_short_rows_are_refused():
    with pytest.raises(ValueError, match=r"`sequence_length` must be at least 3.*=2"):
        Causal(ROLES, 2)
