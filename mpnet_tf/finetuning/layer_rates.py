"""Smaller learning rates for lower layers."""

import keras

from mpnet_tf.models.transformer_backbone import TransformerBackbone


def layer_rates(model, decay):
    """Tells by how much each weight's learning rate is multiplied.

    The head has 1, the last layer of the body `decay`, the one below it `decay ** 2`, and the
    embeddings the smallest.

    Args:
        model: task on a `TransformerBackbone`, with it as `backbone`.
        decay: float in (0, 1].

    Returns:
        dict from the paths of the model's trainable variables to floats.

    Raises:
        ValueError: if `decay` is out of its range.

    References:
        [ELECTRA](https://arxiv.org/abs/2003.10555), appendix B; after ULMFiT
        (https://arxiv.org/abs/1801.06146), section 3.2.
    """
    if not 0 < decay <= 1:
        raise ValueError(f"`decay` must be above 0 and at most 1. Received: decay={decay}")
    depths = {}
    backbone: TransformerBackbone = model.backbone
    layers = backbone.transformer_layers
    for variable in backbone.trainable_variables:
        depths[variable.path] = len(layers) + 1
    for number, layer in enumerate(layers):
        for variable in layer.trainable_variables:
            depths[variable.path] = len(layers) - number
    if backbone.final_norm is not None:
        for variable in backbone.final_norm.trainable_variables:
            depths[variable.path] = 1
    return {
        variable.path: decay ** depths.get(variable.path, 0)
        for variable in model.trainable_variables
    }


@keras.saving.register_keras_serializable(package="mpnet_tf")
class LayerwiseAdamW(keras.optimizers.Adam):
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
        name="layerwise_adamw",
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
