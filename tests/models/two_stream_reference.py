"""MPNet's two-stream forward pass in NumPy float64, written from the paper.

Each document is computed alone: no packing, no visibility intervals. The content stream and the
query stream run separately, each with a boolean mask built from the order of prediction.
"""

import math

import numpy as np

EPSILON = 1e-5
erf = np.vectorize(math.erf)


def gelu(x):
    return x * 0.5 * (1 + erf(x / math.sqrt(2)))


def layer_norm(x, layer):
    gamma, beta = (np.asarray(weight, np.float64) for weight in layer.weights)
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + EPSILON) * gamma + beta


def dense(x, layer):
    kernel, bias = (np.asarray(weight, np.float64) for weight in layer.weights)
    return x @ kernel + bias


def bucket(distance, num_buckets=32, max_distance=128):
    """T5's bucket of (key position - query position), by its formula."""
    half = num_buckets // 2
    offset = half if distance > 0 else 0
    distance = abs(distance)
    exact = half // 2
    if distance < exact:
        return offset + distance
    grown = math.log(distance / exact) / math.log(max_distance / exact) * (half - exact)
    # 16, 32 and 64 lie on borders, which the logarithm misses by its last digit.
    return offset + min(exact + int(grown + 1e-9), half - 1)


def attend(block, queries, keys, *, bias, mask):
    """One post-layer-norm block: rows of `queries` read rows of `keys` where `mask` is True."""
    attention = block.attention
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
    attended = dense(np.concatenate(heads, axis=1), attention.output_projection)
    hidden = layer_norm(queries + attended, block.attention_norm)
    transformed = dense(gelu(dense(hidden, block.intermediate)), block.feedforward_output)
    return layer_norm(hidden + transformed, block.feedforward_norm)


def embed(backbone, token_ids, position_ids):
    table = np.asarray(backbone.token_embedding.embeddings, np.float64)
    positions = np.asarray(backbone.embeddings.position_embedding.embeddings, np.float64)
    summed = table[token_ids] + positions[np.asarray(position_ids) + 2]
    return layer_norm(summed, backbone.embeddings.norm)


def two_stream_logits(model, token_ids, order, stand_ins):
    """Computes the logits of one document's predictions.

    Args:
        model: `MPNetPretrainer`.
        token_ids: list of int, the document with its specials.
        order: list of int, the predicted positions in order of prediction.
        stand_ins: list of int, what stands for each of them in the masked part.

    Returns:
        float64 array `(len(order), vocabulary_size)`.
    """
    backbone = model.backbone
    plain = [place for place in range(len(token_ids)) if place not in order]
    num_plain, num_predicted = len(plain), len(order)
    # Content: non-predicted tokens, masks, real predicted tokens. Query: the masks once more.
    content_places = plain + order + order
    content_tokens = [token_ids[place] for place in plain] + stand_ins
    content_tokens += [token_ids[place] for place in order]

    num_content = len(content_places)
    content_mask = np.zeros((num_content, num_content), bool)
    content_mask[:, :num_plain] = True
    content_mask[: num_plain + num_predicted, num_plain : num_plain + num_predicted] = True
    query_mask = np.zeros((num_predicted, num_content), bool)
    query_mask[:, :num_plain] = True
    for k in range(num_predicted):
        mask_k, real_k = num_plain + k, num_plain + num_predicted + k
        for other in range(num_predicted):
            mask_other, real_other = num_plain + other, num_plain + num_predicted + other
            content_mask[real_k, real_other] = other <= k
            content_mask[real_k, mask_other] = other > k
            query_mask[k, real_other] = other < k
            query_mask[k, mask_other] = other >= k
        assert content_mask[mask_k, real_k] is np.False_

    table = np.asarray(backbone.relative_position_bias.embeddings, np.float64)

    def bias(query_places):
        return np.array(
            [[table[bucket(key - query)] for key in content_places] for query in query_places]
        )

    content_bias, query_bias = bias(content_places), bias(order)
    content = embed(backbone, content_tokens, content_places)
    query = embed(backbone, stand_ins, order)
    for block in backbone.transformer_layers:
        query, content = (
            attend(block, query, content, bias=query_bias, mask=query_mask),
            attend(block, content, content, bias=content_bias, mask=content_mask),
        )
    head = model.lm_head
    hidden = layer_norm(gelu(dense(query, head.dense)), head.norm)
    output = np.asarray(backbone.token_embedding.embeddings, np.float64).T
    return hidden @ output + np.asarray(head.bias, np.float64)
