"""Losses of scored pairs against sentence-transformers and by hand."""

import math

import numpy as np
import pytest

from mpnet_tf.finetuning.scored_pair_losses import CosentLoss, CosineRegressionLoss
from tests.finetuning.loss_checks import assert_same, loss_and_gradients, random_embeddings

# With equal ones, in no order.
SCORES = np.array([0.4, 1.0, 0.0, 0.4, 0.9, 0.2, 1.0], np.float32)


def make_peer(name, **settings):
    return lambda losses, model: getattr(losses, name)(model, **settings)


@pytest.mark.parametrize(
    ("loss", "peer"),
    [
        (CosentLoss(), make_peer("CoSENTLoss")),
        (CosentLoss(2.0), make_peer("CoSENTLoss", scale=2.0)),
        (CosineRegressionLoss(), make_peer("CosineSimilarityLoss")),
    ],
)
def test_numbers_are_those_of_sentence_transformers(loss, peer):
    from tests.finetuning.peer_losses import peer_loss

    embeddings = random_embeddings(2)
    assert_same(loss_and_gradients(loss, embeddings, SCORES), peer_loss(peer, embeddings, SCORES))


# Cosines 0.6, 0 and 1.
PAIRS = [
    np.array([[3.0, 4.0], [0.0, 2.0], [1.0, 1.0]], np.float32),
    np.array([[1.0, 0.0], [5.0, 0.0], [4.0, 4.0]], np.float32),
]


def test_cosent_by_hand():
    # The first pair should be above both others, of which none should be above the other.
    expected = math.log(1 + math.exp(2 * (0 - 0.6)) + math.exp(2 * (1 - 0.6)))
    found, _ = loss_and_gradients(CosentLoss(2.0), PAIRS, np.array([5.0, 1.0, 1.0], np.float32))
    assert found == pytest.approx(expected, rel=1e-5)


def test_cosent_of_equal_scores_is_zero_with_a_finite_gradient():
    found, gradients = loss_and_gradients(CosentLoss(), PAIRS, np.ones(3, np.float32))
    assert found == 0
    for gradient in gradients:
        np.testing.assert_array_equal(gradient, np.zeros((3, 2)))


def test_regression_by_hand():
    scores = np.array([1.0, 0.5, 0.8], np.float32)
    found, _ = loss_and_gradients(CosineRegressionLoss(), PAIRS, scores)
    assert found == pytest.approx((0.4**2 + 0.5**2 + 0.2**2) / 3, rel=1e-5)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"`scale` must be positive. Received: scale=-1"):
        CosentLoss(-1)
    for loss in (CosentLoss(), CosineRegressionLoss()):
        with pytest.raises(ValueError, match=r"the texts of pairs. Received: 3"):
            loss(random_embeddings(3), SCORES)
        with pytest.raises(ValueError, match="`scores` must be given"):
            loss(random_embeddings(2))
