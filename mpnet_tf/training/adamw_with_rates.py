"""AdamW with a learning rate for each weight."""

import keras


@keras.saving.register_keras_serializable(package="mpnet_tf")
class AdamWWithRates(keras.optimizers.Adam):
    """AdamW whose learning rate is multiplied by a factor for each weight.

    The weight decay is multiplied too, so that a weight with factor 0 stays as it is.

    Args:
        learning_rate: float or schedule.
        rates: dict from the paths of variables to factors; 1 for what is not in it.
        decay_rate: float. Weight decay, multiplied by the learning rate.
        no_decay: sequence of str. Paths of the variables that do not decay.
        **kwargs: arguments of `keras.optimizers.Adam`.

    References:
        [AdamW](https://arxiv.org/abs/1711.05101), algorithm 2.
    """

    def __init__(
        self,
        learning_rate=1e-3,
        rates=None,
        decay_rate=0.01,
        no_decay=(),
        name="adamw_with_rates",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.rates = dict(rates or {})
        self.decay_rate = decay_rate
        self.no_decay = frozenset(no_decay)

    def build(self, variables):
        super().build(variables)
        # A backend's own variables, which a step is given, have no path.
        self._factors = [self.rates.get(variable.path, 1.0) for variable in variables]
        self._decays = [variable.path not in self.no_decay for variable in variables]

    def update_step(self, gradient, variable, learning_rate):
        """Moves one variable."""
        index = self._get_variable_index(variable)
        rate = keras.ops.cast(learning_rate, variable.dtype) * self._factors[index]
        if self.decay_rate and self._decays[index]:
            self.assign_sub(variable, variable * (rate * self.decay_rate))
        super().update_step(gradient, variable, rate)

    def get_config(self):
        return {
            **super().get_config(),
            "rates": self.rates,
            "decay_rate": self.decay_rate,
            "no_decay": sorted(self.no_decay),
        }
