"""How good embeddings are: for judging similarity and for retrieval."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from mpnet_tf.finetuning.classification_metrics import compute_metrics
from mpnet_tf.finetuning.embedding_data import without_padding
from mpnet_tf.finetuning.text_checks import warn_of_texts


def embed_texts(
    embedder, texts: Sequence[str], pack: Callable, *, batch_size: int = 64
) -> np.ndarray:
    """Embeds texts, those of like length together.

    Where `pack` has a `tokenizer` and a `sequence_length`, warnings count the texts that are too
    long and cut, and those that are empty.

    Args:
        embedder: Keras model from a dict of features to embeddings.
        texts: the texts.
        pack: makes features of texts, as in `mpnet_tf.finetuning.embedding_data`.
        batch_size: texts at a time.

    Returns:
        float32 array `(len(texts), embedding_dim)`, in the order of the texts.

    Raises:
        ValueError: if there are no texts, or a text is given in place of a list.
    """
    if not len(texts):
        raise ValueError("`texts` must not be empty.")
    warn_of_texts(texts, pack, "`texts`")

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string)])
    def embed(some):
        return tf.cast(embedder(without_padding(pack(some)), training=False), tf.float32)

    encoded = np.array([text.encode() for text in texts], dtype=object)
    order = np.argsort([-len(text) for text in encoded], kind="stable")
    parts = [
        embed(tf.constant(encoded[order[begin : begin + batch_size]]))
        for begin in range(0, len(texts), batch_size)
    ]
    embeddings = np.concatenate(parts)
    embeddings[order] = embeddings.copy()
    return embeddings


def similarity_correlations(
    first: np.ndarray, second: np.ndarray, scores: Sequence[float]
) -> dict[str, float]:
    """Correlates the cosines of pairs with their scores.

    Args:
        first, second: embeddings `(num_pairs, embedding_dim)` of the texts of pairs.
        scores: how similar the texts are, in any range.

    Returns:
        `spearman`, which semantic textual similarity is compared by, and `pearson`.

    Raises:
        ValueError: if the numbers of embeddings and scores differ or are 0, or one is not finite.

    References:
        [Task-Oriented Intrinsic Evaluation of Semantic Textual
        Similarity](https://aclanthology.org/C16-1009), for Spearman's.
    """
    if first.shape != second.shape:
        raise ValueError(
            "`first` and `second` must be of one shape. "
            f"Received: shapes {first.shape} and {second.shape}"
        )
    cosines = (_unit_length(first) * _unit_length(second)).sum(axis=1)
    return compute_metrics(["spearman", "pearson"], scores, cosines)


def retrieval_metrics(
    queries: np.ndarray,
    documents: np.ndarray,
    relevant: Sequence[Sequence[int]],
    *,
    cutoffs: Sequence[int] = (1, 10, 100),
    chunk_size: int = 10_000,
) -> dict[str, float]:
    """Ranks documents by their cosine with each query and compares with those that are relevant.

    Means over the queries, with k from `cutoffs`: `recall@k`, the share of its relevant documents
    among the first k; `mrr@k`, one over the rank of the first relevant one, 0 if that is below k;
    `ndcg@k`, the sum of `1 / log2(1 + rank)` over the relevant among the first k, divided by that
    of the best ranking. Of equally similar documents the earlier comes first.

    Args:
        queries: embeddings `(num_queries, embedding_dim)`.
        documents: embeddings `(num_documents, embedding_dim)`.
        relevant: for each query the numbers of the documents that are relevant, one at least.
        cutoffs: the k, from 1.
        chunk_size: documents to compare with at a time, and a bound on the memory: cosines of a
            tenth as many queries with so many documents are held.

    Returns:
        The metrics by their names, such as "ndcg@10".

    Raises:
        ValueError: if `relevant` is not as long as `queries`, is empty for a query or has numbers
            of no document, or a cutoff is not positive.

    References:
        [BEIR](https://arxiv.org/abs/2104.08663);
        [Cumulated gain-based evaluation of IR
        techniques](https://doi.org/10.1145/582415.582418).
    """
    _check_relevant(relevant, len(queries), len(documents))
    if not cutoffs or min(cutoffs) < 1:
        raise ValueError(f"`cutoffs` must be positive. Received: cutoffs={cutoffs}")
    ranked = rank_documents(queries, documents, depth=max(cutoffs), chunk_size=chunk_size)
    hits = np.stack(
        [np.isin(row, list(wanted)) for row, wanted in zip(ranked, relevant, strict=True)]
    )
    num_relevant = np.array([len(set(wanted)) for wanted in relevant])
    gains = 1 / np.log2(np.arange(2, max(hits.shape[1], num_relevant.max()) + 2))
    best = np.concatenate([[0.0], np.cumsum(gains)])
    metrics = {}
    for cutoff in cutoffs:
        found = hits[:, :cutoff]
        reciprocal_ranks = np.where(found.any(axis=1), 1 / (1 + found.argmax(axis=1)), 0.0)
        ideal = best[np.minimum(num_relevant, cutoff)]
        metrics[f"recall@{cutoff}"] = (found.sum(axis=1) / num_relevant).mean()
        metrics[f"mrr@{cutoff}"] = reciprocal_ranks.mean()
        metrics[f"ndcg@{cutoff}"] = (found @ gains[: found.shape[1]] / ideal).mean()
    return {name: float(value) for name, value in metrics.items()}


def rank_documents(
    queries: np.ndarray, documents: np.ndarray, *, depth: int, chunk_size: int = 10_000
) -> np.ndarray:
    """Finds the documents that are most similar to each query by their cosine.

    Args:
        queries: embeddings `(num_queries, embedding_dim)`.
        documents: embeddings `(num_documents, embedding_dim)`.
        depth: how many to find.
        chunk_size: as in `retrieval_metrics`.

    Returns:
        int64 array `(num_queries, min(depth, num_documents))` of numbers of documents, the most
        similar first, of equally similar ones the earlier.
    """
    queries, documents = _unit_length(queries), _unit_length(documents)
    queries_at_once = max(chunk_size // 10, 1)
    return np.concatenate(
        [
            _rank_in_chunks(queries[begin : begin + queries_at_once], documents, depth, chunk_size)
            for begin in range(0, len(queries), queries_at_once)
        ]
    )


def _rank_in_chunks(queries, documents, depth, chunk_size):
    best_cosines = np.empty((len(queries), 0), queries.dtype)
    best = np.empty((len(queries), 0), np.int64)
    for begin in range(0, len(documents), chunk_size):
        cosines = queries @ documents[begin : begin + chunk_size].T
        numbers = np.broadcast_to(np.arange(begin, begin + cosines.shape[1]), cosines.shape)
        # The best so far come before, so the order of what is equal stays that of the documents.
        cosines = np.concatenate([best_cosines, cosines], axis=1)
        numbers = np.concatenate([best, numbers], axis=1)
        order = _largest_first(cosines, depth)
        best_cosines = np.take_along_axis(cosines, order, axis=1)
        best = np.take_along_axis(numbers, order, axis=1)
    return best


def _largest_first(values, depth):
    """Returns the columns of the largest values of each row, of equal ones the first."""
    if depth >= values.shape[1]:
        return np.argsort(-values, axis=1, kind="stable")
    # Sorting all would take longer than the products. What a partition leaves out is no larger than
    # the smallest that it keeps; ties with that one are settled by the column.
    least = -np.partition(-values, depth - 1, axis=1)[:, depth - 1 : depth]
    is_above = values > least
    num_ties_kept = depth - is_above.sum(axis=1, keepdims=True)
    is_tie = values == least
    keeps = is_above | (is_tie & (np.cumsum(is_tie, axis=1) <= num_ties_kept))
    columns = np.nonzero(keeps)[1].reshape(len(values), depth)
    order = np.argsort(-np.take_along_axis(values, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def _check_relevant(relevant, num_queries, num_documents):
    if len(relevant) != num_queries or not num_queries:
        raise ValueError(
            f"`relevant` must have one entry for each of {num_queries} queries, one at least. "
            f"Received: {len(relevant)}"
        )
    for query, wanted in enumerate(relevant):
        if not len(wanted) or min(wanted) < 0 or max(wanted) >= num_documents:
            raise ValueError(
                f"`relevant` must name one or more of the {num_documents} documents for each "
                f"query. Received: relevant[{query}]={wanted}; leave out queries without any."
            )


def _unit_length(vectors):
    vectors = np.asarray(vectors)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
