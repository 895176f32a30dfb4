"""Held-out loss, accuracy and the unigram baseline against sums in NumPy, token by token."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.training.evaluation import Evaluation, Evaluator, unigram_loss

VOCABULARY_SIZE = 11
BATCH_SHAPE = (3, 4)
# Places with a prediction in each batch: uneven, one batch without any.
PREDICTIONS_IN_BATCH = [12, 1, 0, 7, 5]


@pytest.fixture(scope="module")
def batches():
    """Batches of `(slots, target_ids, target_weights)` in NumPy."""
    generator = np.random.default_rng(8)
    made = []
    for num_predictions in PREDICTIONS_IN_BATCH:
        weights = np.zeros(BATCH_SHAPE, np.float32)
        weights.reshape(-1)[generator.permutation(weights.size)[:num_predictions]] = 1
        features = generator.normal(size=(*BATCH_SHAPE, 6)).astype(np.float32) * 3
        targets = generator.integers(0, VOCABULARY_SIZE, BATCH_SHAPE).astype(np.int32)
        made.append(({"features": features}, targets, weights))
    return made


@pytest.fixture(scope="module")
def dataset(batches):
    stacked = tf.nest.map_structure(lambda *values: np.stack(values), *batches)
    return tf.data.Dataset.from_tensor_slices(stacked)


@pytest.fixture(scope="module")
def model():
    """A stand-in for the pretrainer with dropout, which evaluation must leave out."""
    keras.utils.set_random_seed(4)
    features = keras.Input((*BATCH_SHAPE[1:], 6), name="features")
    logits = keras.layers.Dense(VOCABULARY_SIZE)(keras.layers.Dropout(0.5)(features))
    return keras.Model({"features": features}, logits)


def expected_evaluation(model, batches):
    kernel, bias = (np.asarray(weight, np.float64) for weight in model.trainable_weights)
    losses, correct = [], []
    for slots, targets, weights in batches:
        for row, place in zip(*np.nonzero(weights), strict=True):
            logits = slots["features"][row, place].astype(np.float64) @ kernel + bias
            target = targets[row, place]
            losses.append(math.log(sum(map(math.exp, logits))) - logits[target])
            correct.append(logits[target] == max(logits))
    return np.mean(losses), np.mean(correct), len(losses)


def test_figures_equal_means_over_all_predictions(model, dataset, batches):
    evaluation = Evaluator(model, dataset).evaluate()
    loss, accuracy, num_predictions = expected_evaluation(model, batches)
    assert evaluation.num_predictions == num_predictions == sum(PREDICTIONS_IN_BATCH)
    assert evaluation.loss == pytest.approx(loss, rel=1e-5)
    assert evaluation.accuracy == pytest.approx(accuracy)
    assert evaluation.perplexity == pytest.approx(math.exp(loss), rel=1e-4)
    means = [
        expected_evaluation(model, [batch])[0]
        for batch, number in zip(batches, PREDICTIONS_IN_BATCH, strict=True)
        if number
    ]
    assert abs(np.mean(means) - loss) > 0.01, "the batches are too much alike to tell the means"


def test_evaluation_follows_the_weights_and_repeats(model, dataset, batches):
    evaluator = Evaluator(model, dataset)
    first = evaluator.evaluate()
    assert evaluator.evaluate() == first
    kernel = model.trainable_weights[0]
    before = kernel.numpy()
    try:
        kernel.assign(-before)
        evaluation = evaluator.evaluate()
        loss, _, _ = expected_evaluation(model, batches)
    finally:
        kernel.assign(before)
    assert evaluation.loss == pytest.approx(loss, rel=1e-5)
    assert evaluation.loss != first.loss


def test_unigram_loss_equals_a_sum_over_predictions(dataset, batches):
    counts = np.array([0, 900, 3, 0, 17, 250, 1, 1, 40, 0, 6])
    total = sum(counts) + VOCABULARY_SIZE
    losses = [
        -math.log((counts[target] + 1) / total)
        for _, targets, weights in batches
        for target in targets[weights > 0]
    ]
    # The weights of 0 carry targets too, which must not count.
    assert len(losses) == sum(PREDICTIONS_IN_BATCH)
    assert unigram_loss(counts, dataset) == pytest.approx(np.mean(losses), rel=1e-9)


def test_unigram_loss_of_equal_counts_is_that_of_a_guess(dataset):
    counts = np.full(VOCABULARY_SIZE, 12)
    assert unigram_loss(counts, dataset) == pytest.approx(math.log(VOCABULARY_SIZE))


def test_nothing_to_evaluate_is_refused(model, dataset):
    with pytest.raises(ValueError, match="no held-out token is predicted"):
        Evaluator(model, dataset.skip(2).take(1)).evaluate()


def test_perplexity_is_the_exponential_of_the_loss():
    assert Evaluation(loss=math.log(40), accuracy=0.1, num_predictions=3).perplexity == (
        pytest.approx(40)
    )
