"""Figures of what whitespace separates in documents."""

import dataclasses
import functools
import sys

import numpy as np

from data_prep.word_table import SCRIPTS_WITHOUT_SPACES

# Letters come last.
_BLANK, _OTHER, _LETTER, _LETTER_WITHOUT_SPACES = range(4)
# As numbers they still fit a processor's cache.
_CHARACTERS_PER_GROUP = 1 << 17


@dataclasses.dataclass(frozen=True)
class TokenFigures:
    """Counts of each document's tokens, the runs of characters that are not whitespace.

    Args:
        num_tokens: int64 array `(num_documents,)`.
        num_characters: int64 array `(num_documents,)`. Characters in them.
        num_alphabetic: int64 array `(num_documents,)`. Tokens with a letter.
        num_letters_without_spaces: int64 array `(num_documents,)`. Letters of scripts that put no
            spaces between words.
    """

    num_tokens: np.ndarray
    num_characters: np.ndarray
    num_alphabetic: np.ndarray
    num_letters_without_spaces: np.ndarray

    def mean_length(self):
        """Returns characters for each token, float64 `(num_documents,)`; 0 where there is none."""
        return self.num_characters / np.maximum(self.num_tokens, 1)

    def alphabetic_share(self):
        """Returns the share of tokens with a letter, likewise."""
        return self.num_alphabetic / np.maximum(self.num_tokens, 1)


def token_figures(texts):
    """Computes the `TokenFigures` of a list of str."""
    figures = [_figures_of_group([])]
    start, num_characters = 0, 0
    for end, text in enumerate(texts, start=1):
        num_characters += len(text)
        if num_characters >= _CHARACTERS_PER_GROUP or end == len(texts):
            figures.append(_figures_of_group(texts[start:end]))
            start, num_characters = end, 0
    return TokenFigures(*map(np.concatenate, zip(*figures, strict=True)))


def _figures_of_group(texts):
    """Returns the fields of `TokenFigures`."""
    # Whitespace before each text, and after the last, keeps tokens apart.
    joined = "\n".join(["", *texts, ""])
    borders = np.cumsum([0, *(len(text) + 1 for text in texts)])
    kinds = _kinds(joined)
    is_token = kinds != _BLANK
    edges = np.flatnonzero(is_token[1:] != is_token[:-1]) + 1
    starts, ends = edges[::2], edges[1::2]
    tokens_before = np.searchsorted(starts, borders)
    num_letters_without_spaces = np.zeros(len(texts), np.int64)
    if not joined.isascii():
        num_letters_without_spaces = _sums(kinds == _LETTER_WITHOUT_SPACES, borders)
    return (
        np.diff(tokens_before),
        _sums(ends - starts, tokens_before),
        _sums(_have_letters(kinds, starts, ends), tokens_before),
        num_letters_without_spaces,
    )


def _kinds(text):
    """Returns the kind of each character, uint8 `(num_characters,)`."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii").translate(_byte_kinds()), np.uint8)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    return _character_kinds()[codes]


def _have_letters(kinds, starts, ends):
    """Tells which tokens have a letter, bool `(num_tokens,)`."""
    # Nearly all have one in front or behind a mark in front.
    has_letter = (kinds[starts] >= _LETTER) | (kinds[starts + 1] >= _LETTER)
    others = np.flatnonzero(~has_letter & (ends - starts > 2))
    if len(others):
        stretches = np.stack([starts[others], ends[others]], axis=1).ravel()
        has_letter[others] = np.maximum.reduceat(kinds, stretches)[::2] >= _LETTER
    return has_letter


def _sums(values, borders):
    """Returns the sums of the values between borders, int64 `(len(borders) - 1,)`."""
    return np.diff(np.append(0, np.cumsum(values, dtype=np.int64))[borders])


@functools.cache
def _byte_kinds():
    # There is none above ASCII; `bytes.translate` wants 256.
    return bytes(_kind(chr(code)) for code in range(256))


@functools.cache
def _character_kinds():
    kinds = np.array([_kind(chr(code)) for code in range(sys.maxunicode + 1)], np.uint8)
    for first, last in SCRIPTS_WITHOUT_SPACES:
        in_script = kinds[first : last + 1]
        in_script[in_script == _LETTER] = _LETTER_WITHOUT_SPACES
    return kinds


def _kind(character):
    if character.isspace():
        return _BLANK
    return _LETTER if character.isalpha() else _OTHER
