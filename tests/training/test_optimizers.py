"""What decays and what does not, and the update itself, against AdamW worked in NumPy."""

import keras
import numpy as np
import pytest

from mpnet_tf.models import MPNetBackbone, Pretrainer
from mpnet_tf.training.config import OptimizerConfig
from mpnet_tf.training.optimizers import make_optimizer

CONFIG = OptimizerConfig(learning_rate=0.1, warmup_steps=3, weight_decay=0.05)
TOTAL_STEPS = 9
# By hand: the rates of the first five steps, rising over three and then falling.
RATES = [0.1 * 1 / 4, 0.1 * 2 / 4, 0.1 * 3 / 4, 0.1, 0.1 * 5 / 6]


@pytest.fixture
def model():
    keras.utils.set_random_seed(1)
    model = Pretrainer(
        MPNetBackbone(
            vocabulary_size=30,
            num_layers=2,
            num_heads=2,
            hidden_dim=8,
            intermediate_dim=12,
            max_sequence_length=10,
        )
    )
    generator = np.random.default_rng(2)
    # Fresh biases are 0 and would not show a decay.
    for variable in model.trainable_variables:
        variable.assign(generator.normal(size=variable.shape))
    return model


def is_bias_or_norm(variable):
    """By name, where the optimizer goes by rank."""
    return variable.name in ("bias", "gamma", "beta")


def test_without_gradients_matrices_shrink_and_nothing_else_moves(model):
    variables = model.trainable_variables
    before = [variable.numpy().astype(np.float64) for variable in variables]
    optimizer = make_optimizer(CONFIG, model, total_steps=TOTAL_STEPS)
    for _ in RATES:
        optimizer.apply_gradients(
            [(keras.ops.zeros(variable.shape), variable) for variable in variables]
        )
    factor = np.prod([1 - rate * CONFIG.weight_decay for rate in RATES])
    kinds = {True: 0, False: 0}
    for variable, old in zip(variables, before, strict=True):
        stays = is_bias_or_norm(variable)
        kinds[stays] += 1
        if stays:
            np.testing.assert_array_equal(variable.numpy(), old, err_msg=variable.path)
        else:
            np.testing.assert_allclose(
                variable.numpy(), old * factor, rtol=2e-6, err_msg=variable.path
            )
    assert kinds[True] > 15 and kinds[False] > 8


def test_steps_equal_adamw_in_numpy(model):
    """Decoupled decay (Loshchilov and Hutter 2019, algorithm 2), all gradients clipped together.

    Epsilon stands where Kingma and Ba put it at the end of their section 2, as in Keras.
    """
    variables = model.trainable_variables
    values = [variable.numpy().astype(np.float64) for variable in variables]
    optimizer = make_optimizer(CONFIG, model, total_steps=TOTAL_STEPS)
    generator = np.random.default_rng(3)
    first_moments = [np.zeros_like(value) for value in values]
    second_moments = [np.zeros_like(value) for value in values]
    for step, rate in enumerate(RATES, start=1):
        # The first two steps' norms are beyond the bound of 1, the others within it.
        scale = 0.5 if step <= 2 else 1e-3
        gradients = [
            (generator.normal(size=value.shape) * scale).astype("float32") for value in values
        ]
        optimizer.apply_gradients(zip(map(keras.ops.array, gradients), variables, strict=True))
        norm = np.sqrt(sum(np.sum(np.square(gradient, dtype=np.float64)) for gradient in gradients))
        assert (norm > 1) == (step <= 2)
        for index, gradient in enumerate(gradients):
            gradient = gradient / max(norm, 1)
            first_moments[index] += (1 - CONFIG.beta_1) * (gradient - first_moments[index])
            second_moments[index] += (1 - CONFIG.beta_2) * (gradient**2 - second_moments[index])
            correction = np.sqrt(1 - CONFIG.beta_2**step) / (1 - CONFIG.beta_1**step)
            root = np.sqrt(second_moments[index])
            decay = 0 if is_bias_or_norm(variables[index]) else CONFIG.weight_decay
            values[index] -= rate * (
                decay * values[index] + correction * first_moments[index] / (root + CONFIG.epsilon)
            )
    for variable, value in zip(variables, values, strict=True):
        # The moments are float32 and the steps add up to about 0.3.
        np.testing.assert_allclose(variable.numpy(), value, atol=3e-6, err_msg=variable.path)


def test_warmup_longer_than_the_run_is_refused(model):
    with pytest.raises(ValueError, match=r"warmup_steps=3, total_steps=3"):
        make_optimizer(CONFIG, model, total_steps=3)
