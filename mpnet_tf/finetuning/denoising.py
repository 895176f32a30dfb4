"""Trains an embedder to keep in its one vector what a text says (TSDAE)."""

import keras
from keras import ops

from mpnet_tf.models.masked_lm import make_lm_head
from mpnet_tf.models.transformer_backbone import weight_initializer


@keras.saving.register_keras_serializable(package="mpnet_tf")
class CausalVisibility(keras.layers.Layer):
    """Tells that each place sees itself and those before it.

    Call arguments:
        token_ids: int tensor `(batch_size, sequence_length)`, of which the shape alone counts.

    Returns:
        int32 position ids `(batch_size, sequence_length)`, from 0, and a bool tensor
        `(batch_size, sequence_length, sequence_length)`, True where the place of the second axis
        sees that of the third.
    """

    def call(self, token_ids):
        position_ids = ops.cumsum(ops.ones_like(token_ids), axis=1) - 1
        visible = ops.expand_dims(position_ids, 2) >= ops.expand_dims(position_ids, 1)
        return position_ids, visible

    def compute_output_spec(self, token_ids):
        batch_size, length = token_ids.shape
        return (
            keras.KerasTensor((batch_size, length), dtype="int32"),
            keras.KerasTensor((batch_size, length, length), dtype="bool"),
        )


@keras.saving.register_keras_serializable(package="mpnet_tf")
class DenoisingModel(keras.Model):
    """An embedder and a decoder that writes a text from the embedding of what is left of it.

    The decoder is the embedder's own backbone, with all its weights, run from left to right over
    the whole text: place t sees the tokens up to t and predicts the next. Into the input of each
    layer goes the embedding, through a dense layer of that layer's own, the same at every place. A
    language-model head on the transposed token embedding gives the logits. Training it trains the
    embedder, which alone is kept.

    Attention to one key has weight 1 whatever the query: cross-attention to a single vector, as
    the paper's decoder has it, is a linear map of that vector, and so is what stands here. What
    differs from Wang et al. 2021: the map is added before a layer, not between its self-attention
    and its feed-forward network with a residual and a layer norm of its own; the embedding has the
    length that the embedder gives it; and tokens are deleted, not words.

    It is a plain Keras model: compile and fit it, on `denoising_batches`.

    Args:
        embedder: `TransformerTextEmbedder`.

    Call arguments:
        A dict of the embedder's features of texts with tokens deleted, and `decoder_token_ids`,
        an int tensor `(batch_size, target_length)` of the whole texts but for their last place,
        with padding, if any, at the end.

    Returns:
        float32 tensor `(batch_size, target_length, vocabulary_size)`: the logits of the tokens
        that follow.

    Example:

    ```python
    model = DenoisingModel(embedder)
    model.compile(
        keras.optimizers.AdamW(3e-5),
        # The mean over the tokens; other reductions count the padding too.
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
    )
    model.fit(
        denoising_batches(texts, pack, batch_size=8, seed=0, pad_token_id=1),
        steps_per_epoch=len(texts) // 8,
    )
    embedder.save_to_preset("embedder")
    ```

    References:
        [TSDAE](https://arxiv.org/abs/2104.06979), section 3.
    """

    def __init__(self, embedder, **kwargs):
        backbone = embedder.backbone
        # === Layers ===
        causal_visibility = CausalVisibility(name="causal_visibility")
        lm_head = make_lm_head(backbone)
        embedding_maps = [
            keras.layers.Dense(
                backbone.hidden_dim,
                kernel_initializer=weight_initializer(backbone.initializer_stddev),
                dtype=backbone.dtype_policy,
                name=f"embedding_map_{number}",
            )
            for number in range(backbone.num_layers)
        ]

        # === Functional model ===
        token_ids = keras.Input(shape=(None,), dtype="int32", name="decoder_token_ids")
        inputs = {**embedder.input, "decoder_token_ids": token_ids}
        # (batch_size, 1, embedding_dim)
        embedding = ops.expand_dims(embedder(embedder.input), 1)
        position_ids, visible = causal_visibility(token_ids)
        attention_bias = backbone.attention_bias(position_ids, position_ids, visible)
        hidden = backbone.embeddings(token_ids, position_ids)
        for layer, embedding_map in zip(backbone.transformer_layers, embedding_maps, strict=True):
            hidden = ops.add(hidden, embedding_map(embedding))
            hidden = layer(hidden, hidden, attention_bias)
        if backbone.final_norm is not None:
            hidden = backbone.final_norm(hidden)
        super().__init__(inputs=inputs, outputs=lm_head(hidden), **kwargs)

        # === Config ===
        self.embedder = embedder
        self.lm_head = lm_head

    def get_config(self):
        return {"name": self.name, "embedder": keras.saving.serialize_keras_object(self.embedder)}

    @classmethod
    def from_config(cls, config):
        embedder = keras.saving.deserialize_keras_object(config["embedder"])
        return cls(embedder, name=config["name"])
