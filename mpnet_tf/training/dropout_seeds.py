"""Seeds of dropout that follow from the run's seed, the batch, the replica and the layer alone.

They are computed by whole-number arithmetic, since TensorFlow's own way to make seeds of one gives
others where XLA compiles it.
"""

import tensorflow as tf

from mpnet_tf.layers.fused import fused
from mpnet_tf.layers.threefry import threefry

# Tells the draws of dropout from those of the data, which come from `[seed, 0]`.
_DROPOUT_STREAM = 1


def dropout_seed(seed, batch_number, replica):
    """Derives the seed of a replica's dropout in a step.

    Args:
        seed: int. That of the run.
        batch_number: int scalar tensor. Number of the batch.
        replica: int scalar tensor. Number of the replica among all.

    Returns:
        uint32 tensor `(2,)`.
    """
    return derived_seed(tf.constant([seed, _DROPOUT_STREAM], tf.uint32), batch_number, replica)


def derived_seed(seed, first, second=0):
    """Derives a seed of another one and two numbers.

    Args:
        seed: uint32 tensor `(2,)`.
        first, second: int scalars or scalar tensors from 0. `second` is 0 by default.

    Returns:
        uint32 tensor `(2,)`.
    """
    return _seeds(seed, tf.reshape(first, [1]), tf.reshape(second, [1]))[0]


def layer_seeds(seed_states, seed):
    """Gives each dropout layer of a model a seed of its own.

    Args:
        seed_states: list of variables. The states of the layers' seed generators.
        seed: uint32 tensor `(2,)`.

    Returns:
        List of pairs of a state and its value, for `keras.StatelessScope`.
    """
    if not seed_states:
        return []
    numbers = tf.range(len(seed_states))
    seeds = tf.unstack(_seeds(seed, numbers, tf.zeros_like(numbers)))
    return [
        (state, tf.cast(own, state.dtype)) for state, own in zip(seed_states, seeds, strict=True)
    ]


@fused
def _seeds(seed, first, second):
    counters = (tf.cast(first, tf.uint32), tf.cast(second, tf.uint32))
    return tf.stack(threefry(seed, counters), axis=1)
