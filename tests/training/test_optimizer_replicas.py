"""Optimizers on two replicas."""

import concurrent.futures
import multiprocessing

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.training.optimizers import make_optimizer
from tests.training.optimizer_steps import (
    NAMES,
    TOTAL_STEPS,
    is_by_muon,
    make_config,
    make_pretrainer,
    random_gradients,
    randomize,
)


def weights_after_three_steps(strategy):
    """Trains by each optimizer in a strategy; returns all replicas' weights by optimizer."""
    with strategy.scope():
        model = make_pretrainer()
        # One of each kind: tracing takes long.
        variables = list(
            {
                (variable.name, is_by_muon(variable)): variable
                for variable in model.trainable_variables
            }.values()
        )
        assert len(variables) == 6
        trained = {}
        for name in NAMES:
            randomize(model)
            optimizer = make_optimizer(make_config(name), model, total_steps=TOTAL_STEPS)

            def replica_step(gradients, optimizer=optimizer):
                shares = [gradient / strategy.num_replicas_in_sync for gradient in gradients]
                optimizer.apply_gradients(zip(shares, variables, strict=True))

            step = tf.function(lambda gradients, run=replica_step: strategy.run(run, [gradients]))
            for gradients in random_gradients(variables, 3):
                step(list(map(tf.constant, gradients)))
            trained[name] = [
                [copy.numpy() for copy in strategy.experimental_local_results(variable.value)]
                for variable in variables
            ]
    return trained


def weights_of_one_and_two_replicas():
    """Runs in a process of its own, before TensorFlow has set up its devices."""
    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return [
        weights_after_three_steps(strategy)
        for strategy in (
            tf.distribute.OneDeviceStrategy("CPU:0"),
            tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]),
        )
    ]


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def replica_weights():
    with concurrent.futures.ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn")
    ) as process:
        return process.submit(weights_of_one_and_two_replicas).result()


@pytest.mark.parametrize("name", NAMES)
def test_two_replicas_with_half_the_gradient_each_equal_one(replica_weights, name):
    one, two = (weights[name] for weights in replica_weights)
    for [alone], replicas in zip(one, two, strict=True):
        assert len(replicas) == 2
        for copy in replicas:
            np.testing.assert_array_equal(copy, replicas[0])
            # Halves add up exactly, but matrix products may differ by their rounding.
            np.testing.assert_allclose(copy, alone, rtol=1e-6, atol=1e-7)
