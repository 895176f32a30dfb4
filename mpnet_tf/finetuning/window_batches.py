"""Training batches of rows where an example may become several rows."""

import tensorflow as tf

# Rows in a stretch that is shuffled, in batches: the windows of an example come apart.
_SHUFFLED_BATCHES = 64


def window_batches(make_rows, num_examples, *, batch_size, seed):
    """Makes batches of rows from numbers of examples.

    Every pass over the dataset has all examples in another order, and all their rows. The orders
    follow from `seed`: the passes of one dataset are those of another with the same seed.

    Args:
        make_rows: maps an int64 tensor `(count,)` of numbers of examples to a structure of tensors
            with their rows. TensorFlow graph code.
        num_examples: int from 1.
        batch_size: int from 1. Rows in a batch; the last of a pass may have fewer.
        seed: int from 0, or None for the order of the examples.

    Returns:
        `tf.data.Dataset` of what `make_rows` returns, `batch_size` rows an element.

    Raises:
        ValueError: if a number is out of its range.
    """
    for name, value in (("num_examples", num_examples), ("batch_size", batch_size)):
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
    dataset = tf.data.Dataset.range(num_examples)
    if seed is not None:
        dataset = dataset.shuffle(num_examples, seed=seed)
    dataset = dataset.batch(batch_size)
    dataset = dataset.map(make_rows, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    dataset = dataset.unbatch()
    if seed is not None:
        dataset = dataset.shuffle(_SHUFFLED_BATCHES * batch_size, seed=seed + 1)
    return dataset.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def without_row_padding(inputs, *labels):
    """Cuts off the columns that are padding in every row of a batch.

    Args:
        inputs: dict of int tensors `(batch_size, sequence_length)` with a `padding_mask`, 1 for
            tokens and 0 for padding after them.
        *labels: structures of tensors, of which those of the same two axes are cut as well.

    Returns:
        Tuple of what was given, as long as the longest row.
    """
    longest = tf.reduce_max(tf.reduce_sum(inputs["padding_mask"], axis=1))
    return tf.nest.map_structure(
        lambda values: values[:, :longest] if values.shape.rank == 2 else values,
        (inputs, *labels),
    )


def count_batches(batches):
    """Counts the elements of a dataset of unknown length by going through it once."""
    return int(batches.reduce(tf.constant(0, tf.int64), lambda count, *_: count + 1))
