"""Schedule-free AdamW, and the average of the weights that it is for."""

import contextlib

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mpnet_tf")
class ScheduleFreeAdamW(keras.optimizers.AdamW):
    """Schedule-free AdamW: steps of z, an average x of them, and gradients at y between the two.

    The model holds y. The optimizer holds z in the place of AdamW's first moments. x follows from
    both; see `averaged_weights`.

    Keras' class of this name (3.14 to 3.15.1) has neither x nor y right with TensorFlow: it reads
    the old z after its update, decays y alone and, during the warm-up, averages evenly.

    Args:
        learning_rate, beta_1, beta_2, epsilon, weight_decay: as of `keras.optimizers.AdamW`;
            `beta_1`, above 0, is the weight of x in y. The learning rate rises and stays.

    References:
        [The Road Less Scheduled](https://arxiv.org/abs/2405.15682), algorithm 1.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Over a million steps, float32 would round off what each adds.
        self._sum_of_squared_rates = self.add_variable(
            shape=(),
            dtype="float64",
            aggregation="only_first_replica",
            name="sum_of_squared_rates",
        )

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        for z, variable in zip(self._momentums, variables, strict=True):
            z.assign(variable)

    def apply(self, grads, trainable_variables=None):
        rate = self._corrected_rate(self.learning_rate, "float64")
        self._sum_of_squared_rates.assign_add(ops.square(rate))
        super().apply(grads, trainable_variables)

    def _apply_weight_decay(self, variables):
        """Does nothing: `update_step` decays."""

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        z, velocity = self._momentums[index], self._velocities[index]
        gradient = ops.cast(gradient, variable.dtype)
        rate = self._corrected_rate(learning_rate, "float64")
        share = ops.cast(ops.square(rate) / self._sum_of_squared_rates, variable.dtype)
        # Before z moves on.
        x = self.average(variable)
        self.assign_add(velocity, (ops.square(gradient) - velocity) * (1 - self.beta_2))
        update = gradient / (ops.sqrt(velocity) + self.epsilon)
        if self._use_weight_decay(variable):
            update += self.weight_decay * variable
        self.assign_sub(z, ops.cast(rate, variable.dtype) * update)
        x += share * (z - x)
        self.assign(variable, x + (1 - self.beta_1) * (z - x))

    def _corrected_rate(self, learning_rate, dtype):
        """Returns the learning rate with the correction for the second moments' start at 0."""
        step = ops.cast(self.iterations + 1, dtype)
        return ops.cast(learning_rate, dtype) * ops.sqrt(1 - self.beta_2**step)

    def average(self, variable):
        """Returns x, given the model's variable, which holds y."""
        z = self._momentums[self._get_variable_index(variable)]
        return (variable - (1 - self.beta_1) * z) / self.beta_1


@contextlib.contextmanager
def averaged_weights(optimizer, model):
    """Has a model hold the weights that its optimizer's method means to be used.

    With schedule-free AdamW these are the average x. The weights y that it trains are for its
    gradients alone; so evaluate and export within the block, and save and restore checkpoints of
    a run outside. Any other optimizer trains the weights that are used, and nothing happens.

    Args:
        optimizer: as `make_optimizer` returns it.
        model: the model that it was made for. Within the block it must not be trained; after it,
            the trained weights are back bit for bit.
    """
    if not isinstance(optimizer, ScheduleFreeAdamW):
        yield
        return
    trained = [ops.convert_to_numpy(variable).copy() for variable in model.trainable_variables]
    try:
        take_averaged_weights(optimizer, model)
        yield
    finally:
        for variable, value in zip(model.trainable_variables, trained, strict=True):
            variable.assign(value)


def take_averaged_weights(optimizer, model):
    """Gives a model for good the weights that `averaged_weights` lends it: it is trained."""
    if isinstance(optimizer, ScheduleFreeAdamW):
        for variable in model.trainable_variables:
            variable.assign(optimizer.average(variable))
