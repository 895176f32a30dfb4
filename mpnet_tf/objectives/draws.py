"""Random draws of several parts of a batch in one call.

A batch is made in parts of rows, each with draws from a seed of its own (`mpnet_tf.data.batches`).
Only the draws need to know: everything else an objective does is done to all rows at once.

A seed is an int32 tensor `(2,)` for rows that share their draws, or `(num_parts, 2)` for parts of
equally many rows. The draws of a part are those that its rows would get alone.
"""

import tensorflow as tf


def split(seed, count):
    """Makes several seeds of one.

    Args:
        seed: int32 tensor `(2,)` or `(num_parts, 2)`.
        count: int. How many to make.

    Returns:
        list of int32 tensors of the shape of `seed`.
    """
    seed = tf.convert_to_tensor(seed)
    if seed.shape.rank == 1:
        return tf.unstack(tf.random.split(seed, count))
    of_parts = [tf.random.split(part_seed, count) for part_seed in tf.unstack(seed)]
    return tf.unstack(tf.stack(of_parts, axis=1))


def uniform(shape, seed, **arguments):
    """Draws uniform random numbers.

    Args:
        shape: int32 tensor `(rank,)`. Begins with the number of rows.
        seed: int32 tensor `(2,)` or `(num_parts, 2)`.
        **arguments: as `tf.random.stateless_uniform` takes them.

    Returns:
        Tensor of the shape.
    """
    seed = tf.convert_to_tensor(seed)
    if seed.shape.rank == 1:
        return tf.random.stateless_uniform(shape, seed, **arguments)
    part_seeds = tf.unstack(seed)
    part_shape = tf.concat([shape[:1] // len(part_seeds), shape[1:]], axis=0)
    return tf.concat(
        [
            tf.random.stateless_uniform(part_shape, part_seed, **arguments)
            for part_seed in part_seeds
        ],
        axis=0,
    )
