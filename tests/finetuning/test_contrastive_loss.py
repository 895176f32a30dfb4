"""The contrastive loss against sentence-transformers and its definition."""

import math

import numpy as np
import pytest

from mpnet_tf.finetuning.contrastive_loss import MultipleNegativesRankingLoss
from tests.finetuning.loss_checks import assert_same, loss_and_gradients, random_embeddings


@pytest.mark.parametrize("num_columns", [2, 3, 5])
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("scale", [20.0, 3.0])
def test_numbers_are_those_of_sentence_transformers(num_columns, symmetric, scale):
    from tests.finetuning.peer_losses import peer_loss

    def make(losses, model):
        settings = {"directions": ("query_to_doc",)}
        if symmetric:
            settings = {
                "directions": ("query_to_doc", "doc_to_query"),
                "partition_mode": "per_direction",
            }
        return losses.MultipleNegativesRankingLoss(model, scale=scale, **settings)

    embeddings = random_embeddings(num_columns)
    loss = MultipleNegativesRankingLoss(scale, symmetric=symmetric)
    assert_same(loss_and_gradients(loss, embeddings), peer_loss(make, embeddings))


def test_value_is_that_of_the_cached_loss_of_sentence_transformers():
    from tests.finetuning.peer_losses import GivenEmbeddings, losses, torch

    embeddings = random_embeddings(3)
    loss = losses.CachedMultipleNegativesRankingLoss(GivenEmbeddings(12), mini_batch_size=2)
    with torch.no_grad():
        expected = loss([{"embeddings": torch.tensor(one)} for one in embeddings], None)
    found, _ = loss_and_gradients(MultipleNegativesRankingLoss(), embeddings)
    assert found == pytest.approx(expected.item(), abs=1e-5)


def test_a_case_by_hand():
    # Cosines of the first anchor: 1 with its positive, 0 with the other; of the second: 0.6, 0.8.
    embeddings = [np.array([[2.0, 0.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 5.0]])]
    expected = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(2 * (0.6 - 0.8)))) / 2
    found, _ = loss_and_gradients(MultipleNegativesRankingLoss(2.0), embeddings)
    assert found == pytest.approx(expected, rel=1e-6)


def reference_with_text_numbers(embeddings, numbers, scale, symmetric):
    """The definition, row by row, with the negatives listed one by one."""
    units = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in embeddings]

    def of_row(row, query, own, columns):
        """Of finding column `own` of a row by column `query` among `columns`."""
        own_score = math.exp(scale * units[query][row] @ units[own][row])
        total = own_score
        for column in columns:
            for other in range(len(numbers)):
                number = numbers[other][column]
                is_partner = column == own and (
                    other == row or numbers[other][query] == numbers[row][query]
                )
                if not is_partner and number not in (numbers[row][query], numbers[row][own]):
                    total += math.exp(scale * units[query][row] @ units[column][other])
        return -math.log(own_score / total)

    rows = range(len(numbers))
    loss = np.mean([of_row(row, 0, 1, range(1, len(units))) for row in rows])
    if symmetric:
        loss = (loss + np.mean([of_row(row, 1, 0, [0]) for row in rows])) / 2
    return loss


@pytest.mark.parametrize("symmetric", [False, True])
def test_what_is_no_negative_is_left_out(symmetric):
    # Rows 0 and 1 share the anchor, 2 and 3 the positive; the positive of row 4 is the anchor of
    # row 0, and the hard negative of row 5 the positive of row 6.
    numbers = np.array(
        [[0, 1, 20], [0, 2, 21], [3, 5, 22], [4, 5, 23], [6, 0, 24], [7, 8, 9], [10, 9, 25]]
    )
    embeddings = random_embeddings(3)
    loss = MultipleNegativesRankingLoss(5.0, symmetric=symmetric)
    found, _ = loss_and_gradients(loss, embeddings, numbers)
    expected = reference_with_text_numbers(embeddings, numbers.tolist(), 5.0, symmetric)
    assert found == pytest.approx(expected, rel=1e-5)
    plain, _ = loss_and_gradients(loss, embeddings)
    assert plain > found + 1e-3
    different, _ = loss_and_gradients(loss, embeddings, np.arange(21).reshape(7, 3))
    assert different == pytest.approx(plain, rel=1e-6)


def test_rows_of_one_text_alone_have_a_finite_gradient():
    loss, gradients = loss_and_gradients(
        MultipleNegativesRankingLoss(), random_embeddings(2), np.zeros((7, 2), int)
    )
    assert loss == pytest.approx(0, abs=1e-6)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"`scale` must be positive. Received: scale=0"):
        MultipleNegativesRankingLoss(0)
    with pytest.raises(ValueError, match=r"anchors and positives at least. Received: 1 of them"):
        MultipleNegativesRankingLoss()(random_embeddings(1))
