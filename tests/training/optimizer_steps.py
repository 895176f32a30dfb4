"""Optimizers made as a config says, and their steps against coroutines worked in NumPy.

A reference takes a weight, the learning rates of its steps and its decay. It is sent gradients and
yields the weight after each.
"""

import keras
import numpy as np

from mpnet_tf.models import MPNetBackbone, Pretrainer
from mpnet_tf.training.optimizer_config import OptimizerConfig
from mpnet_tf.training.optimizers import make_optimizer

HAS_MUON = tuple(map(int, keras.__version__.split(".")[:2])) >= (3, 13)
NAMES = (
    "adamw",
    "lamb",
    "adafactor",
    *(["muon"] if HAS_MUON else []),
    "schedule_free_adamw",
)
TOTAL_STEPS = 9
# By hand: the rates of the first five steps, rising over three and then falling.
RATES = [0.1 * 1 / 4, 0.1 * 2 / 4, 0.1 * 3 / 4, 0.1, 0.1 * 5 / 6]
WEIGHT_DECAY = 0.05


def make_config(name="adamw", **settings):
    if name == "schedule_free_adamw":
        settings["schedule"] = "constant"
    return OptimizerConfig(
        **{
            "name": name,
            "learning_rate": 0.1,
            "warmup_steps": 3,
            "weight_decay": WEIGHT_DECAY,
            **settings,
        }
    )


def make_pretrainer():
    keras.utils.set_random_seed(1)
    return Pretrainer(
        MPNetBackbone(
            vocabulary_size=30,
            num_layers=1,
            num_heads=2,
            hidden_dim=8,
            intermediate_dim=12,
            max_sequence_length=10,
        )
    )


def randomize(model):
    generator = np.random.default_rng(2)
    for variable in model.trainable_variables:
        variable.assign(generator.normal(size=variable.shape))


def is_bias_or_norm(variable):
    """By name, where the optimizer goes by the layer."""
    return variable.name in ("bias", "gamma", "beta")


def is_by_muon(variable):
    return variable.path.startswith("transformer_layer_") and variable.name == "kernel"


def random_gradients(variables, num_steps):
    """Gradients of different sizes, the first two steps' beyond a norm of 1."""
    generator = np.random.default_rng(3)
    for step in range(num_steps):
        scale = 0.5 if step < 2 else 1e-3
        yield [
            (generator.normal(size=variable.shape) * scale).astype("float32")
            for variable in variables
        ]


def take_step(optimizer, gradients, variables):
    optimizer.apply_gradients(zip(map(keras.ops.array, gradients), variables, strict=True))


def values_in_float64(variables):
    return [variable.numpy().astype(np.float64) for variable in variables]


def check_steps(config, model, reference, rates=RATES, atol=3e-6, only=lambda variable: True):
    """Compares steps with a reference.

    The default tolerance: the moments are float32 and the steps add up to about 0.3.
    """
    variables = [variable for variable in model.trainable_variables if only(variable)]
    references = []
    for variable, value in zip(variables, values_in_float64(variables), strict=True):
        decay = 0.0 if is_bias_or_norm(variable) else WEIGHT_DECAY
        references.append(reference(value, rates, decay))
        next(references[-1])
    optimizer = make_optimizer(config, model, total_steps=TOTAL_STEPS)
    assert optimizer.global_clipnorm is None
    for gradients in random_gradients(variables, len(rates)):
        take_step(optimizer, gradients, variables)
        for variable, gradient, reference in zip(variables, gradients, references, strict=True):
            expected = reference.send(gradient.astype(np.float64))
            np.testing.assert_allclose(
                variable.numpy(), expected, atol=atol, rtol=2e-6, err_msg=variable.path
            )
    return optimizer


def adam_moments(gradients, first, second, beta_1=0.9, beta_2=0.98):
    """Updates both moments in place."""
    first += (1 - beta_1) * (gradients - first)
    second += (1 - beta_2) * (gradients**2 - second)
