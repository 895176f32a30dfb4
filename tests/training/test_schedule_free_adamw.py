"""Schedule-free AdamW against its paper worked in NumPy, and the weights that it is for."""

import numpy as np
import pytest

from mpnet_tf.training.optimizers import make_optimizer
from mpnet_tf.training.schedule_free_adamw import averaged_weights
from tests.training.optimizer_steps import (
    RATES,
    TOTAL_STEPS,
    check_steps,
    make_config,
    random_gradients,
    take_step,
)

# Rising, and then staying.
CONSTANT_RATES = [*RATES[:4], 0.1]
AVERAGES = []


def schedule_free(value, rates, decay):
    """Defazio et al. 2024, algorithm 1; x as the weighted mean of all z, not by recursion.

    Yields y, and keeps x for the caller in `AVERAGES`.
    """
    z, second = value, np.zeros_like(value)
    all_z, weights = [], []
    gradient = yield
    for step, rate in enumerate(rates, start=1):
        second = 0.98 * second + 0.02 * gradient**2
        rate = rate * np.sqrt(1 - 0.98**step)
        z = z - rate * gradient / (np.sqrt(second) + 1e-6) - rate * decay * value
        all_z.append(z)
        weights.append(rate**2)
        x = np.average(all_z, axis=0, weights=weights)
        AVERAGES.append(x)
        value = 0.1 * z + 0.9 * x
        gradient = yield value


def test_schedule_free_averages_the_weighted_steps(random_pretrainer):
    AVERAGES.clear()
    # Dividing by beta_1 at each step lets the rounding of y grow by a ninth.
    rates = [*CONSTANT_RATES, 0.1, 0.1, 0.1]
    optimizer = check_steps(
        make_config("schedule_free_adamw"), random_pretrainer, schedule_free, rates, atol=1e-5
    )
    variables = random_pretrainer.trainable_variables
    trained = [variable.numpy() for variable in variables]
    with averaged_weights(optimizer, random_pretrainer):
        for variable, x in zip(variables, AVERAGES[-len(variables) :], strict=True):
            np.testing.assert_allclose(variable.numpy(), x, atol=1e-5, err_msg=variable.path)
    for variable, value in zip(variables, trained, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_schedule_free_restores_the_trained_weights_after_an_error(random_pretrainer):
    config = make_config("schedule_free_adamw")
    optimizer = make_optimizer(config, random_pretrainer, total_steps=TOTAL_STEPS)
    for gradients in random_gradients(random_pretrainer.trainable_variables, 3):
        take_step(optimizer, gradients, random_pretrainer.trainable_variables)
    trained = [variable.numpy() for variable in random_pretrainer.trainable_variables]
    with pytest.raises(KeyError), averaged_weights(optimizer, random_pretrainer):
        assert any(
            (variable.numpy() != value).any()
            for variable, value in zip(random_pretrainer.trainable_variables, trained, strict=True)
        )
        raise KeyError
    for variable, value in zip(random_pretrainer.trainable_variables, trained, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_other_optimizers_train_the_weights_to_use(random_pretrainer):
    optimizer = make_optimizer(make_config("adamw"), random_pretrainer, total_steps=TOTAL_STEPS)
    trained = [variable.numpy() for variable in random_pretrainer.trainable_variables]
    with averaged_weights(optimizer, random_pretrainer):
        for variable, value in zip(random_pretrainer.trainable_variables, trained, strict=True):
            np.testing.assert_array_equal(variable.numpy(), value)
