"""Smaller learning rates for lower layers."""

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
