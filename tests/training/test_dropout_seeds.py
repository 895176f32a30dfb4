"""Seeds of dropout: all different, and the same with and without XLA."""

import numpy as np
import tensorflow as tf

from mpnet_tf.training.dropout_seeds import derived_seed, dropout_seed, layer_seeds

STATES = [tf.Variable([0, 0], dtype=tf.int64) for _ in range(3)]


def seeds_of_a_run():
    """The seeds of all layers, in all micro-batches of all replicas in some steps of two runs."""
    return [
        value
        for run in (0, 1)
        for batch in (0, 1, 2)
        for replica in (0, 1)
        for micro_batch in (0, 1)
        for _, value in layer_seeds(
            STATES, derived_seed(dropout_seed(run, batch, replica), micro_batch)
        )
    ]


def test_no_two_are_the_same_and_xla_makes_the_same():
    found = np.array([seed.numpy() for seed in seeds_of_a_run()])
    assert found.shape == (72, 2)
    # Each word by itself, too.
    for word in found.T:
        assert len(set(word.tolist())) == 72
    for jit_compile in (False, True):
        in_graph = tf.function(seeds_of_a_run, jit_compile=jit_compile)()
        np.testing.assert_array_equal(found, np.array(in_graph))


def test_a_model_without_dropout_needs_none():
    assert layer_seeds([], dropout_seed(0, 1, 2)) == []
