"""Documents that are no prose, by Gopher's rules.

References:
    - Gopher, https://arxiv.org/abs/2112.11446, appendix A.1.1, "Quality Filtering".
"""

import dataclasses

import numpy as np

from data_prep.filters.tokens import token_figures
from data_prep.word_table import WordTable

_BULLETS = ("•", "‣", "▪", "◦", "●", "■", "*", "-")
_ASCII_BULLETS = ("*", "-")
_ELLIPSES = ("...", "…")
# From so many characters a token on, on average, spaces do not separate words.
_LONG_TOKEN = 15.0


@dataclasses.dataclass(frozen=True)
class QualitySettings:
    """Gopher's rules; None leaves one out.

    Words are what whitespace separates. In a text of a script without spaces between words, they
    are those of `WordTable`, and their lengths are not judged.

    Args:
        min_words: int. Gopher: 50.
        max_words: int. Gopher: 100,000.
        min_mean_word_length: float, in characters. Gopher: 3.
        max_mean_word_length: float. Gopher: 10.
        max_symbol_share: float. Hash signs, and ellipses, for each word. Gopher: 0.1.
        max_bullet_share: float. Share of the lines that begin with a bullet. Gopher: 0.9.
        max_ellipsis_share: float. Share of the lines that end in an ellipsis. Gopher: 0.3.
        min_alphabetic_share: float. Share of the words with a letter in them. Gopher: 0.8.
        min_stop_words: int. How many different of `stop_words` there must be. Gopher: 2, for
            English; leave it out for other languages, or give their words.
        stop_words: tuple of str, lowercase.
    """

    min_words: int | None = 50
    max_words: int | None = 100_000
    min_mean_word_length: float | None = 3.0
    max_mean_word_length: float | None = 10.0
    max_symbol_share: float | None = 0.1
    max_bullet_share: float | None = 0.9
    max_ellipsis_share: float | None = 0.3
    min_alphabetic_share: float | None = 0.8
    min_stop_words: int | None = 2
    stop_words: tuple[str, ...] = ("the", "be", "to", "of", "and", "that", "have", "with")

    def __post_init__(self):
        for smallest, largest in (
            ("min_words", "max_words"),
            ("min_mean_word_length", "max_mean_word_length"),
        ):
            low, high = getattr(self, smallest), getattr(self, largest)
            if None not in (low, high) and low > high:
                raise ValueError(
                    f"`{smallest}` must not exceed `{largest}`. "
                    f"Received: {smallest}={low}, {largest}={high}"
                )
        if self.min_stop_words is not None and self.min_stop_words > len(self.stop_words):
            raise ValueError(
                "`min_stop_words` must not exceed the number of `stop_words`. "
                f"Received: min_stop_words={self.min_stop_words}, stop_words={self.stop_words}"
            )


def quality_reasons(texts, words, settings):
    """Finds reasons to drop documents.

    Args:
        texts: list of str.
        words: `WordTable` of them.
        settings: `QualitySettings`.

    Returns:
        List of str or None, the first rule in the order of the settings that each breaks:
        `too_few_words`, `too_many_words`, `short_words`, `long_words`, `symbols`, `bullets`,
        `ellipses`, `few_letters`, `few_stop_words`.
    """
    tokens = token_figures(texts)
    num_words, mean_length = tokens.num_tokens, tokens.mean_length()
    without_spaces = _are_without_spaces(words, mean_length)
    num_words = np.where(without_spaces, np.diff(words.document_starts), num_words)
    mean_length = np.where(without_spaces, np.nan, mean_length)
    at_least_one = np.maximum(num_words, 1)
    num_lines = np.array([text.count("\n") + 1 for text in texts])
    num_symbols = np.array([_num_symbols(text) for text in texts])
    num_bullets = np.array([_num_bullet_lines(text) for text in texts])
    num_ellipses = np.array([_num_ellipsis_lines(text) for text in texts])
    broken = (
        ("too_few_words", _below(num_words, settings.min_words)),
        ("too_many_words", _above(num_words, settings.max_words)),
        ("short_words", _below(mean_length, settings.min_mean_word_length)),
        ("long_words", _above(mean_length, settings.max_mean_word_length)),
        ("symbols", _above(num_symbols / at_least_one, settings.max_symbol_share)),
        ("bullets", _above(num_bullets / num_lines, settings.max_bullet_share)),
        ("ellipses", _above(num_ellipses / num_lines, settings.max_ellipsis_share)),
        (
            "few_letters",
            ~without_spaces & _below(tokens.alphabetic_share(), settings.min_alphabetic_share),
        ),
        (
            "few_stop_words",
            _below(_num_stop_words(words, settings.stop_words), settings.min_stop_words),
        ),
    )
    return first_reasons(broken, len(texts))


def first_reasons(broken, num_documents):
    """Returns the first rule that each document breaks, or None.

    Args:
        broken: iterable of pairs of a rule's name and a bool array `(num_documents,)`, True where
            it is broken.
        num_documents: int.
    """
    reasons = [None] * num_documents
    for reason, breaks in broken:
        for place in np.flatnonzero(breaks):
            reasons[place] = reasons[place] or reason
    return reasons


def _below(values, smallest):
    return np.zeros(len(values), bool) if smallest is None else values < smallest


def _above(values, largest):
    return np.zeros(len(values), bool) if largest is None else values > largest


def _are_without_spaces(words, mean_length):
    """Tells which documents are in a script whose characters are words, mostly."""
    is_candidate = mean_length > _LONG_TOKEN
    if is_candidate.any():
        num_characters = np.bincount(
            words.document_index, weights=words.lengths, minlength=len(mean_length)
        )
        is_candidate &= num_characters < 2 * np.diff(words.document_starts)
    return is_candidate


def _num_symbols(text):
    ellipses = text.count("...") + (0 if text.isascii() else text.count("…"))
    return max(text.count("#"), ellipses)


def _num_bullet_lines(text):
    bullets = _ASCII_BULLETS if text.isascii() else _BULLETS
    return text.startswith(bullets) + sum(text.count(f"\n{bullet}") for bullet in bullets)


def _num_ellipsis_lines(text):
    ellipses = ("...",) if text.isascii() else _ELLIPSES
    return text.endswith(ellipses) + sum(text.count(f"{ellipsis}\n") for ellipsis in ellipses)


def _num_stop_words(words, stop_words):
    """Counts the different stop words in each document."""
    found = np.zeros(words.num_documents, np.int64)
    for stop_hash in WordTable.of(list(stop_words)).hashes:
        is_there = np.zeros(words.num_documents, bool)
        is_there[words.document_index[words.hashes == stop_hash]] = True
        found += is_there
    return found
