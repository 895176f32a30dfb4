"""AdamW with a learning rate for each weight, moved in few passes over memory."""

import keras
import tensorflow as tf

from mpnet_tf.layers.fused import is_fused

# Elements of a weight for which a pass over memory takes longer than starting what XLA compiles.
_ENOUGH_TO_COMPILE = 1 << 16


@keras.saving.register_keras_serializable(package="mpnet_tf")
class AdamWWithRates(keras.optimizers.Adam):
    """AdamW whose learning rate can be multiplied by a factor for each weight.

    The weight decay is multiplied too, so that a weight with factor 0 stays as it is. The steps are
    those of `keras.optimizers.AdamW`; on TensorFlow a weight and its moments are updated at once,
    in place: updating them one after the other reads and writes memory about four times as often.

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
        decay = rate * self.decay_rate if self.decay_rate and self._decays[index] else None
        if keras.backend.backend() == "tensorflow" and not self.amsgrad:
            self._update_at_once(gradient, variable, index, rate=rate, decay=decay)
            return
        if decay is not None:
            self.assign_sub(variable, variable * decay)
        super().update_step(gradient, variable, rate)

    def _update_at_once(self, gradient, variable, index, *, rate, decay):
        weights, first, second = (
            value.value if isinstance(value, keras.Variable) else value
            for value in (variable, self._momentums[index], self._velocities[index])
        )
        dtype = weights.dtype
        step = tf.cast(self.iterations + 1, dtype)
        beta_1, beta_2 = tf.cast(self.beta_1, dtype), tf.cast(self.beta_2, dtype)
        settings = {
            "var": weights.handle,
            "m": first.handle,
            "v": second.handle,
            "beta1_power": beta_1**step,
            "beta2_power": beta_2**step,
            "lr": rate,
            "beta1": beta_1,
            "beta2": beta_2,
            "epsilon": tf.cast(self.epsilon, dtype),
            "grad": tf.cast(gradient, dtype),
        }
        is_large = weights.shape.num_elements() >= _ENOUGH_TO_COMPILE
        move = _compiled_move if is_large and is_fused(weights.shape) else _move
        move(settings, decay)

    def get_config(self):
        return {
            **super().get_config(),
            "rates": self.rates,
            "decay_rate": self.decay_rate,
            "no_decay": sorted(self.no_decay),
        }


def _move(settings, decay):
    """Lets a weight decay, or not with None, and moves it by `tf.raw_ops.ResourceApplyAdam`."""
    if decay is not None:
        weights = tf.raw_ops.ReadVariableOp(resource=settings["var"], dtype=settings["grad"].dtype)
        tf.raw_ops.ResourceApplyGradientDescent(var=settings["var"], alpha=decay, delta=weights)
    tf.raw_ops.ResourceApplyAdam(**settings)


# XLA makes one pass of it, and compiles it once for all weights of a shape.
_compiled_move = tf.function(_move, jit_compile=True, autograph=False)
