"""Pairs held out of training, as queries and the documents to be found for them."""

import dataclasses

import numpy as np

from mpnet_tf.finetuning.labelled_texts import LabelledTexts


@dataclasses.dataclass(frozen=True)
class RetrievalExamples:
    """Queries, documents, and which of them belong together.

    Args:
        queries: texts, no two alike.
        documents: texts, no two alike.
        relevant: for each query the numbers of its documents, as `retrieval_metrics` takes them.
    """

    queries: tuple[str, ...]
    documents: tuple[str, ...]
    relevant: tuple[tuple[int, ...], ...]


def retrieval_examples(pairs: LabelledTexts) -> RetrievalExamples:
    """Takes the first texts of pairs for queries and the second for their documents.

    Equal texts are one: a query that is in several pairs has several relevant documents.

    Args:
        pairs: pairs of texts; labels are not looked at.

    Raises:
        ValueError: if the examples are no pairs.
    """
    _check_pairs(pairs)
    documents = {}
    relevant = {}
    for query, document in zip(pairs.texts, pairs.pairs, strict=True):
        number = documents.setdefault(document, len(documents))
        # A dict keeps the order and has each number once.
        relevant.setdefault(query, {})[number] = None
    return RetrievalExamples(
        tuple(relevant), tuple(documents), tuple(tuple(numbers) for numbers in relevant.values())
    )


def hold_out_retrieval(
    pairs: LabelledTexts, *, num_heldout: int, seed: int
) -> tuple[LabelledTexts, RetrievalExamples]:
    """Holds out pairs to measure retrieval with.

    No text that is held out stays in training: pairs that share one with a pair held out are in
    neither part.

    Args:
        pairs: pairs of texts, such as of `title_pairs`.
        num_heldout: how many pairs to hold out, from 1.
        seed: int from 0. Which ones follows from it.

    Returns:
        The pairs to train on, in their order, and those held out.

    Raises:
        ValueError: if the examples are no pairs, or `num_heldout` is below 1 or leaves nothing to
            train on.

    Example:

    ```python
    train, heldout = hold_out_retrieval(title_pairs(documents), num_heldout=200, seed=0)
    # Train on contrastive_batches((train.texts, train.pairs), pack, ...), then
    retrieval_metrics(
        embed_texts(embedder, heldout.queries, pack),
        embed_texts(embedder, heldout.documents, pack),
        heldout.relevant,
    )
    ```
    """
    _check_pairs(pairs)
    if num_heldout < 1:
        raise ValueError(f"`num_heldout` must be at least 1. Received: num_heldout={num_heldout}")
    order = np.random.default_rng(seed).permutation(len(pairs))
    heldout = _rows(pairs, sorted(order[:num_heldout].tolist()))
    texts = {*heldout.texts, *heldout.pairs}
    train = [
        row
        for row, pair in enumerate(zip(pairs.texts, pairs.pairs, strict=True))
        if texts.isdisjoint(pair)
    ]
    if not train:
        raise ValueError(
            f"`num_heldout` must leave pairs of {pairs.source} that share no text with those held "
            f"out, of {len(pairs)}. Received: num_heldout={num_heldout}"
        )
    return _rows(pairs, train), retrieval_examples(heldout)


def _rows(pairs, rows):
    fields = {}
    for name in ("texts", "pairs", "labels", "ids"):
        values = getattr(pairs, name)
        fields[name] = None if values is None else tuple(values[row] for row in rows)
    return LabelledTexts(**fields, source=pairs.source)


def _check_pairs(pairs):
    if pairs.pairs is None:
        raise ValueError(f"`pairs` must be pairs of texts. Received: those of {pairs.source}")
