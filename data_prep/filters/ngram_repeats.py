"""N-grams that stand in a document several times, and how much of it they take.

Repeats are found without sorting: each document has a few slots for each of its n-grams, an n-gram
is written into the slot that its hash names, and finds there itself, its repeat, or another that
came into the same slot. The last, a tenth, are looked at again with other bits of their hashes.
This takes a quarter of the time of a sort, because the slots of a document fit a processor's cache.
"""

import numpy as np

from data_prep.hashes import mixed_bits

# More of them take longer to reach than is saved by fewer n-grams that share one.
_SLOTS_PER_WORD = 4
_HALF = np.uint64(32)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def top_shares_above(words, largest):
    """Finds documents of which the most frequent n-gram takes more than its share.

    An n-gram takes its characters times how often it stands there. Of the most frequent n-grams the
    longest counts; one that stands there once does not.

    Args:
        words: `WordTable` of the documents.
        largest: dict from n, at least 2, to float, the largest share of the characters in words.

    Returns:
        Dict from n to bool array `(num_documents,)`.
    """
    result = {n: np.zeros(words.num_documents, bool) for n in largest}
    # A bound for the longest is one for all: few documents are looked at for each n.
    suspects = np.flatnonzero(_top_bounds(words, max(largest)) > min(largest.values()))
    left = words.select(suspects)
    for n, share in largest.items():
        result[n][suspects] = _shares(left, _top_characters(left, n)) > share
    return result


def repeated_shares_above(words, largest):
    """Finds documents of which n-grams that stand there twice or more take more than a share.

    They take the characters of the words that lie in one of them, each once.

    Args:
        words: `WordTable` of the documents.
        largest: dict from n to float, the largest share of the characters in words.

    Returns:
        Dict from n to bool array `(num_documents,)`.
    """
    result = {n: np.zeros(words.num_documents, bool) for n in largest}
    left, suspects = words, np.arange(words.num_documents)
    for n in sorted(largest):
        shares = _shares(left, _repeated_characters(left, n))
        result[n][suspects] = shares > largest[n]
        # Where a longer n-gram is repeated, so are the shorter ones in it: documents whose share
        # stays below all of the longer ones', which are nearly all, are not looked at again.
        is_suspect = shares > min(largest.values())
        left, suspects = left.select(np.flatnonzero(is_suspect)), suspects[is_suspect]
    return result


def _top_bounds(words, n):
    """Returns bounds of the shares of the top m-grams for m of 2 to n: float64 `(num_documents,)`.

    An m-gram is nowhere more frequent than the 2-gram that it begins with, and that not more than
    all 2-grams in its slot together.
    """
    bounds = np.zeros(words.num_documents, np.int64)
    num_words = np.diff(words.document_starts)
    has_words = np.flatnonzero(num_words)
    if not len(has_words):
        return bounds.astype(np.float64)
    # Word hashes are as good as random, and so are these. The last words of documents begin 2-grams
    # that are none, which makes bounds larger alone.
    keys = words.hashes * _FACTOR
    keys[:-1] += words.hashes[1:]
    displaced, lasts = _same_slots(words, keys, num_words)
    counts = 1 + np.bincount(lasts, minlength=len(keys))
    counts[displaced] = counts[lasts]
    characters = np.where(counts > 1, counts * _window_sums(words, n), 0)
    bounds[has_words] = np.maximum.reduceat(characters, words.document_starts[has_words])
    return _shares(words, bounds)


def _top_characters(words, n):
    """Returns the characters of each document's most frequent n-gram, all told: int64."""
    result = np.zeros(words.num_documents, np.int64)
    hashes, document_index, firsts = words.ngram_hashes(n)
    if not len(hashes):
        return result
    counts = _counts(words, hashes, document_index)
    documents, starts, num_ngrams = np.unique(document_index, return_index=True, return_counts=True)
    most = np.maximum.reduceat(counts, starts)
    is_most = counts == np.repeat(most, num_ngrams)
    longest = np.maximum.reduceat(is_most * _window_sums(words, n)[firsts], starts)
    result[documents] = np.where(most > 1, most * longest, 0)
    return result


def _repeated_characters(words, n):
    """Returns the characters of each document that lie in repeated n-grams: int64."""
    hashes, document_index, firsts = words.ngram_hashes(n)
    is_repeated = _counts(words, hashes, document_index) > 1
    starts, document_index = firsts[is_repeated], document_index[is_repeated]
    ends = starts + n
    # Where one overlaps the one before it, its words count there.
    starts[1:] = np.maximum(starts[1:], ends[:-1])
    characters = words.characters_before[ends] - words.characters_before[starts]
    return np.bincount(document_index, weights=characters, minlength=words.num_documents)


def _counts(words, hashes, document_index):
    """Counts how often each n-gram stands in its document: int64 `(num_ngrams,)`."""
    result = np.ones(len(hashes), np.int64)
    places = np.arange(len(hashes))
    while len(places):
        borders = np.searchsorted(document_index, np.arange(words.num_documents + 1))
        displaced, lasts = _same_slots(words, hashes, np.diff(borders))
        is_equal = hashes[displaced] == hashes[lasts]
        repeats, lasts = displaced[is_equal], lasts[is_equal]
        counts = 1 + np.bincount(lasts, minlength=len(places))
        result[places[repeats]] = counts[lasts]
        result[places[lasts]] = counts[lasts]
        # Equal n-grams share all slots, so that none of those left equals one that is not.
        left = displaced[~is_equal]
        places, document_index = places[left], document_index[left]
        hashes = mixed_bits(hashes[left])
    return result


def _same_slots(words, hashes, num_ngrams):
    """Finds n-grams that came into the same slot.

    Args:
        words: `WordTable`.
        hashes: uint64 array `(sum(num_ngrams),)`. Of n-grams, in order.
        num_ngrams: int64 array `(num_documents,)`. How many of them are in each document.

    Returns:
        A tuple of int arrays `(num_displaced,)`: the indices of all n-grams that a later one
        displaced, and for each the index of the last one in its slot.
    """
    num_slots = np.diff(words.document_starts) * _SLOTS_PER_WORD
    slots = hashes >> _HALF
    slots *= np.repeat(num_slots.astype(np.uint64), num_ngrams)
    slots >>= _HALF
    slots = slots.view(np.int64)
    slots += np.repeat(words.document_starts[:-1] * _SLOTS_PER_WORD, num_ngrams)
    # Only slots that were written into are read.
    content = np.empty(len(words.hashes) * _SLOTS_PER_WORD, np.int32)
    indices = np.arange(len(hashes), dtype=np.int32)
    content[slots] = indices
    lasts = content.take(slots)
    displaced = np.flatnonzero(lasts != indices)
    return displaced, lasts[displaced]


def _shares(words, characters):
    """Returns which shares of the characters in each document's words given ones are: float64."""
    return characters / np.maximum(words.num_characters, 1)


def _window_sums(words, n):
    """Returns the characters of n words in a row, fewer at the end: int64 `(num_words,)`."""
    sums = words.characters_before
    ends = np.append(sums, np.repeat(sums[-1:], n))[n : n + len(words.lengths)]
    return ends - sums[:-1]
