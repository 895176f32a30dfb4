"""The forward pass of every body in NumPy float64, written from the papers.

Each document is computed alone, under boolean masks that its `View` spells out: no packing, no
visibility intervals. Where there is a query stream, it runs apart from the content stream.
"""

import dataclasses
import math

import numpy as np

erf = np.vectorize(math.erf)


@dataclasses.dataclass(frozen=True)
class Stream:
    """Tokens in a row and what each of them sees.

    Args:
        token_ids: list of int.
        positions: list of int.
        mask: bool array `(len(token_ids), number of content tokens)`. True means "sees".
        block_positions: list of int, or None for all 0.
    """

    token_ids: list
    positions: list
    mask: np.ndarray
    block_positions: list | None = None


@dataclasses.dataclass(frozen=True)
class View:
    """One document as an objective shows it to a model.

    Args:
        content: `Stream` that sees itself.
        query: `Stream` that sees the content and is predicted; None where the content is.
        predicted: list of int. The rows of the content that are predicted, without a query stream.
    """

    content: Stream
    query: Stream | None = None
    predicted: list | None = None


def gelu(x, *, approximate):
    if approximate:
        return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x * 0.5 * (1 + erf(x / math.sqrt(2)))


def layer_norm(x, layer, epsilon):
    gamma, beta = (np.asarray(weight, np.float64) for weight in layer.weights)
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + epsilon) * gamma + beta


def dense(x, layer):
    kernel, bias = (np.asarray(weight, np.float64) for weight in layer.weights)
    return x @ kernel + bias


def table(layer):
    return np.asarray(layer.embeddings, np.float64)


def bucket(distance, num_buckets, max_distance):
    """T5's bucket of (key position - query position), by its formula."""
    half = num_buckets // 2
    offset = half if distance > 0 else 0
    distance = abs(distance)
    exact = half // 2
    if distance < exact:
        return offset + distance
    grown = math.log(distance / exact) / math.log(max_distance / exact) * (half - exact)
    # Some distances lie on borders, which the logarithm misses by its last digit.
    return offset + min(exact + int(grown + 1e-9), half - 1)


def relative_bias(backbone, queries, keys):
    """Returns `(number of queries, number of keys, num_heads or 1)`."""
    if not backbone.relative_positions:
        return np.zeros((1, 1, backbone.num_heads))
    weights = table(backbone.attention_bias)
    sizes = backbone.num_relative_buckets, backbone.max_relative_distance
    return np.array([[weights[bucket(key - query, *sizes)] for key in keys] for query in queries])


def attend(attention, queries, keys, *, bias, mask):
    """Rows of `queries` read rows of `keys` where `mask` is True."""
    num_heads, width = attention.num_heads, attention.hidden_dim
    size = width // num_heads
    query = dense(queries, attention.query)
    key, value = np.split(dense(keys, attention.key_value), 2, axis=-1)
    heads = []
    for head in range(num_heads):
        part = slice(head * size, (head + 1) * size)
        scores = query[:, part] @ key[:, part].T / math.sqrt(size) + bias[:, :, head]
        scores = np.where(mask, scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        heads.append(weights @ value[:, part])
    return dense(np.concatenate(heads, axis=1), attention.output_projection)


def feed_forward(block, hidden, *, approximate):
    return dense(
        gelu(dense(hidden, block.intermediate), approximate=approximate), block.feedforward_output
    )


def run_block(backbone, block, queries, keys, *, bias, mask):
    epsilon = backbone.layer_norm_epsilon

    def norm_1(x):
        return layer_norm(x, block.attention_norm, epsilon)

    def norm_2(x):
        return layer_norm(x, block.feedforward_norm, epsilon)

    def transform(x):
        return feed_forward(block, x, approximate=backbone.approximate_gelu)

    if backbone.norm_order == "post":
        hidden = norm_1(queries + attend(block.attention, queries, keys, bias=bias, mask=mask))
        return norm_2(hidden + transform(hidden))
    attended = attend(block.attention, norm_1(queries), norm_1(keys), bias=bias, mask=mask)
    hidden = queries + attended
    return hidden + transform(norm_2(hidden))


def embed(backbone, stream):
    embeddings = backbone.embeddings
    summed = table(embeddings.token_embedding)[stream.token_ids]
    if backbone.absolute_positions:
        rows = np.asarray(stream.positions) + backbone.position_offset
        summed = summed + table(embeddings.position_embedding)[rows]
    if backbone.block_positions:
        rows = stream.block_positions or [0] * len(stream.token_ids)
        summed = summed + table(embeddings.block_position_embedding)[rows]
    if backbone.num_segments:
        summed = summed + table(embeddings.segment_embedding)[0]
    if backbone.norm_order == "post":
        return layer_norm(summed, embeddings.norm, backbone.layer_norm_epsilon)
    return summed


def reference_logits(model, view):
    """Computes the logits of one document's predictions.

    Args:
        model: `Pretrainer`.
        view: `View`.

    Returns:
        float64 array `(number of predictions, vocabulary_size)`.
    """
    backbone = model.backbone
    content, query = embed(backbone, view.content), None
    content_bias = relative_bias(backbone, view.content.positions, view.content.positions)
    if view.query is not None:
        query = embed(backbone, view.query)
        query_bias = relative_bias(backbone, view.query.positions, view.content.positions)
    for block in backbone.transformer_layers:
        if query is not None:
            query = run_block(
                backbone, block, query, content, bias=query_bias, mask=view.query.mask
            )
        content = run_block(
            backbone, block, content, content, bias=content_bias, mask=view.content.mask
        )
    hidden = content[view.predicted] if query is None else query
    epsilon = backbone.layer_norm_epsilon
    if backbone.norm_order == "pre":
        hidden = layer_norm(hidden, backbone.final_norm, epsilon)
    output = table(backbone.token_embedding).T
    head = model.lm_head
    if not backbone.lm_head_transform:
        return hidden @ output
    hidden = layer_norm(gelu(dense(hidden, head.dense), approximate=False), head.norm, epsilon)
    return hidden @ output + np.asarray(head.bias, np.float64)
