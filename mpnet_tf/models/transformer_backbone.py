"""The transformer body, with everything that published bodies choose differently as arguments."""

import types

import keras
import keras_hub
from keras import ops

from mpnet_tf.layers.relative_position_bias import RelativePositionBias
from mpnet_tf.layers.slot_embedding import SlotEmbedding
from mpnet_tf.layers.transformer_block import TransformerBlock
from mpnet_tf.layers.visibility_bias import VisibilityBias
from mpnet_tf.models.foreign_presets import ForeignPresets

_RELATIVE_DEFAULTS = types.MappingProxyType(
    {"num_relative_buckets": 32, "max_relative_distance": 128}
)


def check_relative_settings_unused(body, settings):
    """Checks that the settings of relative positions have their defaults.

    Args:
        body: str. What has no relative positions.
        settings: mapping from names to values; those of others are of no matter.

    Raises:
        ValueError: if one differs.
    """
    for name, default in _RELATIVE_DEFAULTS.items():
        value = settings.get(name, default)
        if value != default:
            raise ValueError(
                f"`{name}` must be left at {default} in {body}, which has no relative "
                f"positions. Received: {name}={value}"
            )


def weight_initializer(stddev):
    """Makes the initialiser of a body's weight matrices, that of BERT."""
    return keras.initializers.TruncatedNormal(stddev=stddev)


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TransformerBackbone(ForeignPresets, keras_hub.models.Backbone):
    """A transformer encoder over tokens that see whatever they are told to see.

    Called plainly, as here, every token sees every other; in pretraining, `Pretrainer` runs the
    same layers under an objective's visibility. Published bodies are subclasses, which fix the
    choices that make them what they are in `fixed_choices`. The default sizes are those of the
    published base models.

    Args:
        vocabulary_size: int. Token ids.
        num_layers: int. Transformer layers.
        num_heads: int. Attention heads; divides `hidden_dim`.
        hidden_dim: int. Width of the hidden states.
        intermediate_dim: int. Width inside the feed-forward networks.
        dropout: float in [0, 1). Dropped share of embeddings and sublayer outputs in training.
        attention_dropout: float in [0, 1). Dropped share of the attention weights in training.
        max_sequence_length: int. Longest text, and the rows of the position tables.
        num_relative_buckets: int, a multiple of 4. Buckets of the relative position bias.
        max_relative_distance: int. Distances from here on share a bucket.
        layer_norm_epsilon: float. Added to the variance in all layer norms.
        initializer_stddev: float. Standard deviation of the initial weight matrices. The papers'
            0.02 suits their widths; narrow models learn sooner from about `hidden_dim ** -0.5`.
        norm_order: "post" or "pre", as in `TransformerBlock`. With "post", the embeddings are
            normalised; with "pre", the last hidden states are, and the projections that write
            into the residual stream start smaller by `(2 * num_layers) ** -0.5`, as in GPT-2.
        absolute_positions: bool. Whether there are learned embeddings of the positions.
        position_offset: int. Rows of their table before the first position's.
        relative_positions: bool. Whether all layers share a relative position bias.
        block_positions: bool. Whether there are learned embeddings of the places within a blank.
        num_segments: int. Types of segments with a learned embedding each; 0 for none.
        approximate_gelu: bool. Whether the Gaussian error linear unit is its tanh approximation.
        lm_head_transform: bool. Whether a language-model head on this body has a dense layer
            before the transposed token embedding.
        dtype: dtype or dtype policy of computations and weights.

    Call arguments:
        token_ids: int tensor `(batch_size, sequence_length)`.
        padding_mask: int or bool tensor `(batch_size, sequence_length)`: 1 or True for a real
            token.
        segment_ids: int tensor `(batch_size, sequence_length)`, from 0. Only where `num_segments`
            is not 0.

    Returns:
        Float tensor `(batch_size, sequence_length, hidden_dim)`.

    Raises:
        ValueError: if there are neither absolute nor relative positions, if a setting of relative
            positions is changed where there are none, or an argument is out of its range.

    References:
        [Attention Is All You Need](https://arxiv.org/abs/1706.03762); the smaller start is of
        [GPT-2](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf),
        section 2.3.
    """

    # Of a published body: the choices that are no arguments of it.
    fixed_choices = types.MappingProxyType({})

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
        num_relative_buckets=_RELATIVE_DEFAULTS["num_relative_buckets"],
        max_relative_distance=_RELATIVE_DEFAULTS["max_relative_distance"],
        layer_norm_epsilon=1e-5,
        initializer_stddev=0.02,
        norm_order="post",
        absolute_positions=True,
        position_offset=0,
        relative_positions=False,
        block_positions=False,
        num_segments=0,
        approximate_gelu=False,
        lm_head_transform=True,
        dtype=None,
        **kwargs,
    ):
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
        self.norm_order = norm_order
        self.absolute_positions = absolute_positions
        self.position_offset = position_offset
        self.relative_positions = relative_positions
        self.block_positions = block_positions
        self.num_segments = num_segments
        self.approximate_gelu = approximate_gelu
        self.lm_head_transform = lm_head_transform
        self._check_choices()

        # === Layers ===
        self.embeddings = self._make_embeddings(dtype)
        self.token_embedding = self.embeddings.token_embedding
        self.attention_bias = self._make_attention_bias(dtype)
        self.transformer_layers = self._make_transformer_layers(dtype)
        self.final_norm = None
        if norm_order == "pre":
            self.final_norm = keras.layers.LayerNormalization(
                epsilon=layer_norm_epsilon, dtype=dtype, name="final_norm"
            )

        # === Functional model ===
        names = ["token_ids", "padding_mask"] + (["segment_ids"] if num_segments else [])
        inputs = {name: keras.Input(shape=(None,), dtype="int32", name=name) for name in names}
        super().__init__(inputs=inputs, outputs=self._encode(**inputs), dtype=dtype, **kwargs)

    def _check_choices(self):
        if not (self.absolute_positions or self.relative_positions):
            raise ValueError(
                "`absolute_positions` or `relative_positions` must be True, or the order of the "
                "tokens would not count. Received: absolute_positions="
                f"{self.absolute_positions}, relative_positions={self.relative_positions}"
            )
        for name in ("position_offset", "num_segments"):
            if getattr(self, name) < 0:
                raise ValueError(
                    f"`{name}` must not be negative. Received: {name}={getattr(self, name)}"
                )
        for name in ("num_layers", "max_sequence_length"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be positive. Received: {name}={getattr(self, name)}"
                )
        if not self.relative_positions:
            check_relative_settings_unused(type(self).__name__, vars(self))

    def _make_embeddings(self, dtype):
        return SlotEmbedding(
            vocabulary_size=self.vocabulary_size,
            max_sequence_length=self.max_sequence_length,
            hidden_dim=self.hidden_dim,
            absolute_positions=self.absolute_positions,
            position_offset=self.position_offset,
            block_positions=self.block_positions,
            num_segments=self.num_segments,
            normalize=self.norm_order == "post",
            dropout=self.dropout,
            layer_norm_epsilon=self.layer_norm_epsilon,
            embeddings_initializer=weight_initializer(self.initializer_stddev),
            dtype=dtype,
            name="embeddings",
        )

    def _make_attention_bias(self, dtype):
        if not self.relative_positions:
            return VisibilityBias(dtype=dtype, name="visibility_bias")
        return RelativePositionBias(
            num_heads=self.num_heads,
            num_buckets=self.num_relative_buckets,
            max_distance=self.max_relative_distance,
            initializer=weight_initializer(self.initializer_stddev),
            dtype=dtype,
            name="relative_position_bias",
        )

    def _make_transformer_layers(self, dtype):
        output_initializer = None
        if self.norm_order == "pre":
            # Each layer adds twice to a residual stream that nothing normalises on its way.
            output_initializer = weight_initializer(
                self.initializer_stddev * (2 * self.num_layers) ** -0.5
            )
        return [
            TransformerBlock(
                num_heads=self.num_heads,
                hidden_dim=self.hidden_dim,
                intermediate_dim=self.intermediate_dim,
                norm_order=self.norm_order,
                approximate_gelu=self.approximate_gelu,
                dropout=self.dropout,
                attention_dropout=self.attention_dropout,
                layer_norm_epsilon=self.layer_norm_epsilon,
                kernel_initializer=weight_initializer(self.initializer_stddev),
                output_kernel_initializer=output_initializer,
                dtype=dtype,
                name=f"transformer_layer_{index}",
            )
            for index in range(self.num_layers)
        ]

    def _encode(self, token_ids, padding_mask, segment_ids=None):
        """Runs the layers over whole texts in which every real token is seen by all."""
        # Real tokens count from 0. Padding comes before the first where the table has a row there.
        position_ids = ops.cumsum(padding_mask, axis=1) * padding_mask - 1
        position_ids = ops.maximum(position_ids, -self.position_offset)
        visible = ops.logical_and(
            ops.expand_dims(ops.cast(padding_mask, "bool"), 1),
            ops.ones_like(ops.expand_dims(padding_mask, 2), dtype="bool"),
        )
        attention_bias = self.attention_bias(position_ids, position_ids, visible)
        hidden = self.embeddings(token_ids, position_ids, segment_ids=segment_ids)
        for layer in self.transformer_layers:
            hidden = layer(hidden, hidden, attention_bias)
        return hidden if self.final_norm is None else self.final_norm(hidden)

    def default_lora_layer_names(self):
        """Returns the names of the layers that `enable_lora` adapts."""
        return ["query", "key_value"]

    def get_config(self):
        config = {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "hidden_dim": self.hidden_dim,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "max_sequence_length": self.max_sequence_length,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "initializer_stddev": self.initializer_stddev,
            "norm_order": self.norm_order,
            "absolute_positions": self.absolute_positions,
            "position_offset": self.position_offset,
            "relative_positions": self.relative_positions,
            "block_positions": self.block_positions,
            "num_segments": self.num_segments,
            "approximate_gelu": self.approximate_gelu,
            "lm_head_transform": self.lm_head_transform,
        }
        if self.relative_positions:
            config["num_relative_buckets"] = self.num_relative_buckets
            config["max_relative_distance"] = self.max_relative_distance
        return {name: value for name, value in config.items() if name not in self.fixed_choices}
