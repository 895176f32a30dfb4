"""The unigram model against sums by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.objectives import Masked
from mpnet_tf.training.unigram import evaluate_unigram, target_frequencies
from tests.rows import END, token_roles

ROLES = token_roles(vocabulary_size=10, num_continuations=0)  # Text is 4 to 8.


class TwoObjectives:
    """What `target_frequencies` asks of an objective."""

    roles = ROLES
    names = ("mlm", "glm")


def dataset(objective_ids, target_ids, target_weights):
    slots = {"objective_ids": tf.constant(objective_ids)}
    return tf.data.Dataset.from_tensors(
        (slots, tf.constant(target_ids), tf.constant(target_weights, tf.float32))
    )


def test_text_is_predicted_by_its_counts():
    counts = np.zeros(10, int)
    counts[[4, 5, 6]] = 7, 2, 1
    batches = dataset([[0, 0, 0]], [[4, 4, 1]], [[1, 1, 0]])
    (frequencies,) = target_frequencies(counts, batches, Masked(ROLES, 16))
    # One is added to each of the ten tokens.
    np.testing.assert_allclose(frequencies[4:9], np.array([8, 3, 2, 1, 1]) / 20)
    heldout = dataset([[0, 0, 0]], [[4, 6, 1]], [[1, 1, 0]])
    evaluation = evaluate_unigram(frequencies[np.newaxis], heldout, ("mlm",))
    assert evaluation.loss == pytest.approx(-(math.log(8 / 20) + math.log(2 / 20)) / 2)
    assert evaluation.accuracy == 0.5 and evaluation.num_predictions == 2
    assert evaluation.by_objective == {}


def test_ends_of_spans_are_predicted_by_their_share_of_the_targets():
    """A quarter of the second objective's targets end a span, none of the first's."""
    counts = np.zeros(10, int)
    counts[4] = 995 - 1
    batches = dataset([[0, 0, 1, 1], [1, 1, 0, 0]], [[4, 4, 4, 4], [4, END, 4, 4]], np.ones((2, 4)))
    mlm, glm = target_frequencies(counts, batches, TwoObjectives())
    assert mlm[END] < 2e-3
    assert glm[END] == pytest.approx(0.25, abs=2e-3)
    heldout = dataset([[0, 1, 1]], [[4, END, 4]], [[1, 1, 0.5]])
    evaluation = evaluate_unigram(np.stack([mlm, glm]), heldout, ("mlm", "glm"))
    losses = {"mlm": -math.log(mlm[4]), "glm": -(math.log(glm[END]) + 0.5 * math.log(glm[4])) / 1.5}
    for name, loss in losses.items():
        assert evaluation.by_objective[name].loss == pytest.approx(loss)
    assert evaluation.loss == pytest.approx((losses["mlm"] + 1.5 * losses["glm"]) / 2.5)
