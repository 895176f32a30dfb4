"""Random numbers of several parts of a batch, drawn once for all that an objective decides.

A batch is made in parts of rows, each with draws from a seed of its own (`mpnet_tf.data.batches`).
Only the draws need to know: everything else an objective does is done to all rows at once.
"""

import tensorflow as tf

_SHARE_BITS = 24


def integers(seed, num_rows, widths):
    """Draws integers evenly over all of int32.

    Args:
        seed: integer tensor `(2,)` for rows that share their draws, or `(num_parts, 2)` for parts
            of equally many rows. The draws of a part are those that its rows would get alone.
        num_rows: int or int32 scalar.
        widths: list of int. Numbers that each row needs for one purpose, for another, and so on.

    Returns:
        list of int32 tensors `(num_rows, width)`, one for each of `widths`.
    """
    seed = tf.convert_to_tensor(seed)
    part_seeds = [seed] if seed.shape.rank == 1 else tf.unstack(seed)
    shape = [num_rows // len(part_seeds), sum(widths)]
    # Over all of int32, negative ones too: without a range there is nothing to reduce them to.
    of_parts = [
        tf.random.stateless_uniform(shape, part_seed, minval=None, maxval=None, dtype=tf.int32)
        for part_seed in part_seeds
    ]
    return tf.split(tf.concat(of_parts, axis=0), widths, axis=1)


def shares(numbers):
    """Makes float32 numbers of [0, 1) of `integers`, of the same shape."""
    bits = tf.bitwise.right_shift(tf.bitcast(numbers, tf.uint32), 32 - _SHARE_BITS)
    return tf.cast(tf.bitcast(bits, tf.int32), tf.float32) / 2**_SHARE_BITS
