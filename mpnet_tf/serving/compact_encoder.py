"""A body's hidden states, computed for the real tokens of a batch alone."""

import dataclasses
import functools

import keras
import tensorflow as tf

from mpnet_tf.layers.visibility_bias import HIDDEN_SCORE


class CompactEncoder(keras.layers.Layer):
    """Computes what a body does, without the work on padding, and faster on a CPU.

    The tokens of all texts stand one behind the other, `(num_tokens, hidden_dim)`, wherever each is
    computed by itself: in embeddings, projections, feed-forward networks and layer norms. Only
    attention lays them out in rows, as long as the longest text. As the matrix products are of
    two-dimensional tensors, TensorFlow also fuses them with their bias and activation. For
    inference alone: there is no dropout and no objective's visibility.

    Args:
        backbone: `TransformerBackbone`, whose weights are read at each call.

    Call arguments:
        inputs: dict of int32 tensors `(batch_size, sequence_length)`: what the body takes. Padding
            may be anywhere in a row.

    Returns:
        Float tensor `(batch_size, sequence_length, hidden_dim)`. What is at padding means nothing.

    References:
        [ByteTransformer](https://arxiv.org/abs/2210.03052), section III.D, for leaving out padding.
    """

    def __init__(self, backbone, **kwargs):
        super().__init__(dtype=backbone.dtype_policy, **kwargs)
        self.backbone = backbone
        self.built = True

    def call(self, inputs):
        layout = _Layout.of(inputs["padding_mask"])
        hidden = self._embed(inputs, layout)
        relative_bias = self._relative_bias(layout)
        for layer in self.backbone.transformer_layers:
            hidden = _transform(layer, hidden, layout, relative_bias)
        if self.backbone.final_norm is not None:
            hidden = _normalize(self.backbone.final_norm, hidden)
        return layout.to_given_slots(hidden)

    def _embed(self, inputs, layout):
        """Embeds the tokens: float tensor `(num_tokens, hidden_dim)`."""

        def of_tokens(name):
            return tf.gather(tf.reshape(inputs[name], [-1]), layout.given_slots)[tf.newaxis]

        segments = {"segment_ids": of_tokens("segment_ids")} if "segment_ids" in inputs else {}
        embedded = self.backbone.embeddings(
            of_tokens("token_ids"), layout.positions[tf.newaxis], **segments, training=False
        )
        return tf.squeeze(embedded, 0)

    def _relative_bias(self, layout):
        """Returns the bias `(1, num_heads, length, length)` of all texts alike, or None."""
        if not self.backbone.relative_positions:
            return None
        positions = tf.range(layout.length)[tf.newaxis]
        visible = tf.ones([1, layout.length, layout.length], tf.bool)
        return self.backbone.attention_bias(positions, positions, visible)

    def compute_output_spec(self, inputs):
        shape = (*inputs["token_ids"].shape, self.backbone.hidden_dim)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)


@dataclasses.dataclass(frozen=True)
class _Layout:
    """Where the tokens of a batch stand: as given, one behind the other, and in attention's rows.

    Args:
        given_slots: int32 `(num_tokens,)`. Each token's slot in the given rows, all rows in one.
        tokens_of_given: int32 `(batch_size * sequence_length,)`. The token of each given slot.
        given_shape: int32 `(2,)`. Batch size and sequence length.
        positions: int32 `(num_tokens,)`. Each token's place in its text.
        row_slots: int32 `(num_tokens,)`. Each token's slot in attention's rows.
        tokens_of_rows: int32 `(batch_size * length,)`. The token of each slot there.
        key_bias: float32 `(batch_size, 1, 1, length)`. Hides the padding of attention's rows.
        length: int32 scalar. Tokens of the longest text.
        has_padding: bool scalar. Whether any text is shorter.
    """

    given_slots: tf.Tensor
    tokens_of_given: tf.Tensor
    given_shape: tf.Tensor
    positions: tf.Tensor
    row_slots: tf.Tensor
    tokens_of_rows: tf.Tensor
    key_bias: tf.Tensor
    length: tf.Tensor
    has_padding: tf.Tensor

    @classmethod
    def of(cls, padding_mask):
        """Finds the tokens.

        Args:
            padding_mask: int or bool tensor `(batch_size, sequence_length)`. A row without any
                token counts as one with its first.
        """
        mask = tf.cast(padding_mask, tf.int32)
        first = tf.cast(tf.equal(tf.range(tf.shape(mask)[1]), 0), tf.int32)
        mask = tf.maximum(mask, first * (1 - tf.reduce_max(mask, axis=1, keepdims=True)))
        flat = tf.reshape(mask, [-1])
        given_slots = tf.cast(tf.where(flat > 0)[:, 0], tf.int32)
        lengths = tf.reduce_sum(mask, axis=1)
        # Of no texts at all the longest is the least of all numbers.
        length = tf.maximum(tf.reduce_max(lengths), 0)
        starts = tf.cumsum(lengths, exclusive=True)
        places = tf.range(length)
        is_token = places < lengths[:, tf.newaxis]
        last = tf.size(given_slots) - 1
        tokens_of_rows = tf.minimum(starts[:, tf.newaxis] + places, last)
        return cls(
            given_slots=given_slots,
            tokens_of_given=tf.maximum(tf.cumsum(flat) - 1, 0),
            given_shape=tf.shape(mask),
            positions=tf.gather(tf.reshape(tf.cumsum(mask, axis=1), [-1]), given_slots) - 1,
            row_slots=tf.cast(tf.where(tf.reshape(is_token, [-1]))[:, 0], tf.int32),
            tokens_of_rows=tf.reshape(tokens_of_rows, [-1]),
            key_bias=tf.where(is_token, 0.0, HIDDEN_SCORE)[:, tf.newaxis, tf.newaxis],
            length=length,
            has_padding=tf.size(given_slots) < tf.size(tokens_of_rows),
        )

    def to_given_slots(self, hidden):
        """Lays tokens out as they were given: `(batch_size, sequence_length, hidden_dim)`."""
        rows = tf.gather(hidden, self.tokens_of_given)
        return tf.reshape(rows, tf.concat([self.given_shape, [hidden.shape[-1]]], axis=0))

    def to_rows(self, values):
        """Lays tokens out in attention's rows: `(batch_size * length, width)`."""
        return tf.cond(
            self.has_padding, lambda: tf.gather(values, self.tokens_of_rows), lambda: values
        )

    def from_rows(self, values):
        """Undoes `to_rows`."""
        return tf.cond(self.has_padding, lambda: tf.gather(values, self.row_slots), lambda: values)


def _transform(layer, hidden, layout, relative_bias):
    """Does what `TransformerBlock` does, for tokens `(num_tokens, hidden_dim)`."""
    gelu = functools.partial(tf.nn.gelu, approximate=layer.approximate_gelu)
    if layer.norm_order == "pre":
        attended = _attend(
            layer.attention, _normalize(layer.attention_norm, hidden), layout, relative_bias
        )
        hidden += attended
        within = gelu(_project(layer.intermediate, _normalize(layer.feedforward_norm, hidden)))
        return hidden + _project(layer.feedforward_output, within)
    attended = _attend(layer.attention, hidden, layout, relative_bias)
    hidden = _normalize(layer.attention_norm, hidden + attended)
    within = gelu(_project(layer.intermediate, hidden))
    return _normalize(layer.feedforward_norm, hidden + _project(layer.feedforward_output, within))


def _attend(attention, hidden, layout, relative_bias):
    """Does what `TwoStreamAttention` does, for tokens that see all of their own text."""

    def heads(values, count):
        shape = [-1, layout.length, count, attention.num_heads, attention.head_dim]
        # (count, batch_size, num_heads, length, head_dim)
        return tf.transpose(tf.reshape(layout.to_rows(values), shape), [2, 0, 3, 1, 4])

    # The weights are fewer numbers than the queries.
    query = heads(_project(attention.query, hidden, scale=attention.head_dim**-0.5), 1)[0]
    key, value = tf.unstack(heads(_project(attention.key_value, hidden), 2))
    scores = tf.cast(tf.matmul(query, key, transpose_b=True), tf.float32)
    if relative_bias is not None:
        scores += relative_bias
    scores = tf.cond(layout.has_padding, lambda: scores + layout.key_bias, lambda: scores)
    weights = tf.cast(tf.nn.softmax(scores), value.dtype)
    attended = tf.transpose(tf.matmul(weights, value), [0, 2, 1, 3])
    attended = layout.from_rows(tf.reshape(attended, [-1, attention.hidden_dim]))
    return _project(attention.output_projection, attended)


def _normalize(norm, values):
    """Does what a layer norm of the last axis does, in fewer passes than Keras."""
    wide = tf.cast(values, tf.float32)
    centred = wide - tf.reduce_mean(wide, axis=-1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
    # Within a layer of half precision, Keras casts weights as they are read.
    gamma, beta = tf.cast(norm.gamma, tf.float32), tf.cast(norm.beta, tf.float32)
    scale = tf.math.rsqrt(variance + norm.epsilon) * gamma
    return tf.cast(centred * scale + beta, values.dtype)


def _project(dense, values, scale=None):
    """Does what a dense layer does; written so that TensorFlow fuses product, bias and more."""
    kernel, bias = tf.cast(dense.kernel, values.dtype), tf.cast(dense.bias, values.dtype)
    if scale is not None:
        kernel, bias = kernel * scale, bias * scale
    return tf.nn.bias_add(tf.matmul(values, kernel), bias)


def compact_network(task):
    """Makes the functional model of a task over again, with a `CompactEncoder` for its body.

    Args:
        task: functional Keras model with a `backbone`, called on what the body takes.

    Returns:
        Functional Keras model of the same inputs, outputs and weights.
    """
    encoder = CompactEncoder(task.backbone, name="compact_encoder")

    def call(layer, *args, **kwargs):
        return encoder(*args) if layer is task.backbone else layer(*args, **kwargs)

    return keras.models.clone_model(
        keras.Model(task.input, task.output), clone_function=lambda layer: layer, call_function=call
    )
