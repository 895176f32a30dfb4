"""Pairs of texts that belong together, from plain documents that nobody has labelled."""

import itertools
import os
from collections.abc import Sequence

from absl import logging

from mpnet_tf.finetuning.labelled_texts import LabelledTexts
from mpnet_tf.finetuning.text_lines import read_lines


def read_documents(path: str | os.PathLike) -> tuple[tuple[str, ...], ...]:
    """Reads a file with a sentence or paragraph a line and blank lines between documents.

    Args:
        path: the file.

    Returns:
        The lines of each document, without white space around them.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is not UTF-8 or has no text; the message names it.
    """
    documents = [[]]
    for _, line in read_lines(path):
        if line := line.strip():
            documents[-1].append(line)
        elif documents[-1]:
            documents.append([])
    documents = tuple(tuple(lines) for lines in documents if lines)
    if not documents:
        raise ValueError(f"{path}: the file is empty. It must hold at least one line of text.")
    return documents


def title_pairs(
    documents: Sequence[Sequence[str]], *, num_lines: int | None = None, source: str = "documents"
) -> LabelledTexts:
    """Pairs the first line of each document with the text that follows.

    Args:
        documents: what `read_documents` returns. Those of one line have no pair; a warning counts
            them.
        num_lines: most lines of the text to take; None for all. Texts that a model cuts anyway
            need not be read whole in every epoch.
        source: what the documents were read from, for messages.

    Returns:
        Pairs without labels: `texts` are the titles, `pairs` the texts.

    Raises:
        ValueError: if `num_lines` is below 1 or no document has two lines.
    """
    if num_lines is not None and num_lines < 1:
        raise ValueError(f"`num_lines` must be at least 1. Received: num_lines={num_lines}")
    end = None if num_lines is None else num_lines + 1
    pairs = [(lines[0], " ".join(lines[1:end])) for lines in documents if len(lines) > 1]
    return _unlabelled_pairs(pairs, documents, source)


def neighbour_pairs(
    documents: Sequence[Sequence[str]], *, source: str = "documents"
) -> LabelledTexts:
    """Pairs each line of a document with the next.

    A line that is neither a document's first nor its last stands in two pairs:
    `contrastive_batches` keeps these apart.

    Args:
        documents: what `read_documents` returns. Those of one line have no pair; a warning counts
            them.
        source: what the documents were read from, for messages.

    Returns:
        Pairs without labels: `texts` are the lines, `pairs` the lines after them.

    Raises:
        ValueError: if no document has two lines.

    References:
        [Latent Retrieval for Weakly Supervised Open Domain Question
        Answering](https://arxiv.org/abs/1906.00300), section 4, whose inverse cloze task finds the
        sentences around one.
    """
    pairs = [pair for lines in documents for pair in itertools.pairwise(lines)]
    return _unlabelled_pairs(pairs, documents, source)


def _unlabelled_pairs(pairs, documents, source):
    if not pairs:
        raise ValueError(
            f"{source}: no document has two lines to make a pair of. There must be a sentence or "
            "paragraph a line, and blank lines between documents alone."
        )
    num_single = sum(len(lines) < 2 for lines in documents)
    if num_single:
        logging.warning(
            "%d of the %d documents of %s have one line and make no pair.",
            num_single,
            len(documents),
            source,
        )
    first, second = zip(*pairs, strict=True)
    return LabelledTexts(texts=first, pairs=second, labels=None, ids=None, source=source)
