"""Documents that are no prose, by Gopher's rules.

References:
    - Gopher, https://arxiv.org/abs/2112.11446, appendix A.1.1, "Quality Filtering".
"""

import dataclasses
import re

import numpy as np

from data_prep.filters.rules import above, below, check_range, first_reasons
from data_prep.filters.tokens import token_figures
from data_prep.word_table import WordTable

_BULLET = re.compile(r"\n[^\S\n]*[•‣▪◦●■*-]")
_ELLIPSIS_AT_LINE_END = re.compile(r"(?:\.\.\.|…)[^\S\n]*(?:\n|\Z)")


@dataclasses.dataclass(frozen=True)
class QualitySettings:
    """Limits of length, and Gopher's rules; None leaves one out.

    Words are what whitespace separates. Where half of a document's words or more, as `WordTable`
    has them, are characters of scripts that put no spaces between words (Chinese, Japanese, Thai,
    Lao, Khmer, Myanmar), they are those of `WordTable`, and their lengths and letters are not
    judged.

    Args:
        min_characters: int. None, as Gopher has it, by default.
        max_characters: int. None by default.
        min_words: int. Gopher: 50.
        max_words: int. Gopher: 100,000.
        min_mean_word_length: float, in characters. Gopher: 3, for English; Korean needs 2.
        max_mean_word_length: float. Gopher: 10.
        max_symbol_share: float. Hash signs, and ellipses, for each word. Gopher: 0.1.
        max_bullet_share: float. Share of the lines that begin with a bullet. Lines with nothing but
            whitespace do not count. Gopher: 0.9.
        max_ellipsis_share: float. Share of the lines that end in an ellipsis. Gopher: 0.3.
        min_alphabetic_share: float. Share of the words with a letter in them. Gopher: 0.8.
        min_stop_words: int. How many different of `stop_words` there must be. Gopher: 2, for
            English; leave it out for other languages, or give their words.
        stop_words: tuple of str. Compared as `WordTable` has them, a word each.
    """

    min_characters: int | None = None
    max_characters: int | None = None
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
            ("min_characters", "max_characters"),
            ("min_words", "max_words"),
            ("min_mean_word_length", "max_mean_word_length"),
        ):
            check_range(self, (smallest, largest), smallest=0)
            low, high = getattr(self, smallest), getattr(self, largest)
            if None not in (low, high) and low > high:
                raise ValueError(
                    f"`{smallest}` must not exceed `{largest}`. "
                    f"Received: {smallest}={low}, {largest}={high}"
                )
        check_range(self, ("max_symbol_share", "min_stop_words"), smallest=0)
        check_range(
            self,
            ("max_bullet_share", "max_ellipsis_share", "min_alphabetic_share"),
            smallest=0,
            largest=1,
        )
        if self.min_stop_words is not None:
            self._check_stop_words()

    def _check_stop_words(self):
        words = WordTable.of(list(self.stop_words))
        for word, num_words in zip(self.stop_words, np.diff(words.document_starts), strict=True):
            if num_words != 1:
                raise ValueError(
                    "`stop_words` must be a word each, as `WordTable` has them: no punctuation, "
                    f"and one character in scripts without spaces. Received: {word!r}"
                )
        if self.min_stop_words > len(set(words.hashes.tolist())):
            raise ValueError(
                "`min_stop_words` must not exceed the number of different `stop_words`. "
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
        `too_few_characters`, `too_many_characters`, `too_few_words`, `too_many_words`,
        `short_words`, `long_words`, `symbols`, `bullets`, `ellipses`, `few_letters`,
        `few_stop_words`.
    """
    tokens = token_figures(texts)
    num_characters = np.array([len(text) for text in texts], np.int64)
    num_words = np.diff(words.document_starts)
    is_spaced = 2 * tokens.num_letters_without_spaces < np.maximum(num_words, 1)
    num_words = np.where(is_spaced, tokens.num_tokens, num_words)
    mean_length = tokens.mean_length()
    lines = np.array([_symbol_figures(text) for text in texts]).reshape(-1, 3)
    broken = (
        ("too_few_characters", below(num_characters, settings.min_characters)),
        ("too_many_characters", above(num_characters, settings.max_characters)),
        ("too_few_words", below(num_words, settings.min_words)),
        ("too_many_words", above(num_words, settings.max_words)),
        ("short_words", is_spaced & below(mean_length, settings.min_mean_word_length)),
        ("long_words", is_spaced & above(mean_length, settings.max_mean_word_length)),
        ("symbols", above(lines[:, 0] / np.maximum(num_words, 1), settings.max_symbol_share)),
        ("bullets", above(lines[:, 1], settings.max_bullet_share)),
        ("ellipses", above(lines[:, 2], settings.max_ellipsis_share)),
        (
            "few_letters",
            is_spaced & below(tokens.alphabetic_share(), settings.min_alphabetic_share),
        ),
        (
            "few_stop_words",
            below(_num_stop_words(words, settings.stop_words), settings.min_stop_words),
        ),
    )
    return first_reasons(broken, len(texts))


def _symbol_figures(text):
    """Returns the number of symbols, and the shares of lines with a bullet and with an ellipsis."""
    num_ellipses = text.count("...") + (0 if text.isascii() else text.count("…"))
    num_symbols = max(text.count("#"), num_ellipses)
    num_bullet_lines = len(_BULLET.findall("\n" + text))
    num_ellipsis_lines = len(_ELLIPSIS_AT_LINE_END.findall(text)) if num_ellipses else 0
    if not (num_bullet_lines or num_ellipsis_lines):
        return num_symbols, 0.0, 0.0
    num_lines = sum(map(bool, map(str.strip, text.split("\n"))))
    return num_symbols, num_bullet_lines / num_lines, num_ellipsis_lines / num_lines


def _num_stop_words(words, stop_words):
    """Counts the different stop words in each document."""
    found = np.zeros(words.num_documents, np.int64)
    for stop_hash in np.unique(WordTable.of(list(stop_words)).hashes):
        is_there = np.zeros(words.num_documents, bool)
        is_there[words.document_index[np.flatnonzero(words.hashes == stop_hash)]] = True
        found += is_there
    return found
