"""MPNet's body."""

import keras
import keras_hub
from keras import ops

from mpnet_tf.layers.embeddings import TokenPositionEmbedding
from mpnet_tf.layers.relative_position_bias import RelativePositionBias
from mpnet_tf.layers.transformer_block import TransformerBlock


def mpnet_initializer(stddev):
    """Makes the initialiser of MPNet's weight matrices, that of BERT."""
    return keras.initializers.TruncatedNormal(stddev=stddev)


@keras.saving.register_keras_serializable(package="mpnet_tf")
class MPNetBackbone(keras_hub.models.Backbone):
    """An MPNet encoder.

    A post-layer-norm transformer with learned absolute positions and a relative position bias
    that all layers share. The default arguments are those of `mpnet_base`.

    Args:
        vocabulary_size: int. Token ids.
        num_layers: int. Transformer layers.
        num_heads: int. Attention heads; divides `hidden_dim`.
        hidden_dim: int. Width of the hidden states.
        intermediate_dim: int. Width inside the feed-forward networks.
        dropout: float in [0, 1). Dropped share of embeddings and sublayer outputs in training.
        attention_dropout: float in [0, 1). Dropped share of the attention weights in training.
        max_sequence_length: int. Positions in the position table.
        num_relative_buckets: int, a multiple of 4. Buckets of the relative position bias.
        max_relative_distance: int. Distances from here on share a bucket.
        layer_norm_epsilon: float. Added to the variance in all layer norms.
        initializer_stddev: float. Standard deviation of the initial weight matrices. The paper's
            0.02 suits its widths; narrow models learn sooner from about `hidden_dim ** -0.5`.
        dtype: dtype or dtype policy of computations and weights.

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
    backbone({"token_ids": [[0, 2023, 2003, 2]], "padding_mask": [[1, 1, 1, 1]]})
    ```

    References:
        [MPNet: Masked and Permuted Pre-training for Language Understanding](
        https://arxiv.org/abs/2004.09297).
    """

    def __init__(
        self,
        vocabulary_size,
        num_layers=12,
        num_heads=12,
        hidden_dim=768,
        intermediate_dim=3072,
        dropout=0.1,
        attention_dropout=0.1,
        max_sequence_length=512,
        num_relative_buckets=32,
        max_relative_distance=128,
        layer_norm_epsilon=1e-5,
        initializer_stddev=0.02,
        dtype=None,
        **kwargs,
    ):
        # === Layers ===
        self.embeddings = TokenPositionEmbedding(
            vocabulary_size=vocabulary_size,
            max_sequence_length=max_sequence_length,
            hidden_dim=hidden_dim,
            dropout=dropout,
            layer_norm_epsilon=layer_norm_epsilon,
            embeddings_initializer=mpnet_initializer(initializer_stddev),
            dtype=dtype,
            name="embeddings",
        )
        self.token_embedding = self.embeddings.token_embedding
        self.relative_position_bias = RelativePositionBias(
            num_heads=num_heads,
            num_buckets=num_relative_buckets,
            max_distance=max_relative_distance,
            initializer=mpnet_initializer(initializer_stddev),
            dtype=dtype,
            name="relative_position_bias",
        )
        self.transformer_layers = [
            TransformerBlock(
                num_heads=num_heads,
                hidden_dim=hidden_dim,
                intermediate_dim=intermediate_dim,
                dropout=dropout,
                attention_dropout=attention_dropout,
                layer_norm_epsilon=layer_norm_epsilon,
                kernel_initializer=mpnet_initializer(initializer_stddev),
                dtype=dtype,
                name=f"transformer_layer_{index}",
            )
            for index in range(num_layers)
        ]

        # === Functional model ===
        token_ids = keras.Input(shape=(None,), dtype="int32", name="token_ids")
        padding_mask = keras.Input(shape=(None,), dtype="int32", name="padding_mask")
        # Real tokens count from 0; padding gets -1, whose row no real token uses.
        position_ids = ops.cumsum(padding_mask, axis=1) * padding_mask - 1
        visible = ops.logical_and(
            ops.expand_dims(ops.cast(padding_mask, "bool"), 1),
            ops.ones_like(ops.expand_dims(padding_mask, 2), dtype="bool"),
        )
        attention_bias = self.relative_position_bias(position_ids, position_ids, visible)
        hidden = self.embeddings(token_ids, position_ids)
        for layer in self.transformer_layers:
            hidden = layer(hidden, hidden, attention_bias)
        super().__init__(
            inputs={"token_ids": token_ids, "padding_mask": padding_mask},
            outputs=hidden,
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_dim = hidden_dim
        self.intermediate_dim = intermediate_dim
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.max_sequence_length = max_sequence_length
        self.num_relative_buckets = num_relative_buckets
        self.max_relative_distance = max_relative_distance
        self.layer_norm_epsilon = layer_norm_epsilon
        self.initializer_stddev = initializer_stddev

    def default_lora_layer_names(self):
        """Returns the names of the layers that `enable_lora` adapts."""
        return ["query", "key_value"]

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "hidden_dim": self.hidden_dim,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "max_sequence_length": self.max_sequence_length,
            "num_relative_buckets": self.num_relative_buckets,
            "max_relative_distance": self.max_relative_distance,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "initializer_stddev": self.initializer_stddev,
        }
