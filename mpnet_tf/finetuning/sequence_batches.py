"""Batches that ask a GLM body for the targets of texts."""

import numpy as np
import tensorflow as tf

from mpnet_tf.finetuning.text_batches import plan_by_length, planned_batches
from mpnet_tf.models.argument_checks import positive_integer
from mpnet_tf.objectives.visibility import END_OF_STEPS


def sequence_training_batches(sequences, roles, *, batch_size, seed, num_epochs):
    """Makes the batches of a training run; those of a batch are of similar length.

    Args:
        sequences: `EncodedSequences` with targets.
        roles: `TokenRoles` of the vocabulary.
        batch_size: int.
        seed: int from 0. Of the order, which is another in each epoch.
        num_epochs: int.

    Returns:
        `tf.data.Dataset` of what `sequence_slots` returns, and the number of its batches in an
        epoch.
    """
    plan = [
        batch
        for epoch in range(num_epochs)
        for batch in plan_by_length(
            sequences.lengths, batch_size=batch_size, seed=seed, epoch=epoch
        )
    ]
    return _batches(plan, sequences, roles), len(plan) // num_epochs


def sequence_evaluation_batches(sequences, roles, *, batch_size):
    """Makes the batches of an evaluation, short ones first.

    Args:
        sequences, roles, batch_size: as of `sequence_training_batches`.

    Returns:
        `tf.data.Dataset` of what `sequence_slots` returns, each example in one batch.
    """
    return _batches(batches_by_length(sequences.lengths, batch_size), sequences, roles)


def batches_by_length(lengths, batch_size):
    """Puts examples in batches of similar length, short ones first.

    Args:
        lengths: int array `(num_examples,)`.
        batch_size: int.

    Returns:
        List of int arrays of examples.

    Raises:
        ValueError: if `batch_size` is not positive.
    """
    batch_size = positive_integer("batch_size", batch_size)
    order = np.argsort(lengths, kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def _batches(plan, sequences, roles):
    with tf.device("cpu"):
        blank_positions = tf.constant(sequences.blank_positions)

    def take(numbers):
        return sequence_slots(
            tf.gather(sequences.source_ids, numbers),
            tf.gather(blank_positions, numbers),
            tf.gather(sequences.target_ids, numbers),
            roles=roles,
        )

    return planned_batches(plan, take)


def sequence_slots(source_ids, blank_positions, target_ids, *, roles):
    """Lays out texts as GLM's Part A and their targets as Part B, padded to the longest.

    Args:
        source_ids: int32 ragged tensor `(batch_size, None)`. Each text with its blank and special
            tokens.
        blank_positions: int32 tensor `(batch_size,)`. Where in it the blank is.
        target_ids: int32 ragged tensor `(batch_size, None)`. What is to be predicted, one token or
            more; the token that ends a span among them where it is asked for.
        roles: `TokenRoles` of the vocabulary.

    Returns:
        A dict of slots as `mpnet_tf.objectives.visibility` lists them, and the target ids, int32,
        and target weights, float32, `(batch_size, num_predictions)`: 1 for what is asked for. It is
        what `GLMCausalLM.fit` takes.

    References:
        GLM (https://arxiv.org/abs/2103.10360), sections 2.1 and 3.3.
    """
    num_text = tf.cast(source_ids.row_lengths(), tf.int32)[:, tf.newaxis]
    num_targets = tf.cast(target_ids.row_lengths(), tf.int32)[:, tf.newaxis]
    # A span's inputs are its targets, one place later.
    starts = tf.fill(tf.shape(num_text), roles.span_start_token_id)
    token_ids = tf.concat([source_ids, starts, target_ids[:, :-1]], axis=1)
    token_ids = token_ids.to_tensor(roles.pad_token_id)

    slot = tf.range(tf.shape(token_ids)[1]) + tf.zeros_like(num_text)
    is_real = slot < num_text + num_targets
    is_span = is_real & (slot >= num_text)
    # From 1, and 0 in the text: a slot of the span sees the text, itself and those before it.
    place = tf.where(is_span, slot - num_text + 1, 0)
    position_ids = tf.where(is_span, blank_positions[:, tf.newaxis], slot)
    number = tf.range(tf.reduce_max(num_targets)) + tf.zeros_like(num_text)
    is_target = number < num_targets
    prediction_slots = tf.where(is_target, num_text + number, 0)
    slots = {
        "token_ids": token_ids,
        "position_ids": tf.where(is_real, position_ids, 0),
        "block_position_ids": place,
        "segment_ids": tf.cast(is_real, tf.int32),
        "query_step": place,
        "key_start": place,
        "key_end": tf.where(is_real, END_OF_STEPS, 0),
        "prediction_slots": prediction_slots,
        "objective_ids": tf.zeros_like(prediction_slots),
    }
    return slots, target_ids.to_tensor(0), tf.cast(is_target, tf.float32)
