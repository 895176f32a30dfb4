"""LAMB as published."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mpnet_tf")
class Lamb(keras.optimizers.Lamb):
    """LAMB as published: the trust ratio is of the step with its weight decay.

    Keras decays the weights apart from it. What `exclude_from_weight_decay` names moves by Adam's
    step as it is, as in the authors' code: at first, biases are 0, and a step in proportion to
    their norm would hardly move them.

    Args:
        learning_rate, beta_1, beta_2, epsilon, weight_decay: as of `keras.optimizers.Lamb`;
            `weight_decay` is a float.

    References:
        [LAMB](https://arxiv.org/abs/1904.00962), algorithm 2.
    """

    def _apply_weight_decay(self, variables):
        """Does nothing: `update_step` decays."""

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        gradient = ops.cast(gradient, variable.dtype)
        step = ops.cast(self.iterations + 1, variable.dtype)
        self.assign_add(momentum, (gradient - momentum) * (1 - self.beta_1))
        self.assign_add(velocity, (ops.square(gradient) - velocity) * (1 - self.beta_2))
        update = (momentum / (1 - self.beta_1**step)) / (
            ops.sqrt(velocity / (1 - self.beta_2**step)) + self.epsilon
        )
        if self._use_weight_decay(variable):
            update += self.weight_decay * variable
            weight_norm = ops.sqrt(ops.sum(ops.square(variable)))
            update_norm = ops.sqrt(ops.sum(ops.square(update)))
            is_ratio = ops.logical_and(weight_norm > 0, update_norm > 0)
            update *= ops.where(is_ratio, ops.divide_no_nan(weight_norm, update_norm), 1.0)
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * update)
