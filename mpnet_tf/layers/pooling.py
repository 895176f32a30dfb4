"""One vector for a text, of the hidden states of its tokens."""

import keras
from keras import ops

POOLINGS = ("mean", "cls", "max", "mean_sqrt_len_tokens")

# sentence-transformers' lower bound of the number of tokens: a row without any gives 0, not NaN.
_FEWEST_TOKENS = 1e-9


@keras.saving.register_keras_serializable(package="mpnet_tf")
class Pooling(keras.layers.Layer):
    """Pools the hidden states of a text's real tokens into one vector.

    The names and numbers are those of sentence-transformers. With `h_t` the hidden states of the
    `n` real tokens:

    - `mean`: `sum_t h_t / n`.
    - `cls`: `h_t` of the first real token.
    - `max`: in each dimension the largest.
    - `mean_sqrt_len_tokens`: `sum_t h_t / sqrt(n)`.

    A row without real tokens gives zeros for the means, minus infinity for `max` and its first
    hidden state for `cls`, as there. It computes in float32 whatever the dtype policy: half
    precision would lose the last tokens of a long sum.

    Args:
        pooling: str. One of the names above. Default "mean".

    Call arguments:
        hidden: float tensor `(batch_size, sequence_length, hidden_dim)`.
        padding_mask: int or bool tensor `(batch_size, sequence_length)`: 1 or True for a real
            token.

    Returns:
        float32 tensor `(batch_size, hidden_dim)`.

    Raises:
        ValueError: if `pooling` is none of the names.

    Example:

    ```python
    hidden = np.array([[[1.0, 5.0], [3.0, 1.0], [9.0, 9.0]]])
    Pooling("mean")(hidden, np.array([[1, 1, 0]]))  # [[2.0, 3.0]]
    ```

    References:
        [Sentence-BERT](https://arxiv.org/abs/1908.10084), section 3, for the first three;
        [Universal Sentence Encoder](https://arxiv.org/abs/1803.11175), section 3, for the square
        root of the length.
    """

    def __init__(self, pooling="mean", **kwargs):
        if pooling not in POOLINGS:
            raise ValueError(
                f"`pooling` must be one of {', '.join(POOLINGS)}. Received: pooling={pooling!r}"
            )
        # Without casts of the inputs: under a half-precision policy they would round float32 ones.
        super().__init__(autocast=False, **kwargs)
        self.pooling = pooling

    def call(self, hidden, padding_mask):
        hidden = ops.cast(hidden, "float32")
        if self.pooling == "cls":
            # The first largest: with padding on the left, not the first of the row.
            first = ops.argmax(ops.cast(padding_mask, "int32"), axis=1)
            first = ops.reshape(first, (-1, 1, 1))
            return ops.squeeze(ops.take_along_axis(hidden, first, axis=1), axis=1)
        # (batch_size, sequence_length, 1)
        real = ops.expand_dims(ops.cast(padding_mask, "bool"), 2)
        if self.pooling == "max":
            return ops.max(ops.where(real, hidden, ops.cast(-float("inf"), "float32")), axis=1)
        real = ops.cast(real, "float32")
        num_tokens = ops.maximum(ops.sum(real, axis=1), _FEWEST_TOKENS)
        if self.pooling == "mean_sqrt_len_tokens":
            num_tokens = ops.sqrt(num_tokens)
        return ops.sum(hidden * real, axis=1) / num_tokens

    def compute_output_spec(self, hidden, padding_mask):
        return keras.KerasTensor((hidden.shape[0], hidden.shape[2]), dtype="float32")

    def get_config(self):
        return {**super().get_config(), "pooling": self.pooling}
