"""Figures of what whitespace separates in documents."""

import dataclasses
import functools
import sys

import numpy as np

_BLANK, _LETTER, _OTHER = range(3)
# As numbers they still fit a processor's cache.
_CHARACTERS_PER_GROUP = 1 << 16


@dataclasses.dataclass(frozen=True)
class TokenFigures:
    """Counts of each document's tokens, the runs of characters that are not whitespace.

    Args:
        num_tokens: int64 array `(num_documents,)`.
        num_characters: int64 array `(num_documents,)`. Characters in them.
        num_alphabetic: int64 array `(num_documents,)`. Tokens with a letter.
    """

    num_tokens: np.ndarray
    num_characters: np.ndarray
    num_alphabetic: np.ndarray

    def mean_length(self):
        """Returns characters for each token, float64 `(num_documents,)`; 0 where there is none."""
        return self.num_characters / np.maximum(self.num_tokens, 1)

    def alphabetic_share(self):
        """Returns the share of tokens with a letter, likewise."""
        return self.num_alphabetic / np.maximum(self.num_tokens, 1)


def token_figures(texts):
    """Computes the `TokenFigures` of a list of str."""
    figures = [np.zeros((3, 0), np.int64)]
    start, num_characters = 0, 0
    for end, text in enumerate(texts, start=1):
        num_characters += len(text)
        if num_characters >= _CHARACTERS_PER_GROUP or end == len(texts):
            figures.append(_figures_of_group(texts[start:end]))
            start, num_characters = end, 0
    return TokenFigures(*np.concatenate(figures, axis=1))


def _figures_of_group(texts):
    """Returns the figures as an int64 array `(3, num_documents)`."""
    # Whitespace before each text keeps tokens apart.
    joined = "\n".join(["", *texts, ""])
    if joined.isascii():
        codes = np.frombuffer(joined.encode("ascii"), np.uint8)
    else:
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
    kinds = _character_kinds(joined.isascii())[codes]
    is_token = kinds != _BLANK
    starts = np.flatnonzero(is_token[1:] & ~is_token[:-1]) + 1
    letters = np.cumsum(kinds == _LETTER, dtype=np.int64)
    characters = np.cumsum(is_token, dtype=np.int64)
    # Sums up to where each token starts, and to the end: letters between two starts are those of
    # the first, because whitespace has none.
    letters_before = np.append(letters[starts - 1], letters[-1])
    has_letter = np.append(0, np.cumsum(letters_before[1:] > letters_before[:-1]))
    borders = np.cumsum([0, *(len(text) + 1 for text in texts)])
    tokens_before = np.searchsorted(starts, borders)
    return np.stack(
        [
            np.diff(tokens_before),
            np.diff(characters[borders]),
            np.diff(has_letter[tokens_before]),
        ]
    )


@functools.cache
def _character_kinds(ascii_only):
    count = 128 if ascii_only else sys.maxunicode + 1
    characters = map(chr, range(count))
    return np.array(
        [
            _BLANK if character.isspace() else _LETTER if character.isalpha() else _OTHER
            for character in characters
        ],
        np.uint8,
    )
