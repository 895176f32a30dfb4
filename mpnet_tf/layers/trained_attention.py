"""Softmax attention, and its gradients in few passes over the scores."""

from keras import ops

from mpnet_tf.layers.fused import fused


def attention(query, key, value, attention_bias):
    """Lets queries read values by their keys.

    Args:
        query: float tensor `(batch_size, num_heads, num_queries, head_dim)`, scaled.
        key, value: float tensors `(batch_size, num_heads, num_keys, head_dim)`.
        attention_bias: float32 tensor `(batch_size, num_heads, num_queries, num_keys)`, or with 1
            in place of `num_heads`, added to the scores.

    Returns:
        Float tensor `(batch_size, num_heads, num_queries, head_dim)`.

    References:
        [Attention Is All You Need](https://arxiv.org/abs/1706.03762), section 3.2.1.
    """
    weights = ops.cast(_attention_weights(query, key, attention_bias), value.dtype)
    return ops.matmul(weights, value)


def trained_attention(query, key, value, attention_bias, dropout=None):
    """Computes `attention` for training, with dropout of its weights.

    The scores are what training reads and writes most often. The backward pass takes the sums that
    softmax's gradient needs from the short rows of what was attended to, in place of the long rows
    of weights, and keeps no mask: the weights before and after dropout say all. Without a backward
    pass, `attention` is the better choice.

    Args:
        query, key, value, attention_bias: as `attention` takes them.
        dropout: `CounterDropout` for the weights, or None for none.

    Returns:
        Float tensor `(batch_size, num_heads, num_queries, head_dim)`.

    References:
        [FlashAttention](https://arxiv.org/abs/2205.14135), appendix B.2 and B.4, for the sums.
    """
    drawn = None
    if dropout is not None:
        drawn = dropout.draw((*ops.shape(query)[:3], ops.shape(key)[2]))
    if drawn is None:

        def cast(weights):
            return ops.cast(weights, value.dtype)

        return _with_gradient(cast)(query, key, value, attention_bias)
    return _with_gradient(dropout.drop)(query, key, value, attention_bias, drawn)


def _with_gradient(drop):
    """Makes attention by what a function of the weights, and of what was drawn, leaves of them."""

    @ops.custom_gradient
    def attend(query, key, value, attention_bias, *drawn):
        weights = _attention_weights(query, key, attention_bias)
        used_weights = drop(weights, *drawn)
        attended = ops.matmul(used_weights, value)

        def gradient(*arguments, upstream=None):
            # Some backends name it.
            upstream = arguments[0] if upstream is None else upstream
            of_used_weights = ops.matmul(upstream, _transpose(value))
            of_scores = _gradient_of_scores(
                of_used_weights, used_weights, weights, upstream, attended
            )
            of_products, of_bias = of_scores[-1], of_scores[0]
            if attention_bias.shape[1] == 1:
                of_bias = ops.sum(of_bias, axis=1, keepdims=True)
            return (
                ops.matmul(of_products, key),
                ops.matmul(_transpose(of_products), query),
                ops.matmul(_transpose(used_weights), upstream),
                of_bias,
                *[None] * len(drawn),
            )

        return attended, gradient

    return attend


@fused
def _gradient_of_scores(of_used_weights, used_weights, weights, upstream, attended):
    """Computes it in float32, and if the products have another dtype, rounded to that too."""
    # The sum of each row of weights times their gradients.
    sums = ops.sum(_exact_product(upstream, attended), axis=-1, keepdims=True)
    of_scores = _exact_product(of_used_weights, used_weights) - weights * sums
    if upstream.dtype == of_scores.dtype:
        return (of_scores,)
    return of_scores, ops.cast(of_scores, upstream.dtype)


def _attention_weights(query, key, attention_bias):
    """Computes the weights in float32, `(batch_size, num_heads, num_queries, num_keys)`."""
    scores = ops.matmul(query, _transpose(key))
    return ops.softmax(ops.cast(scores, "float32") + attention_bias)


def _exact_product(one, other):
    return ops.cast(one, "float32") * ops.cast(other, "float32")


def _transpose(values):
    return ops.transpose(values, (0, 1, 3, 2))
