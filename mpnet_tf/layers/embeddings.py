"""Token and position embeddings."""

import keras


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TokenPositionEmbedding(keras.layers.Layer):
    """Sum of token and learned position embeddings, normalised.

    The position table has two rows more than positions: row `position + 2` belongs to a position,
    row 1 to padding (position -1), row 0 to nothing, as in RoBERTa and MPNet, so that their
    checkpoints fit.

    Args:
        vocabulary_size: int. Token ids.
        max_sequence_length: int. Positions.
        hidden_dim: int. Width of the embeddings.
        dropout: float in [0, 1). Dropped share in training.
        layer_norm_epsilon: float. Added to the variance.
        embeddings_initializer: initialiser of both tables.

    Call arguments:
        token_ids: int tensor `(batch_size, num_slots)`.
        position_ids: int tensor `(batch_size, num_slots)`, from 0; -1 for padding.

    Returns:
        Float tensor `(batch_size, num_slots, hidden_dim)`.
    """

    _POSITION_OFFSET = 2

    def __init__(
        self,
        vocabulary_size,
        max_sequence_length,
        hidden_dim,
        dropout=0.0,
        layer_norm_epsilon=1e-5,
        embeddings_initializer="uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.max_sequence_length = max_sequence_length
        self.hidden_dim = hidden_dim
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
        self.position_embedding = keras.layers.Embedding(
            max_sequence_length + self._POSITION_OFFSET,
            hidden_dim,
            embeddings_initializer=self.embeddings_initializer.clone(),
            dtype=dtype,
            name="position_embedding",
        )
        self.norm = keras.layers.LayerNormalization(
            epsilon=layer_norm_epsilon, dtype=dtype, name="norm"
        )
        self.embedding_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="embedding_dropout"
        )

    def build(self, token_ids_shape, position_ids_shape):
        self.token_embedding.build(token_ids_shape)
        self.position_embedding.build(position_ids_shape)
        self.norm.build((*token_ids_shape, self.hidden_dim))
        self.built = True

    def call(self, token_ids, position_ids, training=None):
        tokens = self.token_embedding(token_ids)
        positions = self.position_embedding(position_ids + self._POSITION_OFFSET)
        return self.embedding_dropout(self.norm(tokens + positions), training=training)

    def compute_output_spec(self, token_ids, position_ids, training=None):
        return keras.KerasTensor((*token_ids.shape, self.hidden_dim), dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "max_sequence_length": self.max_sequence_length,
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }
