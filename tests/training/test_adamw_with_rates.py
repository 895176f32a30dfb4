"""AdamW in a graph, where XLA compiles the step of large weights, against the paper's steps."""

import concurrent.futures
import multiprocessing

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.training import adamw_with_rates
from mpnet_tf.training.adamw_with_rates import AdamWWithRates

RATE, DECAY, BETA_1, BETA_2, EPSILON = 0.01, 0.1, 0.9, 0.98, 1e-6
# Elements, factor of the rate and whether it decays: two large weights of one shape and others.
WEIGHTS = {
    "large": ((300, 256), 1.0, True),
    "alike": ((300, 256), 0.5, True),
    "large_without_decay": ((256, 300), 1.0, False),
    "small": ((30, 20), 0.25, True),
    "small_without_decay": ((20,), 1.0, False),
}
NUM_STEPS = 3


def numbers(seed):
    generator = np.random.default_rng(seed)
    return {name: generator.normal(size=shape) for name, (shape, _, _) in WEIGHTS.items()}


def by_the_paper():
    """Algorithm 2, in float64."""
    moved = {}
    for name, (_, factor, decays) in WEIGHTS.items():
        weights = numbers(0)[name]
        first = second = np.zeros_like(weights)
        for step in range(1, NUM_STEPS + 1):
            gradient = numbers(step)[name]
            first = BETA_1 * first + (1 - BETA_1) * gradient
            second = BETA_2 * second + (1 - BETA_2) * gradient**2
            # As TensorFlow and Keras have it, epsilon is beside the root before its correction.
            correction = np.sqrt(1 - BETA_2**step)
            update = first / (1 - BETA_1**step) * correction / (np.sqrt(second) + EPSILON)
            weights = weights - RATE * factor * (update + decays * DECAY * weights)
        moved[name] = weights
    return moved


def trained(strategy):
    """Returns each replica's weights after steps in a graph."""
    with strategy.scope():
        variables = {
            name: keras.Variable(array.astype("float32"), name=name)
            for name, array in numbers(0).items()
        }
        optimizer = AdamWWithRates(
            RATE,
            {variables[name].path: factor for name, (_, factor, _) in WEIGHTS.items()},
            DECAY,
            [variables[name].path for name, (_, _, decays) in WEIGHTS.items() if not decays],
            beta_1=BETA_1,
            beta_2=BETA_2,
            epsilon=EPSILON,
        )
        optimizer.build(list(variables.values()))

        def replica_step(gradients):
            shares = [gradient / strategy.num_replicas_in_sync for gradient in gradients]
            optimizer.apply_gradients(zip(shares, variables.values(), strict=True))

        step = tf.function(lambda gradients: strategy.run(replica_step, [gradients]))
        for number in range(1, NUM_STEPS + 1):
            step([tf.constant(array, tf.float32) for array in numbers(number).values()])
    return {
        name: [copy.numpy() for copy in strategy.experimental_local_results(variable.value)]
        for name, variable in variables.items()
    }


def trained_on_two_replicas():
    """Runs in a process of its own, before TensorFlow has set up its devices."""
    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return trained(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))


def check(found, num_replicas):
    for name, expected in by_the_paper().items():
        assert len(found[name]) == num_replicas
        for copy in found[name]:
            np.testing.assert_allclose(copy, expected, rtol=1e-5, atol=1e-6, err_msg=name)
            np.testing.assert_array_equal(copy, found[name][0])


def test_steps_are_those_of_the_paper():
    check(trained(tf.distribute.get_strategy()), 1)


def test_two_replicas_take_the_same_steps():
    with concurrent.futures.ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn")
    ) as process:
        check(process.submit(trained_on_two_replicas).result(), 2)


def test_only_the_steps_of_large_weights_in_a_graph_are_compiled(monkeypatch):
    compiled = []

    def note(settings, decay):
        compiled.append((settings["grad"].shape, decay is not None))

    monkeypatch.setattr(adamw_with_rates, "_compiled_move", note)
    trained(tf.distribute.get_strategy())
    large = [(tuple(shape), decays) for shape, _, decays in list(WEIGHTS.values())[:3]]
    assert set(compiled) == set(large)


@pytest.mark.parametrize("name", ["large", "small"])
def test_outside_of_a_graph_the_steps_are_the_same(name):
    variable = keras.Variable(numbers(0)[name].astype("float32"))
    _, factor, _ = WEIGHTS[name]
    optimizer = AdamWWithRates(
        RATE, {variable.path: factor}, DECAY, beta_1=BETA_1, beta_2=BETA_2, epsilon=EPSILON
    )
    for number in range(1, NUM_STEPS + 1):
        optimizer.apply([tf.constant(numbers(number)[name], tf.float32)], [variable])
    np.testing.assert_allclose(variable, by_the_paper()[name], rtol=1e-5, atol=1e-6)
