"""The input pipeline: from packed rows to batches of slots and labels."""

import tensorflow as tf

from mpnet_tf.data.packed_rows import ROW_FEATURES


def training_batches(rows, objective, seed, *, batch_size, first_batch=0, num_batches=None):
    """Makes the training data of a run, from any batch on.

    Batch k holds rows `k * batch_size` and on, and its random draws come from `(seed, k)`, so a
    run that starts at batch k sees what an unbroken run would have seen.

    Args:
        rows: `PackedRows`.
        objective: maps a dict of rows and a seed to slots and labels.
        seed: int from 0.
        batch_size: int. Rows in a batch.
        first_batch: int. Number of the first batch to make.
        num_batches: int or None. How many to make; None for no end.

    Returns:
        `tf.data.Dataset` of `(slots, target_ids, target_weights)`.
    """
    end = tf.int64.max if num_batches is None else first_batch + num_batches
    return _batches(rows, objective, seed, batch_size=batch_size, steps=(first_batch, end))


def evaluation_batches(rows, objective, seed, *, batch_size, max_batches=None):
    """Makes a fixed set of predictions: one epoch at most, the same in every evaluation.

    Args:
        rows: `PackedRows`.
        objective: maps a dict of rows and a seed to slots and labels.
        seed: int from 0.
        batch_size: int. Rows in a batch; the last batch is filled up with empty rows.
        max_batches: int or None. Stop after so many.

    Returns:
        `tf.data.Dataset` of `(slots, target_ids, target_weights)`.
    """
    num_batches = -(-rows.num_rows // batch_size)
    if max_batches is not None:
        num_batches = min(num_batches, max_batches)
    return _batches(
        rows, objective, seed, batch_size=batch_size, steps=(0, num_batches), repeat=False
    )


def _batches(rows, objective, seed, *, batch_size, steps, repeat=True):
    shape = (batch_size, rows.sequence_length)

    def read(batch):
        features = tf.numpy_function(
            lambda first: rows.read(first, batch_size, repeat=repeat),
            [batch * batch_size],
            [tf.int32] * len(ROW_FEATURES),
            stateful=False,
        )
        features = [tf.ensure_shape(feature, shape) for feature in features]
        return objective(
            dict(zip(ROW_FEATURES, features, strict=True)),
            tf.random.fold_in(tf.constant([seed, 0], tf.int32), tf.cast(batch, tf.int32)),
        )

    dataset = tf.data.Dataset.range(*steps)
    dataset = dataset.map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return dataset.prefetch(tf.data.AUTOTUNE)
