"""BERT's body."""

import types

import keras

from mpnet_tf.models.transformer_backbone import TransformerBackbone


@keras.saving.register_keras_serializable(package="mpnet_tf")
class BertBackbone(TransformerBackbone):
    """A BERT encoder.

    A post-layer-norm transformer with learned absolute positions and embeddings of two segments.
    In pretraining all slots are of segment 0: there is no next-sentence prediction, as in RoBERTa.
    The default arguments are those of `bert_base`.

    Args:
        vocabulary_size: int. Token ids.
        layer_norm_epsilon: float. Added to the variance in all layer norms.
        **sizes: the other sizes and shares of `TransformerBackbone`, with its defaults:
            `num_layers`, `num_heads`, `hidden_dim`, `intermediate_dim`, `dropout`,
            `attention_dropout`, `max_sequence_length`, `initializer_stddev`, `dtype`.

    Call arguments:
        token_ids: int tensor `(batch_size, sequence_length)`.
        padding_mask: int or bool tensor `(batch_size, sequence_length)`: 1 or True for a real
            token.
        segment_ids: int tensor `(batch_size, sequence_length)`: 0 for the first sentence of a
            pair, 1 for the second.

    Returns:
        Float tensor `(batch_size, sequence_length, hidden_dim)`.

    Example:

    ```python
    backbone = BertBackbone(
        vocabulary_size=30522, num_layers=4, num_heads=4, hidden_dim=256, intermediate_dim=1024
    )
    token_ids = np.array([[101, 2023, 2003, 102]])
    backbone(
        {
            "token_ids": token_ids,
            "padding_mask": np.ones_like(token_ids),
            "segment_ids": np.zeros_like(token_ids),
        }
    )
    ```

    References:
        [BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding](
        https://arxiv.org/abs/1810.04805).
    """

    fixed_choices = types.MappingProxyType(
        {
            "norm_order": "post",
            "absolute_positions": True,
            "position_offset": 0,
            "relative_positions": False,
            "block_positions": False,
            "num_segments": 2,
            "approximate_gelu": False,
            "lm_head_transform": True,
        }
    )

    def __init__(self, vocabulary_size, layer_norm_epsilon=1e-12, **sizes):
        super().__init__(
            vocabulary_size, layer_norm_epsilon=layer_norm_epsilon, **sizes, **self.fixed_choices
        )
