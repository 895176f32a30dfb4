"""Held-out loss, of the model and of the unigram model on the same predictions."""

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
    """

    loss: float
    accuracy: float
    num_predictions: int

    @property
    def perplexity(self):
        """float. The exponential of the loss."""
        return math.exp(self.loss)


class Evaluator:
    """Evaluates a pretraining model on a fixed set of predictions.

    Sums over all predictions before it divides: batches hold different numbers of them, so a mean
    of the batches' means would be another number.

    Args:
        model: `MPNetPretrainer`.
        dataset: `tf.data.Dataset` of `(slots, target_ids, target_weights)`.
    """

    def __init__(self, model, dataset):
        self._model = model
        self._dataset = dataset
        self._sums = tf.function(self._batch_sums, reduce_retracing=True)

    def evaluate(self):
        """Goes through the data once.

        Returns:
            `Evaluation`.

        Raises:
            ValueError: if the data holds no prediction.
        """
        totals = np.zeros(3)
        for slots, target_ids, target_weights in self._dataset:
            totals += self._sums(slots, target_ids, target_weights).numpy()
        loss, correct, num_predictions = totals.tolist()
        if not num_predictions:
            raise ValueError("There is nothing to evaluate: no held-out token is predicted.")
        return Evaluation(
            loss=loss / num_predictions,
            accuracy=correct / num_predictions,
            num_predictions=round(num_predictions),
        )

    def _batch_sums(self, slots, target_ids, target_weights):
        logits = self._model(slots, training=False)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target_ids, logits)
        correct = tf.cast(
            tf.argmax(logits, axis=-1, output_type=tf.int32) == target_ids, tf.float32
        )
        return tf.stack(
            [
                tf.reduce_sum(losses * target_weights),
                tf.reduce_sum(correct * target_weights),
                tf.reduce_sum(target_weights),
            ]
        )


def unigram_loss(token_counts, dataset):
    """Computes the loss of predicting every token from its frequency alone.

    Args:
        token_counts: int array `(vocabulary_size,)`. Counts in the training text; one is added to
            each, so that a token never seen has a probability.
        dataset: `tf.data.Dataset` of `(slots, target_ids, target_weights)`.

    Returns:
        float. Mean negative log-likelihood of a predicted token, in nats.
    """
    smoothed = np.asarray(token_counts, np.float64) + 1
    log_probabilities = np.log(smoothed / smoothed.sum())
    total = num_predictions = 0.0
    for _, target_ids, target_weights in dataset.as_numpy_iterator():
        total -= np.sum(log_probabilities[target_ids] * target_weights)
        num_predictions += np.sum(target_weights)
    return float(total / num_predictions)
