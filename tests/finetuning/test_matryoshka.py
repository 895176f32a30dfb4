"""The loss of shortened embeddings against sentence-transformers'."""

import pytest

from mpnet_tf.finetuning.contrastive_loss import MultipleNegativesRankingLoss
from mpnet_tf.finetuning.matryoshka import MatryoshkaLoss
from mpnet_tf.finetuning.scored_pair_losses import CosentLoss, CosineRegressionLoss
from tests.finetuning.loss_checks import assert_same, loss_and_gradients, random_embeddings
from tests.finetuning.test_scored_pair_losses import SCORES


@pytest.mark.parametrize("weights", [None, (1.0, 0.5, 2.0)])
@pytest.mark.parametrize(
    ("loss", "peer_name", "num_columns"),
    [
        (MultipleNegativesRankingLoss(), "MultipleNegativesRankingLoss", 3),
        (CosentLoss(), "CoSENTLoss", 2),
        (CosineRegressionLoss(), "CosineSimilarityLoss", 2),
    ],
)
def test_numbers_are_those_of_sentence_transformers(loss, peer_name, num_columns, weights):
    from tests.finetuning.peer_losses import peer_loss

    dimensions = (12, 8, 3)

    def make(losses, model):
        inner = getattr(losses, peer_name)(model)
        return losses.MatryoshkaLoss(model, inner, dimensions, weights)

    embeddings = random_embeddings(num_columns)
    labels = SCORES if num_columns == 2 else None
    found = loss_and_gradients(MatryoshkaLoss(loss, dimensions, weights), embeddings, labels)
    assert_same(found, peer_loss(make, embeddings, labels))


@pytest.mark.parametrize(
    ("dimensions", "weights", "message"),
    [
        ((), None, r"`dimensions` must be positive and different.*dimensions=\(\)"),
        ((4, 0), None, r"`dimensions` must be positive and different.*dimensions=\(4, 0\)"),
        ((4, 4), None, r"`dimensions` must be positive and different.*dimensions=\(4, 4\)"),
        ((4, 2), (1.0,), r"`weights` must be 2, one for each.*weights=\(1.0,\)"),
    ],
)
def test_bad_settings_are_refused(dimensions, weights, message):
    with pytest.raises(ValueError, match=message):
        MatryoshkaLoss(CosentLoss(), dimensions, weights)


def test_more_dimensions_than_there_are_is_refused():
    loss = MatryoshkaLoss(MultipleNegativesRankingLoss(), (16, 4))
    with pytest.raises(ValueError, match=r"not be above the 12 .*dimensions=\(16, 4\)"):
        loss(random_embeddings(2))
