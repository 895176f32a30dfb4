"""A body after XLNet's: relative positions alone."""

import types

import keras

from mpnet_tf.models.transformer_backbone import TransformerBackbone


@keras.saving.register_keras_serializable(package="mpnet_tf")
class XLNetStyleBackbone(TransformerBackbone):
    """An encoder that knows where tokens stand to each other, not where they stand in the text.

    It is MPNet's body without absolute positions, and not XLNet's: where XLNet has Transformer-XL's
    sinusoidal relative attention with two learned biases in each layer, this has one learned bias
    for each bucket of distances, shared by all layers. Nor has it XLNet's memory of the text
    before, its relative segment encodings or its learned start of the query stream, and it
    normalises the embeddings, which XLNet does not. No checkpoint of XLNet fits. The default
    arguments are the sizes of `xlnet_base`.

    Args:
        vocabulary_size: int. Token ids.
        layer_norm_epsilon: float. Added to the variance in all layer norms.
        **sizes: the other sizes and shares of `TransformerBackbone`, with its defaults:
            `num_layers`, `num_heads`, `hidden_dim`, `intermediate_dim`, `dropout`,
            `attention_dropout`, `max_sequence_length`, `num_relative_buckets`,
            `max_relative_distance`, `initializer_stddev`, `dtype`. No table depends on
            `max_sequence_length`.

    Call arguments:
        token_ids: int tensor `(batch_size, sequence_length)`.
        padding_mask: int or bool tensor `(batch_size, sequence_length)`: 1 or True for a real
            token.

    Returns:
        Float tensor `(batch_size, sequence_length, hidden_dim)`.

    Example:

    ```python
    backbone = XLNetStyleBackbone(
        vocabulary_size=30527, num_layers=4, num_heads=4, hidden_dim=256, intermediate_dim=1024
    )
    token_ids = np.array([[0, 2023, 2003, 2]])
    backbone({"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)})
    ```

    References:
        [XLNet: Generalized Autoregressive Pretraining for Language Understanding](
        https://arxiv.org/abs/1906.08237); the bias is that of
        [T5](https://arxiv.org/abs/1910.10683), section 2.1.
    """

    fixed_choices = types.MappingProxyType(
        {
            "norm_order": "post",
            "absolute_positions": False,
            "position_offset": 0,
            "relative_positions": True,
            "block_positions": False,
            "num_segments": 0,
            "approximate_gelu": False,
            "lm_head_transform": True,
        }
    )

    def __init__(self, vocabulary_size, layer_norm_epsilon=1e-12, **sizes):
        super().__init__(
            vocabulary_size, layer_norm_epsilon=layer_norm_epsilon, **sizes, **self.fixed_choices
        )
