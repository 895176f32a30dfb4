"""Entries of tables and rows by index, in half the time that `tf.gather` takes for single ones."""

import tensorflow as tf


def look_up(table, indices):
    """Takes entries of a vector.

    Args:
        table: tensor `(num_entries,)`.
        indices: int32 tensor of any shape.

    Returns:
        Tensor of the shape of `indices`.
    """
    return tf.gather_nd(table, indices[..., tf.newaxis])


def look_up_in_rows(rows, indices):
    """Takes entries of each row.

    Args:
        rows: tensor `(batch_size, num_entries)`.
        indices: int32 tensor `(batch_size, num_indices)`.

    Returns:
        Tensor of the shape of `indices`.
    """
    batch_size, num_entries = tf.unstack(tf.shape(rows))
    return look_up(tf.reshape(rows, [-1]), indices + row_begins(batch_size, num_entries))


def row_begins(num_rows, row_length):
    """Lists the indices at which rows begin that are laid end to end, `(num_rows, 1)`."""
    return tf.range(num_rows)[:, tf.newaxis] * row_length
