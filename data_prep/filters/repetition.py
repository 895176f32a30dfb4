"""Documents that repeat themselves, by Gopher's rules.

References:
    - Gopher, https://arxiv.org/abs/2112.11446, appendix A.1.1, table A1.
"""

import collections
import dataclasses

import numpy as np

from data_prep.filters.quality import first_reasons
from data_prep.hashes import HashSet, mixed_bits

_DOCUMENT_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_TOP_SIZES = (2, 3, 4)
_REPEATED_SIZES = (5, 6, 7, 8, 9, 10)


@dataclasses.dataclass(frozen=True)
class RepetitionSettings:
    """Largest shares of a document that may be repeats.

    Lines and paragraphs are compared without the whitespace around them; a repeat is one that
    stood before in the document. N-grams are of the words of `WordTable`; their shares are of the
    characters in words.

    Args:
        max_line_share: float. Repeated lines. Gopher: 0.3.
        max_paragraph_share: float. Repeated paragraphs, which empty lines separate. Gopher: 0.3.
        max_line_character_share: float. Characters in repeated lines. Gopher: 0.2.
        max_paragraph_character_share: float. Characters in repeated paragraphs. Gopher: 0.2.
        max_top_shares: tuple of 3 float. Characters of the most frequent 2-, 3- and 4-gram, if it
            occurs twice or more: its length times how often. Gopher: 0.2, 0.18, 0.16.
        max_repeated_shares: tuple of 6 float. Characters that lie in a 5-, 6-, ... 10-gram which
            occurs twice or more, each character once. Gopher: 0.15, 0.14, ... 0.10.
    """

    max_line_share: float = 0.3
    max_paragraph_share: float = 0.3
    max_line_character_share: float = 0.2
    max_paragraph_character_share: float = 0.2
    max_top_shares: tuple[float, ...] = (0.2, 0.18, 0.16)
    max_repeated_shares: tuple[float, ...] = (0.15, 0.14, 0.13, 0.12, 0.11, 0.10)

    def __post_init__(self):
        for name, sizes in (
            ("max_top_shares", _TOP_SIZES),
            ("max_repeated_shares", _REPEATED_SIZES),
        ):
            shares = getattr(self, name)
            if len(shares) != len(sizes):
                raise ValueError(
                    f"`{name}` must have {len(sizes)} values, for n-grams of {sizes} words. "
                    f"Received: {name}={shares}"
                )


def repetition_reasons(texts, words, settings):
    """Finds reasons to drop documents.

    Args:
        texts: list of str.
        words: `WordTable` of them.
        settings: `RepetitionSettings`.

    Returns:
        List of str or None, the first rule in the order of the settings that each breaks:
        `repeated_lines`, `repeated_paragraphs`, `repeated_line_characters`,
        `repeated_paragraph_characters`, `top_2_gram` to `top_4_gram`, `repeated_5_grams` to
        `repeated_10_grams`.
    """
    line_shares = np.array([_repeated_shares(text, "\n") for text in texts]).reshape(-1, 2)
    paragraph_shares = np.array([_repeated_shares(text, "\n\n") for text in texts]).reshape(-1, 2)
    broken = [
        ("repeated_lines", line_shares[:, 0] > settings.max_line_share),
        ("repeated_paragraphs", paragraph_shares[:, 0] > settings.max_paragraph_share),
        ("repeated_line_characters", line_shares[:, 1] > settings.max_line_character_share),
        (
            "repeated_paragraph_characters",
            paragraph_shares[:, 1] > settings.max_paragraph_character_share,
        ),
    ]
    for n, shares in zip(_TOP_SIZES, _top_shares(words, settings.max_top_shares), strict=True):
        broken.append((f"top_{n}_gram", shares))
    for n, shares in zip(
        _REPEATED_SIZES, _repeated_ngrams(words, settings.max_repeated_shares), strict=True
    ):
        broken.append((f"repeated_{n}_grams", shares))
    return first_reasons(broken, len(texts))


def _repeated_shares(text, separator):
    """Returns the shares of parts that stood before: of their number, and of their characters."""
    if separator not in text:
        return 0.0, 0.0
    parts = [part for part in map(str.strip, text.split(separator)) if part]
    counts = set(parts)
    if len(counts) == len(parts):
        return 0.0, 0.0
    num_characters = sum(map(len, parts))
    num_new = sum(map(len, counts))
    return 1 - len(counts) / len(parts), 1 - num_new / num_characters


def _top_shares(words, largest):
    """Yields for n of 2 to 4 a bool array: where the top n-gram takes more than its share.

    No n-gram is more frequent than the most frequent 2-gram, nor longer than the longest n-gram:
    documents that the two keep below their shares, which are nearly all, are not counted exactly.
    """
    num_characters = _sums(words, words.lengths)
    top_counts = _top_counts(words)
    for n, share in zip(_TOP_SIZES, largest, strict=True):
        is_above = np.zeros(words.num_documents, bool)
        lengths = _window_sums(words.lengths, n)
        longest = _largest_in_documents(words, lengths, n)
        suspects = (top_counts > 1) & (top_counts * longest > share * num_characters)
        for place in np.flatnonzero(suspects):
            start, end = words.document_starts[place : place + 2]
            hashes = words.stretch_hashes(np.arange(start, end - n + 1), n)
            counts = collections.Counter(hashes.tolist())
            most = max(counts.values())
            if most > 1:
                is_most = np.array([counts[key] == most for key in hashes.tolist()])
                characters = most * lengths[start : end - n + 1][is_most].max()
                is_above[place] = characters > share * num_characters[place]
        yield is_above


def _top_counts(words):
    """Returns how often the most frequent 2-gram of each document occurs: int64."""
    hashes, document_index, _ = words.ngram_hashes(2)
    result = np.zeros(words.num_documents, np.int64)
    if len(hashes):
        # The hashes below the numbers of their documents, so that one sort counts in all.
        shift = np.uint64(64 - max(1, words.num_documents.bit_length()))
        keys = (document_index.astype(np.uint64) << shift) | (hashes >> (np.uint64(64) - shift))
        keys.sort()
        starts = _run_starts(keys)
        counts = np.diff(np.append(starts, len(keys)))
        documents = keys[starts] >> shift
        firsts = _run_starts(documents)
        result[documents[firsts].astype(np.int64)] = np.maximum.reduceat(counts, firsts)
    return result


def _run_starts(values):
    """Returns where each run of equal values begins in a sorted array that is not empty."""
    return np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1])


def _repeated_ngrams(words, largest):
    """Yields for n of 5 to 10 a bool array: where repeated n-grams take more than their share.

    Where a longer n-gram repeats, so do the 5-grams in it: documents whose 5-grams stay below all
    shares, which are nearly all, are not looked at again.
    """
    shares = _covered_shares(words, _REPEATED_SIZES[0])
    yield shares > largest[0]
    suspects = np.flatnonzero(shares > min(largest))
    left = words.select(suspects)
    for n, share in zip(_REPEATED_SIZES[1:], largest[1:], strict=True):
        is_above = np.zeros(words.num_documents, bool)
        is_above[suspects] = _covered_shares(left, n) > share
        yield is_above


def _covered_shares(words, n):
    """Returns the share of each document's characters that lie in repeated n-grams."""
    hashes, document_index, firsts = words.ngram_hashes(n)
    # Equal n-grams of different documents become different.
    keys = mixed_bits(hashes + document_index.astype(np.uint64) * _DOCUMENT_FACTOR)
    ordered = np.sort(keys)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(repeated):
        return np.zeros(words.num_documents)
    firsts = firsts[HashSet(repeated).has(keys)]
    # How many repeated n-grams begin before each word, less those that have ended.
    changes = np.zeros(len(words.hashes) + n, np.int64)
    changes[firsts] = 1
    changes[n:] -= changes[:-n].copy()
    is_covered = np.cumsum(changes)[: len(words.hashes)] > 0
    return _sums(words, words.lengths * is_covered) / np.maximum(_sums(words, words.lengths), 1)


def _sums(words, values):
    """Sums the values of each document's words."""
    sums = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return np.diff(sums[words.document_starts])


def _window_sums(values, n):
    """Returns the sums of n values in a row, by where they begin; fewer at the end are left out."""
    sums = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return sums[n:] - sums[:-n]


def _largest_in_documents(words, lengths, n):
    """Returns a bound of the n-gram lengths of each document, 0 where it has no n-gram."""
    result = np.zeros(words.num_documents, np.int64)
    has_ngrams = np.flatnonzero(np.diff(words.document_starts) >= n)
    if len(has_ngrams):
        starts = words.document_starts[has_ngrams]
        # N-grams across documents, which are among them, make the bound larger alone.
        result[has_ngrams] = np.maximum.reduceat(lengths, starts)
    return result
