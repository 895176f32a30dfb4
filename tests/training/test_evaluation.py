"""Held-out loss and accuracy against sums in NumPy, token by token."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.training.evaluation import Evaluation, Evaluator

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
        slots = {"features": features, "objective_ids": np.arange(12, dtype=np.int32) % 2}
        slots["objective_ids"] = slots["objective_ids"].reshape(BATCH_SHAPE)
        made.append((slots, targets, weights))
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
    objective_ids = keras.Input(BATCH_SHAPE[1:], dtype="int32", name="objective_ids")
    # Keras 3.12, the newest for Python 3.10, refuses an input that no operation takes.
    keras.ops.stop_gradient(objective_ids)
    return keras.Model({"features": features, "objective_ids": objective_ids}, logits)


def expected_evaluation(model, batches, objectives=(0, 1)):
    kernel, bias = (np.asarray(weight, np.float64) for weight in model.trainable_weights)
    losses, correct = [], []
    for slots, targets, weights in batches:
        counts = (weights > 0) & np.isin(slots["objective_ids"], objectives)
        for row, place in zip(*np.nonzero(counts), strict=True):
            logits = slots["features"][row, place].astype(np.float64) @ kernel + bias
            target = targets[row, place]
            losses.append(math.log(sum(map(math.exp, logits))) - logits[target])
            correct.append(logits[target] == max(logits))
    return np.mean(losses), np.mean(correct), len(losses)


@pytest.fixture(scope="module")
def evaluation(model, dataset):
    return Evaluator(model, dataset, ("mpnet", "mlm")).evaluate()


def test_figures_equal_means_over_all_predictions(evaluation, model, batches):
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


def test_each_objective_has_figures_of_its_own(evaluation, model, batches):
    assert list(evaluation.by_objective) == ["mpnet", "mlm"]
    for number, name in enumerate(evaluation.by_objective):
        loss, accuracy, num_predictions = expected_evaluation(model, batches, (number,))
        assert evaluation.by_objective[name].num_predictions == num_predictions > 5
        assert evaluation.by_objective[name].loss == pytest.approx(loss, rel=1e-5)
        assert evaluation.by_objective[name].accuracy == pytest.approx(accuracy)


def test_weights_weigh_and_do_not_count(model, batches):
    slots, targets, _ = batches[0]
    weights = np.where(slots["objective_ids"] == 1, 0.25, 1).astype(np.float32)
    dataset = tf.data.Dataset.from_tensors((slots, targets, weights))
    evaluation = Evaluator(model, dataset, ("mpnet", "mlm")).evaluate()
    # Six predictions each.
    mpnet, mlm = (expected_evaluation(model, batches[:1], (number,))[0] for number in (0, 1))
    assert evaluation.num_predictions == 12
    assert evaluation.loss == pytest.approx((mpnet + 0.25 * mlm) / 1.25, rel=1e-5)
    assert evaluation.by_objective["mlm"].loss == pytest.approx(mlm, rel=1e-5)


def test_an_objective_without_predictions_has_no_figures(model, batches):
    slots, targets, _ = batches[0]
    weights = (slots["objective_ids"] == 1).astype(np.float32)
    dataset = tf.data.Dataset.from_tensors((slots, targets, weights))
    assert list(Evaluator(model, dataset, ("mpnet", "mlm")).evaluate().by_objective) == ["mlm"]


def test_evaluation_follows_the_weights_and_repeats(model, dataset, batches):
    evaluator = Evaluator(model, dataset, ("mpnet", "mlm"))
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


def test_nothing_to_evaluate_is_refused(model, dataset):
    with pytest.raises(ValueError, match="no held-out token is predicted"):
        Evaluator(model, dataset.skip(2).take(1), ("mpnet", "mlm")).evaluate()


def test_perplexity_is_the_exponential_of_the_loss():
    assert Evaluation(loss=math.log(40), accuracy=0.1, num_predictions=3).perplexity == (
        pytest.approx(40)
    )
    # Beyond what a float holds, and still a number that JSON can.
    assert 1e308 < Evaluation(loss=1e4, accuracy=0.0, num_predictions=3).perplexity < math.inf


def test_few_rows_at_a_time_give_the_same_figures(evaluation, model, dataset):
    # Of 3 rows, one at a time: 2 do not divide them.
    in_parts = Evaluator(model, dataset, ("mpnet", "mlm"), max_rows=2).evaluate()
    assert in_parts.num_predictions == evaluation.num_predictions
    assert in_parts.loss == pytest.approx(evaluation.loss, rel=1e-6)
    assert in_parts.accuracy == pytest.approx(evaluation.accuracy)


def test_only_so_many_batches_are_evaluated(model, dataset, batches):
    # As from a dataset that does not say where it ends.
    evaluator = Evaluator(model, dataset.repeat(), ("mpnet", "mlm"), num_batches=2)
    loss, _, num_predictions = expected_evaluation(model, batches[:2])
    found = evaluator.evaluate()
    assert found.num_predictions == num_predictions
    assert found.loss == pytest.approx(loss, rel=1e-5)
