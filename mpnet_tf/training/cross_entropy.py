"""Cross-entropy over a large vocabulary, in few passes over the logits."""

import tensorflow as tf

from mpnet_tf.layers.fused import fused


@tf.custom_gradient
def cross_entropy(logits, target_ids):
    """Computes the negative log-likelihood of each target.

    The logits of a batch are the largest tensor of a small model's step.
    `tf.nn.sparse_softmax_cross_entropy_with_logits` goes through them several times more, on a CPU
    in one thread.

    Args:
        logits: float32 tensor `(batch_size, num_predictions, vocabulary_size)`.
        target_ids: int tensor `(batch_size, num_predictions)`.

    Returns:
        float32 tensor `(batch_size, num_predictions)`, in nats.
    """
    shape = tf.shape(target_ids)
    flat_logits = tf.reshape(logits, (-1, logits.shape[-1]))
    targets = tf.reshape(target_ids, [-1])
    places = tf.stack([tf.range(tf.size(targets), dtype=targets.dtype), targets], axis=1)

    maxima = tf.reduce_max(flat_logits, axis=1, keepdims=True)
    exponentials = _exponentials(flat_logits, maxima)
    sums = tf.reduce_sum(exponentials, axis=1)
    losses = tf.math.log(sums) + maxima[:, 0] - tf.gather_nd(flat_logits, places)

    def gradient(upstream):
        upstream = tf.reshape(upstream, [-1])
        of_logits = _gradient_of_logits(exponentials, sums, targets, upstream)
        return tf.reshape(of_logits, tf.shape(logits)), None

    return tf.reshape(losses, shape), gradient


@fused
def _exponentials(logits, maxima):
    return tf.exp(logits - maxima)


@fused
def _gradient_of_logits(exponentials, sums, targets, upstream):
    """Computes softmax(logits) - 1 at the target, times what comes from above."""
    words = tf.range(tf.shape(exponentials)[1], dtype=targets.dtype)
    of_target = tf.where(words == targets[:, tf.newaxis], upstream[:, tf.newaxis], 0.0)
    return exponentials * (upstream / sums)[:, tf.newaxis] - of_target
