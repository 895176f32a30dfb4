"""The words of many documents at once, as numbers: what filters and fingerprints look at.

Words are hashed by polynomials modulo 2**64: with the sums up to every place at hand, the hash of
any stretch is a difference, times the inverse power of the place where it begins (the base is odd).
So the hash of a word, or of n of them in a row, costs the same however long it is, and does not
depend on what stands around it.
"""

import functools
import sys
import unicodedata

import numpy as np

from data_prep.hashes import mixed_bits

_NO_WORD, _LETTER, _MARK, _WORD_BY_ITSELF = range(4)
# The numbers made of them are 8 times as large.
_CHARACTERS_PER_GROUP = 1 << 16
# Enough for the words of a chunk.
_CACHED_POWERS = 1 << 18
_CHARACTER_BASE = 0x9E3779B97F4A7C15
_WORD_BASE = 0xD1B54A32D192ED03
# Scripts that put no spaces between words: a character each stands for one.
SCRIPTS_WITHOUT_SPACES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Chinese characters
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),  # Myanmar
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),
    (0x1AFF0, 0x1B16F),  # Kana
    (0x20000, 0x3FFFF),
)


class WordTable:
    """The words of documents, in order.

    A word is a run of letters, marks and digits, its letters lowercased one by one. In scripts
    that put no spaces between words each character with its marks is one: Chinese characters,
    Kana, Thai, Lao, Khmer, Myanmar. Make it with `WordTable.of`.

    Args:
        hashes: uint64 array `(num_words,)`. Equal words have equal hashes, and different ones
            different hashes, but for one pair in 2**64.
        lengths: int32 array `(num_words,)`. Characters in each word.
        document_starts: int64 array `(num_documents + 1,)`. Where each document's words begin, and
            last the number of all.
    """

    def __init__(self, hashes, lengths, document_starts):
        self.hashes = hashes
        self.lengths = lengths
        self.document_starts = document_starts

    @classmethod
    def of(cls, texts):
        """Makes the table of documents.

        Args:
            texts: list of str.
        """
        return _joined([_table_of_group(group) for group in _groups(texts)])

    @property
    def num_documents(self):
        """int."""
        return len(self.document_starts) - 1

    @functools.cached_property
    def document_index(self):
        """int32 array `(num_words,)`. The document that each word stands in."""
        num_words = np.diff(self.document_starts)
        return np.repeat(np.arange(self.num_documents, dtype=np.int32), num_words)

    @functools.cached_property
    def characters_before(self):
        """int64 array `(num_words + 1,)`. Characters in all words before each, and in all."""
        return np.cumsum(np.append(0, self.lengths), dtype=np.int64)

    @property
    def num_characters(self):
        """int64 array `(num_documents,)`. Characters in the words of each document."""
        return np.diff(self.characters_before[self.document_starts])

    def select(self, places):
        """Returns the table of some of the documents.

        Args:
            places: list of int. Their indices, rising.
        """
        is_chosen = np.zeros(self.num_documents, bool)
        is_chosen[places] = True
        of_chosen = is_chosen[self.document_index]
        num_words = np.diff(self.document_starts)[is_chosen]
        return WordTable(
            hashes=self.hashes[of_chosen],
            lengths=self.lengths[of_chosen],
            document_starts=np.concatenate([[0], np.cumsum(num_words)]),
        )

    def ngram_hashes(self, n):
        """Hashes all stretches of n words within documents.

        Args:
            n: int, at least 1.

        Returns:
            A tuple of arrays `(num_ngrams,)`: uint64 hashes, int32 indices of the documents, int64
            indices of the first words. In order; none of documents with fewer than `n` words.

        Raises:
            ValueError: if `n` is out of range.
        """
        if n < 1:
            raise ValueError(f"`n` must be at least 1. Received: n={n}")
        num_ngrams = np.maximum(np.diff(self.document_starts) - (n - 1), 0)
        document_index = np.repeat(np.arange(self.num_documents, dtype=np.int32), num_ngrams)
        firsts = np.arange(len(document_index))
        next_place = np.cumsum(num_ngrams)
        firsts += np.repeat(self.document_starts[:-1] + num_ngrams - next_place, num_ngrams)
        # Differences of neighbours are taken faster than those of given places.
        sums, inverse_powers = self._sums
        hashes = sums[n:] - sums[:-n]
        hashes *= inverse_powers[: len(hashes)]
        return mixed_bits(hashes.take(firsts)), document_index, firsts

    def stretch_hashes(self, firsts, n):
        """Hashes given stretches of words, as `ngram_hashes` does.

        Args:
            firsts: int64 array `(num_stretches,)`. Indices of their first words.
            n: int, or int64 array `(num_stretches,)`. Their lengths in words.

        Returns:
            uint64 array `(num_stretches,)`.
        """
        sums, inverse_powers = self._sums
        return mixed_bits((sums[firsts + n] - sums[firsts]) * inverse_powers[firsts])

    @functools.cached_property
    def _sums(self):
        return _polynomial_sums(self.hashes.copy(), base=_WORD_BASE)


def _groups(texts):
    """Yields lists of texts whose characters, as numbers, fit a processor's cache."""
    group, num_characters = [], 0
    for text in texts:
        group.append(text)
        num_characters += len(text)
        if num_characters >= _CHARACTERS_PER_GROUP:
            yield group
            group, num_characters = [], 0
    yield group


def _table_of_group(texts):
    # Line feeds, which are in no word, stand before, between and behind the texts.
    joined = "\n".join(["", *texts, ""])
    kinds, values = _character_tables(joined.isascii())
    if joined.isascii():
        data = joined.encode("ascii")
        codes = np.frombuffer(data, np.uint8)
        # A third of the time that indexing takes.
        is_word = np.frombuffer(data.translate(kinds.tobytes()), bool)
        borders = np.flatnonzero(is_word[1:] != is_word[:-1]) + 1
        starts, ends = borders[::2], borders[1::2]
    else:
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
        starts, ends = _word_borders(kinds[codes])
    sums, inverse_powers = _polynomial_sums(values.take(codes), base=_CHARACTER_BASE)
    hashes = sums.take(ends)
    hashes -= sums.take(starts)
    hashes *= inverse_powers.take(starts)
    text_starts = np.cumsum([0, *(len(text) + 1 for text in texts)])
    return WordTable(
        hashes=mixed_bits(hashes),
        lengths=(ends - starts).astype(np.int32),
        document_starts=np.searchsorted(starts, text_starts),
    )


def _word_borders(kinds):
    """Returns where words start and end in characters of the given kinds, the outer ones none."""
    is_word = kinds != _NO_WORD
    # Whether a word begins anew at each character but the first, if it is in one.
    is_new = is_word[1:] != is_word[:-1]
    is_new |= kinds[1:] == _WORD_BY_ITSELF
    is_new |= (kinds[1:] == _LETTER) & (kinds[:-1] == _WORD_BY_ITSELF)
    starts = np.flatnonzero(is_new & is_word[1:]) + 1
    ends = np.flatnonzero(is_new & is_word[:-1]) + 1
    return starts, ends


def _joined(tables):
    """Returns the table of all tables' documents."""
    num_words = [np.diff(table.document_starts) for table in tables]
    return WordTable(
        hashes=np.concatenate([table.hashes for table in tables]),
        lengths=np.concatenate([table.lengths for table in tables]),
        document_starts=np.cumsum(np.concatenate([[0], *num_words]), dtype=np.int64),
    )


def _polynomial_sums(values, *, base):
    """Prepares the hashing of stretches of numbers.

    Args:
        values: uint64 array `(count,)`, which is overwritten.
        base: int, odd.

    Returns:
        A tuple of uint64 arrays: the sums of `values[k] * base**k` over all k below each place,
        `(count + 1,)`, and `base**-k` for every k, at least `count` of them; modulo 2**64.
    """
    count = max(_CACHED_POWERS, len(values))
    # Those for a very long document are not kept.
    make_powers = _powers if count == _CACHED_POWERS else _powers.__wrapped__
    powers, inverse_powers = make_powers(base, count)
    values *= powers[: len(values)]
    sums = np.zeros(len(values) + 1, np.uint64)
    np.cumsum(values, out=sums[1:])
    return sums, inverse_powers


@functools.cache
def _powers(base, count):
    """Returns `base**k` and its inverse modulo 2**64 for k from 0 to `count - 1`."""
    factors = np.full(count, base, np.uint64)
    factors[0] = 1
    inverse_factors = np.full(count, pow(base, -1, 2**64), np.uint64)
    inverse_factors[0] = 1
    return np.cumprod(factors), np.cumprod(inverse_factors)


@functools.cache
def _character_tables(ascii_only):
    """Returns for each code point its kind, uint8, and the number that stands for it, uint64."""
    # As many as `bytes.translate` wants.
    count = 256 if ascii_only else sys.maxunicode + 1
    kinds = np.array([_kind(chr(code)) for code in range(count)], np.uint8)
    for first, last in SCRIPTS_WITHOUT_SPACES:
        in_script = kinds[first : last + 1]
        in_script[in_script == _LETTER] = _WORD_BY_ITSELF
    lower = np.array([_lower(chr(code)) for code in range(count)], np.uint64)
    return kinds, mixed_bits(lower + np.uint64(_CHARACTER_BASE))


def _kind(character):
    category = unicodedata.category(character)[0]
    if category == "M":
        return _MARK
    return _LETTER if category in "LN" else _NO_WORD


def _lower(character):
    lower = character.lower()
    return ord(lower) if len(lower) == 1 else ord(character)
