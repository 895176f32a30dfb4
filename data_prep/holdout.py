"""Which documents are held out for evaluation, decided by their content alone."""

import math

import numpy as np

from data_prep.hashes import HASH_LIMIT, text_hash


def is_held_out(document, share):
    """Tells whether a document belongs to the held-out split.

    The decision is a hash of the text with its whitespace normalised, so it does not depend on
    where a document stands or on what else is read, and equal documents are never split.

    Args:
        document: str.
        share: float, 0 to 1. The expected share of documents held out. A document held out at
            one share is held out at every larger one.

    Returns:
        bool.

    Raises:
        ValueError: if `share` is out of range.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"`share` must be from 0 to 1. Received: share={share}")
    return text_hash(document) < share * HASH_LIMIT


def are_held_out(hashes, share):
    """Tells which documents belong to the held-out split, as `is_held_out` does.

    Args:
        hashes: uint64 array `(num_documents,)`, `hashes.text_hashes` of the documents.
        share: float, 0 to 1.

    Returns:
        bool array `(num_documents,)`.
    """
    limit = math.ceil(share * HASH_LIMIT)
    return np.ones(len(hashes), bool) if limit == HASH_LIMIT else hashes < np.uint64(limit)
