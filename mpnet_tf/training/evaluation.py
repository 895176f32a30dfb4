"""Held-out loss and accuracy on a fixed set of predictions."""

import dataclasses
import math

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a model makes of a fixed set of predictions.

    Attributes:
        loss: float. Mean negative log-likelihood of a predicted token, in nats.
        accuracy: float. Share of the predicted tokens whose logit is the highest.
        num_predictions: int.
        by_objective: dict from names to `Evaluation`, where there are several objectives.
    """

    loss: float
    accuracy: float
    num_predictions: int
    by_objective: dict = dataclasses.field(default_factory=dict)

    @property
    def perplexity(self):
        """float. The exponential of the loss."""
        return math.exp(self.loss)


class PredictionSums:
    """Adds up predictions, by objective, and divides at the end.

    Batches hold different numbers of predictions, so a mean of the batches' means would be another
    number.

    Args:
        objective_names: tuple of str. What `objective_ids` number.
    """

    def __init__(self, objective_names):
        self._names = objective_names
        self._totals = np.zeros((len(objective_names), 4))

    def add(self, losses, correct, target_weights, objective_ids):
        """Adds a batch of float and int arrays `(batch_size, num_predictions)`."""
        ids = np.asarray(objective_ids).ravel()
        weights = np.asarray(target_weights, np.float64).ravel()
        columns = (
            np.asarray(losses, np.float64).ravel() * weights,
            np.asarray(correct).ravel() * weights,
            weights,
            weights > 0,
        )
        for column, values in enumerate(columns):
            self._totals[:, column] += np.bincount(ids, values, len(self._names))

    def evaluation(self):
        """Returns the `Evaluation` of all that was added.

        Raises:
            ValueError: if there was no prediction.
        """
        if not self._totals[:, 3].any():
            raise ValueError("There is nothing to evaluate: no held-out token is predicted.")
        whole = _evaluation(self._totals.sum(axis=0))
        if len(self._names) == 1:
            return whole
        by_objective = {
            name: _evaluation(totals)
            for name, totals in zip(self._names, self._totals, strict=True)
            # A held-out set of few rows may have none for an objective of small weight.
            if totals[3]
        }
        return dataclasses.replace(whole, by_objective=by_objective)


def _evaluation(totals):
    loss, correct, weight, num_predictions = totals.tolist()
    return Evaluation(loss / weight, correct / weight, round(num_predictions))


class Evaluator:
    """Evaluates a pretraining model on a fixed set of predictions.

    Args:
        model: `Pretrainer`.
        dataset: `tf.data.Dataset` of `(slots, target_ids, target_weights)`.
        objective_names: tuple of str. What the slots' `objective_ids` number.
    """

    def __init__(self, model, dataset, objective_names):
        self._model = model
        self._dataset = dataset
        self._objective_names = objective_names
        self._judged = tf.function(self._judge, reduce_retracing=True)

    def evaluate(self):
        """Goes through the data once.

        Returns:
            `Evaluation`.

        Raises:
            ValueError: if the data holds no prediction.
        """
        sums = PredictionSums(self._objective_names)
        for slots, target_ids, target_weights in self._dataset:
            losses, correct = self._judged(slots, target_ids)
            sums.add(losses, correct, target_weights, slots["objective_ids"])
        return sums.evaluation()

    def _judge(self, slots, target_ids):
        """Returns the losses and what is right, both `(batch_size, num_predictions)`."""
        logits = self._model(slots, training=False)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target_ids, logits)
        return losses, tf.argmax(logits, axis=-1, output_type=tf.int32) == target_ids
