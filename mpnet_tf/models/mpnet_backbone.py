"""MPNet's body."""

import types

import keras

from mpnet_tf.models.transformer_backbone import TransformerBackbone


@keras.saving.register_keras_serializable(package="mpnet_tf")
class MPNetBackbone(TransformerBackbone):
    """An MPNet encoder.

    A post-layer-norm transformer with learned absolute positions and a relative position bias
    that all layers share. The default arguments are those of `mpnet_base`.

    Args:
        vocabulary_size: int. Token ids.
        **sizes: the sizes and shares of `TransformerBackbone`, with its defaults: `num_layers`,
            `num_heads`, `hidden_dim`, `intermediate_dim`, `dropout`, `attention_dropout`,
            `max_sequence_length`, `num_relative_buckets`, `max_relative_distance`,
            `layer_norm_epsilon`, `initializer_stddev`, `dtype`.

    Call arguments:
        token_ids: int tensor `(batch_size, sequence_length)`.
        padding_mask: int or bool tensor `(batch_size, sequence_length)`: 1 or True for a real
            token.

    Returns:
        Float tensor `(batch_size, sequence_length, hidden_dim)`.

    Example:

    ```python
    backbone = MPNetBackbone(
        vocabulary_size=30527, num_layers=4, num_heads=4, hidden_dim=256, intermediate_dim=1024
    )
    token_ids = np.array([[0, 2023, 2003, 2]])
    backbone({"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)})
    ```

    References:
        [MPNet: Masked and Permuted Pre-training for Language Understanding](
        https://arxiv.org/abs/2004.09297).
    """

    fixed_choices = types.MappingProxyType(
        {
            "norm_order": "post",
            "absolute_positions": True,
            # Its checkpoints have the position table of RoBERTa.
            "position_offset": 2,
            "relative_positions": True,
            "block_positions": False,
            "num_segments": 0,
            "approximate_gelu": False,
            "lm_head_transform": True,
        }
    )

    def __init__(self, vocabulary_size, **sizes):
        super().__init__(vocabulary_size, **sizes, **self.fixed_choices)
