"""The optimizer of a run."""

import re

import keras

from mpnet_tf.training.adamw_with_rates import AdamWWithRates
from mpnet_tf.training.lamb import Lamb
from mpnet_tf.training.parameter_roles import (
    parameter_roles,
    relative_biases,
    transformer_kernels,
)
from mpnet_tf.training.schedule_free_adamw import ScheduleFreeAdamW
from mpnet_tf.training.schedules import make_schedule

# The first whose Muon gives its AdamW part a weight decay, and its steps the size of Adam's.
_FIRST_KERAS_WITH_MUON = (3, 13)


def make_optimizer(config, model, *, total_steps):
    """Makes the optimizer that a config chooses, with weight decay by the weights' roles.

    It clips no gradients: a train step that splits the batch has to clip their sum itself.

    Args:
        config: `OptimizerConfig`.
        model: built Keras model.
        total_steps: int. Steps of the whole run.

    Returns:
        `keras.optimizers.Optimizer`, built for the model's trainable variables.

    Raises:
        ValueError: if the warm-up and the decay do not fit into the run, a weight of the model is
            of no known role, or the installed Keras lacks the optimizer.

    References:
        [AdamW](https://arxiv.org/abs/1711.05101), algorithm 2;
        [Adafactor](https://arxiv.org/abs/1804.04235), algorithms 4 and 5, with decoupled weight
        decay; [Muon](https://arxiv.org/abs/2502.16982), section 2.2; those of `Lamb` and
        `ScheduleFreeAdamW`.
    """
    settings = {
        # Keras' own choice counts the optimizers of the process, and paths begin with it.
        "name": config.name,
        "learning_rate": make_schedule(config, total_steps),
        "weight_decay": config.weight_decay,
    }
    adam_settings = {
        **settings,
        "beta_1": config.beta_1,
        "beta_2": config.beta_2,
        "epsilon": config.epsilon,
    }
    if config.name == "adamw":
        optimizer = _make_adamw(config, model, **adam_settings)
    elif config.name == "lamb":
        optimizer = Lamb(**adam_settings)
    elif config.name == "adafactor":
        optimizer = Adafactor(**settings)
    elif config.name == "muon":
        optimizer = _make_muon(config, model, **settings)
    else:
        optimizer = ScheduleFreeAdamW(**adam_settings)
    roles = parameter_roles(model)
    optimizer.exclude_from_weight_decay(
        var_list=[
            variable
            for variable in model.trainable_variables
            if roles[variable.path] in config.no_weight_decay
        ]
    )
    optimizer.build(model.trainable_variables)
    return optimizer


def _make_adamw(config, model, *, weight_decay, **settings):
    roles = parameter_roles(model)
    rates = {}
    if config.relative_bias_rate != 1:
        rates = dict.fromkeys(relative_biases(model), config.relative_bias_rate)
    return AdamWWithRates(
        rates=rates,
        decay_rate=weight_decay,
        no_decay=[path for path, role in roles.items() if role in config.no_weight_decay],
        **settings,
    )


def _make_muon(config, model, **settings):
    if tuple(map(int, keras.__version__.split(".")[:2])) < _FIRST_KERAS_WITH_MUON:
        raise ValueError(
            "`name` 'muon' needs keras 3.13 or above, thus Python 3.11 or above. "
            f"Received: keras {keras.__version__}"
        )
    by_muon = set(transformer_kernels(model))
    others = [
        variable.path for variable in model.trainable_variables if variable.path not in by_muon
    ]
    return keras.optimizers.Muon(
        **settings,
        adam_weight_decay=config.weight_decay,
        adam_beta_1=config.beta_1,
        adam_beta_2=config.beta_2,
        epsilon=config.epsilon,
        # By path alone: Keras would go by the names of layers.
        exclude_layers=[f"^{re.escape(path)}$" for path in others],
        exclude_embeddings=False,
    )


@keras.saving.register_keras_serializable(package="mpnet_tf")
class Adafactor(keras.optimizers.Adafactor):
    """Adafactor whose variables have paths of their own, by which a checkpoint tells them apart.

    Keras names the statistics of rows and of columns alike, and those of all kernels.
    """

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        for number, variable in enumerate(self.variables):
            variable._path = f"{variable.path}_{number}"
