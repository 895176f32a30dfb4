"""Sums over the predictions of a batch, from which every figure of training is divided."""

import tensorflow as tf

from mpnet_tf.training.cross_entropy import cross_entropy

# The columns of totals.
LOSS, CORRECT, WEIGHT, COUNT = range(4)
NUM_COLUMNS = 4


def prediction_totals(batch, logits, num_objectives):
    """Adds up the predictions of a batch, by objective.

    Args:
        batch: `(slots, target_ids, target_weights)` as `mpnet_tf.data.batches` makes them.
        logits: float32 tensor `(batch_size, num_predictions, vocabulary_size)`.
        num_objectives: int. What the slots' `objective_ids` number.

    Returns:
        float32 tensor `(num_objectives, 4)`: the weighted sum of the losses (negative
        log-likelihoods, in nats), that of the predictions which are right, the sum of the weights
        and the number of predictions. Differentiable in the first column.
    """
    slots, target_ids, target_weights = batch
    losses = cross_entropy(logits, target_ids)
    hits = tf.equal(tf.argmax(logits, axis=-1, output_type=target_ids.dtype), target_ids)
    # A place without a prediction may hold anything: times a weight of zero, infinity is no number.
    is_predicted = target_weights > 0
    columns = tf.stack(
        [
            tf.where(is_predicted, losses * target_weights, 0.0),
            tf.where(hits, target_weights, 0.0),
            target_weights,
            tf.cast(is_predicted, tf.float32),
        ],
        axis=-1,
    )
    # (num_objectives, batch_size, num_predictions)
    is_own = tf.equal(slots["objective_ids"], tf.range(num_objectives)[:, tf.newaxis, tf.newaxis])
    own_columns = tf.where(is_own[..., tf.newaxis], columns, 0.0)
    return tf.reduce_sum(own_columns, axis=(1, 2))
