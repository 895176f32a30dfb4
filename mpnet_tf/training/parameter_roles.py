"""What each weight of a model is for, whatever it is called."""

import keras

from mpnet_tf.layers.lm_head import LMHead
from mpnet_tf.layers.relative_position_bias import RelativePositionBias
from mpnet_tf.layers.transformer_block import TransformerBlock

# The layers that hold weights themselves, and what those of their attributes are for.
_ROLES_OF_ATTRIBUTES = (
    (keras.layers.Dense, {"kernel": "kernel", "bias": "bias"}),
    (keras.layers.EinsumDense, {"kernel": "kernel", "bias": "bias"}),
    (keras.layers.LayerNormalization, {"gamma": "norm", "beta": "norm"}),
    (keras.layers.Embedding, {"embeddings": "embedding", "reverse_embeddings": "embedding"}),
    (RelativePositionBias, {"embeddings": "embedding"}),
    (LMHead, {"bias": "bias"}),
)


def parameter_roles(model):
    """Tells the role of every trainable weight from the layer that holds it.

    Args:
        model: built Keras model.

    Returns:
        dict from the paths of the model's trainable variables, in their order, to "kernel",
        "embedding", "bias" or "norm". Tables of biases by distance are embeddings.

    Raises:
        ValueError: if a trainable variable belongs to a layer of another kind.
    """
    roles = {}
    for layer in _layers_within(model):
        for layer_class, attributes in _ROLES_OF_ATTRIBUTES:
            if isinstance(layer, layer_class):
                for name, role in attributes.items():
                    roles[id(getattr(layer, name, None))] = role
    unknown = [variable.path for variable in model.trainable_variables if id(variable) not in roles]
    if unknown:
        kinds = ", ".join(layer_class.__name__ for layer_class, _ in _ROLES_OF_ATTRIBUTES)
        raise ValueError(
            f"`model` must hold its trainable variables in layers of known kinds ({kinds}), which "
            f"tell what decays. Received: model with {', '.join(unknown)}"
        )
    return {variable.path: roles[id(variable)] for variable in model.trainable_variables}


def transformer_kernels(model):
    """Lists the paths of the kernels within transformer layers.

    Args:
        model: built Keras model.

    Returns:
        list of str.

    Raises:
        ValueError: as `parameter_roles`.
    """
    roles = parameter_roles(model)
    return [
        variable.path
        for layer in _layers_within(model)
        if isinstance(layer, TransformerBlock)
        for variable in layer.trainable_variables
        if roles[variable.path] == "kernel"
    ]


def relative_biases(model):
    """Lists the paths of the tables of biases by distance.

    Args:
        model: built Keras model.

    Returns:
        list of str.
    """
    return [
        layer.embeddings.path
        for layer in _layers_within(model)
        if isinstance(layer, RelativePositionBias)
    ]


def _layers_within(model):
    # Keras lists the layers within layers nowhere in public.
    return list(model._flatten_layers())
