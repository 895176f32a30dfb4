"""One transformer layer over slots."""

import keras
from keras import ops

from mpnet_tf.layers.counter_dropout import CounterDropout
from mpnet_tf.layers.rematerialization import rematerialized_call
from mpnet_tf.layers.trained_dense import trained_dense_gelu
from mpnet_tf.layers.trained_layer_norm import TrainedLayerNorm
from mpnet_tf.layers.two_stream_attention import TwoStreamAttention

NORM_ORDERS = ("post", "pre")


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TransformerBlock(keras.layers.Layer):
    """Attention and feed-forward network, each with dropout, residual and layer norm.

    The layer computes the rows of `query_input` alone. Where only some rows of its result are
    used, as in a model's last layer, give those as queries and everything they see as keys.

    Args:
        num_heads: int. Attention heads.
        hidden_dim: int. Width of input and output.
        intermediate_dim: int. Width inside the feed-forward network.
        norm_order: "post" normalises the sum of each sublayer's input and output; "pre"
            normalises the input instead and leaves the sum as it is.
        approximate_gelu: bool. Whether the Gaussian error linear unit is its tanh approximation.
        dropout: float in [0, 1). Dropped share of both sublayers' outputs in training.
        attention_dropout: float in [0, 1). Dropped share of the attention weights in training.
        layer_norm_epsilon: float. Added to the variance.
        kernel_initializer: initialiser of all projections.
        output_kernel_initializer: initialiser of the two projections that write into the
            residual stream; None for the same as of the others.

    Attributes:
        rematerialize: bool, False until set. Whether training computes the block's activations
            again for the backward pass in place of keeping them: less memory for more time, and
            the same numbers. A choice of the training run and no part of the config.

    Call arguments:
        query_input: float tensor `(batch_size, num_queries, hidden_dim)`.
        key_input: float tensor `(batch_size, num_keys, hidden_dim)`.
        attention_bias: float32 tensor `(batch_size, num_heads, num_queries, num_keys)`, or with 1
            in place of `num_heads`; hugely negative where a query may not see a key.

    Returns:
        Float tensor `(batch_size, num_queries, hidden_dim)`.

    Raises:
        ValueError: if `norm_order` is another, or `num_heads` does not divide `hidden_dim`.

    References:
        [Attention Is All You Need](https://arxiv.org/abs/1706.03762), section 3.1, with the
        Gaussian error linear unit of BERT;
        [On Layer Normalization in the Transformer Architecture](https://arxiv.org/abs/2002.04745),
        table 1, for both orders.
    """

    def __init__(
        self,
        num_heads,
        hidden_dim,
        intermediate_dim,
        norm_order="post",
        approximate_gelu=False,
        dropout=0.0,
        attention_dropout=0.0,
        layer_norm_epsilon=1e-5,
        kernel_initializer="glorot_uniform",
        output_kernel_initializer=None,
        **kwargs,
    ):
        # The bias is float32 under every policy; casting on entry would round it.
        super().__init__(autocast=False, **kwargs)
        if norm_order not in NORM_ORDERS:
            raise ValueError(
                f"`norm_order` must be one of {NORM_ORDERS}. Received: norm_order={norm_order!r}"
            )
        self.num_heads = num_heads
        self.hidden_dim = hidden_dim
        self.intermediate_dim = intermediate_dim
        self.norm_order = norm_order
        self.approximate_gelu = approximate_gelu
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.layer_norm_epsilon = layer_norm_epsilon
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.output_kernel_initializer = keras.initializers.get(output_kernel_initializer)
        self.rematerialize = False

        dtype = self.dtype_policy
        self.attention = TwoStreamAttention(
            num_heads=num_heads,
            hidden_dim=hidden_dim,
            dropout=attention_dropout,
            kernel_initializer=self.kernel_initializer.clone(),
            output_kernel_initializer=self.output_kernel_initializer,
            dtype=dtype,
            name="attention",
        )
        self.intermediate = keras.layers.Dense(
            intermediate_dim,
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=dtype,
            name="intermediate",
        )
        self.feedforward_output = keras.layers.Dense(
            hidden_dim,
            kernel_initializer=(self.output_kernel_initializer or self.kernel_initializer).clone(),
            dtype=dtype,
            name="feedforward_output",
        )
        self.attention_norm = TrainedLayerNorm(
            epsilon=layer_norm_epsilon, dtype=dtype, name="attention_norm"
        )
        self.feedforward_norm = TrainedLayerNorm(
            epsilon=layer_norm_epsilon, dtype=dtype, name="feedforward_norm"
        )
        self.attention_output_dropout = CounterDropout(
            dropout, dtype=dtype, name="attention_output_dropout"
        )
        self.feedforward_output_dropout = CounterDropout(
            dropout, dtype=dtype, name="feedforward_output_dropout"
        )

    def build(self, query_input_shape, key_input_shape, attention_bias_shape):
        self.attention.build(query_input_shape, key_input_shape, attention_bias_shape)
        self.attention_norm.build(query_input_shape)
        self.intermediate.build(query_input_shape)
        self.feedforward_output.build((*query_input_shape[:-1], self.intermediate_dim))
        self.feedforward_norm.build(query_input_shape)
        self.built = True

    def call(self, query_input, key_input, attention_bias, training=None):
        if not (self.rematerialize and training):
            return self._transform(query_input, key_input, attention_bias, training)

        if key_input is query_input:

            def transform(hidden, bias):
                return self._transform(hidden, hidden, bias, training)

            inputs = [query_input, attention_bias]
        else:

            def transform(queries, keys, bias):
                return self._transform(queries, keys, bias, training)

            inputs = [query_input, key_input, attention_bias]
        return rematerialized_call(
            self, transform, inputs, seed_generators=self._dropout_seed_generators()
        )

    def _dropout_seed_generators(self):
        dropouts = (
            self.attention.attention_dropout,
            self.attention_output_dropout,
            self.feedforward_output_dropout,
        )
        return [dropout.seed_generator for dropout in dropouts if dropout.rate > 0]

    def call_with_cache(self, hidden, attention_bias, cache=None, cache_indices=None):
        """Computes slots that see each other and those computed before; without dropout.

        Args:
            hidden: float tensor `(batch_size, num_slots, hidden_dim)`. Content slots.
            attention_bias: float32 tensor `(batch_size, num_heads, num_slots, num_keys)`, or with 1
                in place of `num_heads`; hugely negative where a slot may not see a key. The keys
                are those of the whole cache.
            cache: pair of float tensors `(batch_size, num_heads, num_keys, head_dim)`: keys and
                values, with places for those of `hidden`. None where `hidden` is all there is.
            cache_indices: int tensor `(batch_size * num_heads * num_slots, 3)`, as the function
                `cache_indices` makes it: where the slots' keys and values go. None where there is
                no cache.

        Returns:
            Float tensor `(batch_size, num_slots, hidden_dim)`, and the cache with these slots.
        """
        queries = self._normalized_before(hidden, training=False)
        key_value = tuple(self.attention.project_keys(queries))
        if cache is not None:
            # TensorFlow has no kernel of its own for `slice_update`, and calls XLA for each.
            key_value = tuple(
                ops.scatter_update(
                    old, cache_indices, ops.reshape(new, (-1, self.attention.head_dim))
                )
                for old, new in zip(cache, key_value, strict=True)
            )
        attended = self.attention.attend(queries, *key_value, attention_bias, training=False)
        return self._finish(hidden, attended, training=False), key_value

    def _transform(self, query_input, key_input, attention_bias, training):
        queries = self._normalized_before(query_input, training)
        keys = queries if key_input is query_input else self._normalized_before(key_input, training)
        attended = self.attention(queries, keys, attention_bias, training=training)
        return self._finish(query_input, attended, training)

    def _normalized_before(self, hidden, training):
        if self.norm_order == "pre":
            return self.attention_norm(hidden, training=training)
        return hidden

    def _finish(self, query_input, attended, training):
        """Adds what was attended to, and does all that follows attention."""
        hidden = query_input + self.attention_output_dropout(attended, training=training)
        if self.norm_order == "post":
            hidden = self.attention_norm(hidden, training=training)
            transformed = hidden + self._feed_forward(hidden, training)
            return self.feedforward_norm(transformed, training=training)
        normalized = self.feedforward_norm(hidden, training=training)
        return hidden + self._feed_forward(normalized, training)

    def _feed_forward(self, hidden, training):
        hidden = trained_dense_gelu(
            self.intermediate, hidden, training, approximate=self.approximate_gelu
        )
        return self.feedforward_output_dropout(self.feedforward_output(hidden), training=training)

    def compute_output_spec(self, query_input, key_input, attention_bias, training=None):
        return keras.KerasTensor(query_input.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "hidden_dim": self.hidden_dim,
            "intermediate_dim": self.intermediate_dim,
            "norm_order": self.norm_order,
            "approximate_gelu": self.approximate_gelu,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "output_kernel_initializer": keras.initializers.serialize(
                self.output_kernel_initializer
            ),
        }


def cache_indices(batch_size, num_heads, places):
    """Makes the indices of some slots in the cache of every layer.

    Args:
        batch_size: int or int tensor.
        num_heads: int.
        places: int tensor `(num_slots,)`. Where among the keys the slots are.

    Returns:
        int32 tensor `(batch_size * num_heads * num_slots, 3)`: row, head and place.
    """
    rows, heads, places = ops.meshgrid(
        ops.arange(batch_size, dtype="int32"),
        ops.arange(num_heads, dtype="int32"),
        ops.cast(places, "int32"),
        indexing="ij",
    )
    # On JAX, Keras takes indices of two axes alone.
    return ops.reshape(ops.stack([rows, heads, places], axis=-1), (-1, 3))
