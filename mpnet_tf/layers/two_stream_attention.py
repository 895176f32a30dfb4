"""Attention in which only the content slots are keys."""

import keras
from keras import ops

from mpnet_tf.layers.counter_dropout import CounterDropout
from mpnet_tf.layers.trained_attention import attention, trained_attention
from mpnet_tf.layers.trained_dense import trained_dense


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TwoStreamAttention(keras.layers.Layer):
    """Multi-head attention whose queries and keys come from different numbers of slots.

    The query stream and the content stream of two-stream attention share their weights and read
    the same keys, so both are one pass: all slots are queries, the content slots alone are keys.
    Who may see whom, and the relative position bias, come in as one tensor that all layers share.

    Args:
        num_heads: int. Attention heads; divides `hidden_dim`.
        hidden_dim: int. Width of input and output.
        dropout: float in [0, 1). Share of the attention weights that is dropped in training.
        kernel_initializer: initialiser of the projections.
        output_kernel_initializer: initialiser of the output projection; None for the same.

    Call arguments:
        query_input: float tensor `(batch_size, num_queries, hidden_dim)`.
        key_input: float tensor `(batch_size, num_keys, hidden_dim)`.
        attention_bias: float32 tensor `(batch_size, num_heads, num_queries, num_keys)`, or with 1
            in place of `num_heads`, added to the scores after scaling; hugely negative where a
            query may not see a key.

    Returns:
        Float tensor `(batch_size, num_queries, hidden_dim)`.

    Raises:
        ValueError: if `num_heads` does not divide `hidden_dim`.

    References:
        XLNet (https://arxiv.org/abs/1906.08237), section 2.3, and MPNet
        (https://arxiv.org/abs/2004.09297), section 2.2.
    """

    def __init__(
        self,
        num_heads,
        hidden_dim,
        dropout=0.0,
        kernel_initializer="glorot_uniform",
        output_kernel_initializer=None,
        **kwargs,
    ):
        # The bias is float32 under every policy; casting on entry would round it.
        super().__init__(autocast=False, **kwargs)
        if num_heads < 1 or hidden_dim % num_heads:
            raise ValueError(
                "`num_heads` must divide `hidden_dim`. "
                f"Received: num_heads={num_heads}, hidden_dim={hidden_dim}"
            )
        self.num_heads = num_heads
        self.hidden_dim = hidden_dim
        self.head_dim = hidden_dim // num_heads
        self.dropout = dropout
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.output_kernel_initializer = keras.initializers.get(output_kernel_initializer)

        def projection(width, name, initializer=self.kernel_initializer):
            return keras.layers.Dense(
                width,
                kernel_initializer=initializer.clone(),
                dtype=self.dtype_policy,
                name=name,
            )

        self.query = projection(hidden_dim, "query")
        self.key_value = projection(2 * hidden_dim, "key_value")
        self.output_projection = projection(
            hidden_dim,
            "output_projection",
            self.output_kernel_initializer or self.kernel_initializer,
        )
        self.attention_dropout = CounterDropout(
            dropout, dtype=self.dtype_policy, name="attention_dropout"
        )

    def build(self, query_input_shape, key_input_shape, attention_bias_shape):
        self.query.build(query_input_shape)
        self.key_value.build(key_input_shape)
        self.output_projection.build(query_input_shape)
        self.built = True

    def call(self, query_input, key_input, attention_bias, training=None):
        key, value = self.project_keys(key_input, training=training)
        return self.attend(query_input, key, value, attention_bias, training=training)

    def project_keys(self, key_input, training=None):
        """Computes what queries read of content slots, for use now or from a cache.

        Args:
            key_input: float tensor `(batch_size, num_keys, hidden_dim)`.
            training: bool or None. Whether there will be a gradient.

        Returns:
            Keys and values, float tensors `(batch_size, num_heads, num_keys, head_dim)`.
        """
        num_keys = ops.shape(key_input)[1]
        # (2, batch_size, num_heads, num_keys, head_dim)
        key_value = ops.reshape(
            trained_dense(self.key_value, key_input, training),
            (-1, num_keys, 2, self.num_heads, self.head_dim),
        )
        return ops.unstack(ops.transpose(key_value, (2, 0, 3, 1, 4)), 2)

    def attend(self, query_input, key, value, attention_bias, training=None):
        """Lets queries read keys and values that are there already.

        Args:
            query_input: float tensor `(batch_size, num_queries, hidden_dim)`.
            key, value: float tensors as `project_keys` returns them.
            attention_bias: float32 tensor, as a call takes it.
            training: bool or None. Whether dropout is on.

        Returns:
            Float tensor `(batch_size, num_queries, hidden_dim)`.
        """
        num_queries = ops.shape(query_input)[1]
        # (batch_size, num_heads, num_queries, head_dim)
        query = ops.multiply(trained_dense(self.query, query_input, training), self.head_dim**-0.5)
        query = ops.reshape(query, (-1, num_queries, self.num_heads, self.head_dim))
        query = ops.transpose(query, (0, 2, 1, 3))

        # (batch_size, num_heads, num_queries, head_dim)
        if training:
            attended = trained_attention(
                query, key, value, attention_bias, dropout=self.attention_dropout
            )
        else:
            attended = attention(query, key, value, attention_bias)
        # (batch_size, num_queries, num_heads, head_dim)
        attended = ops.transpose(attended, (0, 2, 1, 3))
        attended = ops.reshape(attended, (-1, num_queries, self.hidden_dim))
        return self.output_projection(attended)

    def compute_output_spec(self, query_input, key_input, attention_bias, training=None):
        return keras.KerasTensor(query_input.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "output_kernel_initializer": keras.initializers.serialize(
                self.output_kernel_initializer
            ),
        }
