"""What enters the first transformer layer: embeddings of tokens, positions and segments."""

import keras
from keras import ops

from mpnet_tf.layers.counter_dropout import CounterDropout
from mpnet_tf.layers.trained_layer_norm import TrainedLayerNorm


@keras.saving.register_keras_serializable(package="mpnet_tf")
class SlotEmbedding(keras.layers.Layer):
    """Sum of a slot's token embedding and of whichever other learned tables a body has.

    Ids for a table that the body lacks are ignored, so that every objective feeds every body.

    Args:
        vocabulary_size: int. Token ids.
        max_sequence_length: int. Positions.
        hidden_dim: int. Width of the embeddings.
        absolute_positions: bool. Whether there is a table of positions.
        position_offset: int. Rows of that table before the first position's. RoBERTa and MPNet
            have 2: row 1 belongs to padding (position -1), row 0 to nothing.
        block_positions: bool. Whether there is a table of places within a blank, with
            `max_sequence_length + 1` rows, the first for what stands in none.
        num_segments: int. Types of segments, such as BERT's two sentences; 0 for no such table.
        normalize: bool. Whether the sum is layer-normalised. Pre-layer-norm bodies leave that to
            their layers.
        dropout: float in [0, 1). Dropped share in training.
        layer_norm_epsilon: float. Added to the variance.
        embeddings_initializer: initialiser of all tables.

    Call arguments:
        token_ids: int tensor `(batch_size, num_slots)`.
        position_ids: int tensor `(batch_size, num_slots)`, from 0; down to `-position_offset` for
            padding.
        block_position_ids: int tensor `(batch_size, num_slots)`: places within a blank, from 1,
            and 0 outside. None for all 0.
        segment_ids: int tensor `(batch_size, num_slots)`: types of segments, from 0 (not the
            documents of a packed row, which go by this name among slots). None for all 0.

    Returns:
        Float tensor `(batch_size, num_slots, hidden_dim)`.

    References:
        [BERT](https://arxiv.org/abs/1810.04805), figure 2; block positions are those of
        [GLM](https://arxiv.org/abs/2103.10360), section 2.2.
    """

    def __init__(
        self,
        vocabulary_size,
        max_sequence_length,
        hidden_dim,
        absolute_positions=True,
        position_offset=0,
        block_positions=False,
        num_segments=0,
        normalize=True,
        dropout=0.0,
        layer_norm_epsilon=1e-5,
        embeddings_initializer="uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.max_sequence_length = max_sequence_length
        self.hidden_dim = hidden_dim
        self.absolute_positions = absolute_positions
        self.position_offset = position_offset
        self.block_positions = block_positions
        self.num_segments = num_segments
        self.normalize = normalize
        self.dropout = dropout
        self.layer_norm_epsilon = layer_norm_epsilon
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)

        dtype = self.dtype_policy
        self.token_embedding = keras.layers.ReversibleEmbedding(
            vocabulary_size,
            hidden_dim,
            embeddings_initializer=self.embeddings_initializer.clone(),
            dtype=dtype,
            name="token_embedding",
        )
        self.position_embedding = self._table(
            max_sequence_length + position_offset if absolute_positions else 0,
            "position_embedding",
        )
        self.block_position_embedding = self._table(
            max_sequence_length + 1 if block_positions else 0, "block_position_embedding"
        )
        self.segment_embedding = self._table(num_segments, "segment_embedding")
        self.norm = None
        if normalize:
            self.norm = TrainedLayerNorm(epsilon=layer_norm_epsilon, dtype=dtype, name="norm")
        self.embedding_dropout = CounterDropout(dropout, dtype=dtype, name="embedding_dropout")

    def _table(self, num_rows, name):
        if not num_rows:
            return None
        return keras.layers.Embedding(
            num_rows,
            self.hidden_dim,
            embeddings_initializer=self.embeddings_initializer.clone(),
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, token_ids_shape):
        for table in (
            self.token_embedding,
            self.position_embedding,
            self.block_position_embedding,
            self.segment_embedding,
        ):
            if table is not None:
                table.build(token_ids_shape)
        if self.norm is not None:
            self.norm.build((*token_ids_shape, self.hidden_dim))
        self.built = True

    def call(
        self,
        token_ids,
        position_ids,
        block_position_ids=None,
        segment_ids=None,
        training=None,
    ):
        embedded = self.token_embedding(token_ids)
        if self.position_embedding is not None:
            embedded += self.position_embedding(position_ids + self.position_offset)
        for table, ids in (
            (self.block_position_embedding, block_position_ids),
            (self.segment_embedding, segment_ids),
        ):
            if table is not None:
                # (1, 1, hidden_dim) where all slots share row 0.
                embedded += table(ops.zeros((1, 1), "int32") if ids is None else ids)
        if self.norm is not None:
            embedded = self.norm(embedded, training=training)
        return self.embedding_dropout(embedded, training=training)

    def compute_output_spec(
        self,
        token_ids,
        position_ids,
        block_position_ids=None,
        segment_ids=None,
        training=None,
    ):
        return keras.KerasTensor((*token_ids.shape, self.hidden_dim), dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "max_sequence_length": self.max_sequence_length,
            "hidden_dim": self.hidden_dim,
            "absolute_positions": self.absolute_positions,
            "position_offset": self.position_offset,
            "block_positions": self.block_positions,
            "num_segments": self.num_segments,
            "normalize": self.normalize,
            "dropout": self.dropout,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }
