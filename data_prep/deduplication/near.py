"""Documents that nearly repeat an earlier one, found by MinHash and locality-sensitive hashing.

A document is dropped if its signature agrees enough with that of a document of a lower order that
shares a band with it. Of a chain of documents, each near the next alone, all but the first are
dropped, though the last may be far from the first: which one of a chain is kept may not depend on
who looks first. Within a band that many documents share, each is compared with the first and with
the one before it, not with all, so that boilerplate costs no more than its length.

References:
    - Broder, On the resemblance and containment of documents, 1997.
    - Lee et al., https://arxiv.org/abs/2107.06499, section 4.2, on pretraining corpora.
"""

import dataclasses
import functools

import numpy as np

from data_prep.hashes import mixed_bits

_NO_WORDS = np.uint32(0xFFFFFFFF)
_VALUE_BASE = np.uint64(0x9E3779B97F4A7C15)
# How much worse a pair that is missed is than one that is compared in vain.
_ERROR_WEIGHTS = (0.1, 0.9)


@dataclasses.dataclass(frozen=True)
class NearDuplicateSettings:
    """What counts as nearly equal.

    Args:
        shingle_words: int, at least 1. Words in the stretches by which documents are compared. Of
            stretches of 3, a document with one word in 20 replaced shares 86% with the original,
            a similarity of 0.75.
        threshold: float, above 0, at most 1. Least Jaccard similarity of the sets of stretches, as
            signatures estimate it.
        num_permutations: int, at least 2. Length of a signature; the error of an estimate falls
            with its root, 0.04 at 128.
        seed: int. Of the permutations.
    """

    shingle_words: int = 3
    threshold: float = 0.6
    num_permutations: int = 128
    seed: int = 1

    def __post_init__(self):
        if self.shingle_words < 1:
            raise ValueError(
                f"`shingle_words` must be at least 1. Received: shingle_words={self.shingle_words}"
            )
        if not 0 < self.threshold <= 1:
            raise ValueError(
                f"`threshold` must be above 0 and at most 1. Received: threshold={self.threshold}"
            )
        if self.num_permutations < 2:
            raise ValueError(
                "`num_permutations` must be at least 2. "
                f"Received: num_permutations={self.num_permutations}"
            )


def signatures(words, settings):
    """Computes the MinHash signatures of documents.

    They are those of `datasketch.MinHash` in its scheme `affine32`, for sets of the low 32 bits of
    the stretches' hashes. A document of fewer words is one stretch; one without words has a
    signature that is near none.

    Args:
        words: `WordTable`.
        settings: `NearDuplicateSettings`.

    Returns:
        uint32 array `(num_documents, num_permutations)`.
    """
    hashes, document_index = _shingles(words, settings.shingle_words)
    result = np.full((settings.num_permutations, words.num_documents), _NO_WORDS, np.uint32)
    if len(hashes):
        has_words, starts = np.unique(document_index, return_index=True)
        mixed = _finalized(hashes.astype(np.uint32))
        factors, offsets = _permutations(settings.num_permutations, settings.seed)
        for row, factor, offset in zip(result, factors, offsets, strict=True):
            row[has_words] = np.minimum.reduceat(mixed * factor + offset, starts)
    return np.ascontiguousarray(result.T)


def band_keys(signatures, settings):
    """Hashes the bands of signatures; documents that share a key are candidates.

    Args:
        signatures: uint32 array `(num_documents, num_permutations)`.
        settings: `NearDuplicateSettings`.

    Returns:
        uint64 array `(num_documents, num_bands)`. Keys of different bands are never compared.
    """
    num_bands, num_rows = bands_and_rows(settings.threshold, settings.num_permutations)
    values = signatures[:, : num_bands * num_rows].astype(np.uint64)
    values = values.reshape(-1, num_bands, num_rows)
    keys = np.arange(num_bands, dtype=np.uint64)
    for row in range(num_rows):
        keys = mixed_bits(keys * _VALUE_BASE + values[:, :, row])
    return keys


def candidate_pairs(keys, orders):
    """Pairs the documents that share a key.

    Args:
        keys: uint64 array `(num_keys,)`.
        orders: uint64 array `(num_keys,)`. The documents that the keys belong to.

    Returns:
        Two uint64 arrays `(num_pairs,)`: of each pair the lower and the higher order.
    """
    by_key = np.lexsort((orders, keys))
    keys, orders = keys[by_key], orders[by_key]
    is_first = np.ones(len(keys), bool)
    is_first[1:] = keys[1:] != keys[:-1]
    first = orders[np.maximum.accumulate(np.where(is_first, np.arange(len(keys)), 0))]
    others = np.flatnonzero(~is_first)
    pairs = np.concatenate(
        [
            np.stack([first[others], orders[others]], axis=1),
            np.stack([orders[others - 1], orders[others]], axis=1),
        ]
    )
    pairs = np.unique(pairs, axis=0)
    return pairs[:, 0], pairs[:, 1]


def are_near(first, second, threshold):
    """Tells which pairs of documents are nearly equal.

    Args:
        first: uint32 array `(num_pairs, num_permutations)`. Signatures.
        second: uint32 array, likewise.
        threshold: float.

    Returns:
        bool array `(num_pairs,)`.
    """
    similarity = (first == second).mean(axis=1)
    return (similarity >= threshold) & (first != _NO_WORDS).any(axis=1)


@functools.cache
def bands_and_rows(threshold, num_permutations):
    """Returns the number of bands and of values in each that `datasketch` finds best, two int."""
    index = _datasketch().MinHashLSH(
        threshold=threshold, num_perm=num_permutations, weights=_ERROR_WEIGHTS
    )
    return index.b, index.r


def _shingles(words, n):
    """Returns the hashes of the stretches of documents, and their documents, in order."""
    hashes, document_index, _ = words.ngram_hashes(n)
    num_words = np.diff(words.document_starts)
    short = np.flatnonzero((num_words > 0) & (num_words < n))
    if not len(short):
        return hashes, document_index
    short_hashes = words.stretch_hashes(words.document_starts[short], num_words[short])
    document_index = np.concatenate([document_index, short])
    by_document = np.argsort(document_index, kind="stable")
    return np.concatenate([hashes, short_hashes])[by_document], document_index[by_document]


def _finalized(hashes):
    """MurmurHash3's end for 32 bits, with which `datasketch` mixes what it is given."""
    hashes = (hashes ^ (hashes >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    hashes = (hashes ^ (hashes >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return hashes ^ (hashes >> np.uint32(16))


@functools.cache
def _permutations(num_permutations, seed):
    return _datasketch().MinHash(num_permutations, seed=seed, scheme="affine32").permutations


def _datasketch():
    try:
        import datasketch
    except ImportError as error:
        raise ValueError(
            "Near-duplicates need the library datasketch: pip install 'mpnet_tf[corpus]'"
        ) from error
    return datasketch
