"""Documents that repeat themselves, by Gopher's rules.

References:
    - Gopher, https://arxiv.org/abs/2112.11446, appendix A.1.1, table A1.
"""

import dataclasses
import re

import numpy as np

from data_prep.filters.ngram_repeats import repeated_shares_above, top_shares_above
from data_prep.filters.rules import above, check_range, first_reasons

_TOP_SIZES = (2, 3, 4)
_REPEATED_SIZES = (5, 6, 7, 8, 9, 10)
_PARAGRAPH_END = re.compile(r"\n\s*\n")


@dataclasses.dataclass(frozen=True)
class RepetitionSettings:
    """Largest shares of a document that may be repeats; None leaves a rule out.

    Lines and paragraphs are compared without the whitespace around them; a repeat is one that
    stood before in the document. N-grams are of the words of `WordTable`; their shares are of the
    characters in words. Datatrove's filter takes shares of all characters and does not count the
    first of repeated n-grams: cut into the same words, of 5,535 English documents it drops 9, and
    this one 30.

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

    max_line_share: float | None = 0.3
    max_paragraph_share: float | None = 0.3
    max_line_character_share: float | None = 0.2
    max_paragraph_character_share: float | None = 0.2
    max_top_shares: tuple[float, ...] | None = (0.2, 0.18, 0.16)
    max_repeated_shares: tuple[float, ...] | None = (0.15, 0.14, 0.13, 0.12, 0.11, 0.10)

    def __post_init__(self):
        check_range(
            self,
            (
                "max_line_share",
                "max_paragraph_share",
                "max_line_character_share",
                "max_paragraph_character_share",
            ),
            smallest=0,
            largest=1,
        )
        for name, sizes in (
            ("max_top_shares", _TOP_SIZES),
            ("max_repeated_shares", _REPEATED_SIZES),
        ):
            shares = getattr(self, name)
            if shares is not None and not (
                len(shares) == len(sizes) and all(0 <= share <= 1 for share in shares)
            ):
                raise ValueError(
                    f"`{name}` must be {len(sizes)} shares from 0 to 1, for n-grams of {sizes} "
                    f"words, or None. Received: {name}={shares}"
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
    shares = np.array([_repeated_shares(text) for text in texts]).reshape(-1, 4)
    broken = [
        ("repeated_lines", above(shares[:, 0], settings.max_line_share)),
        ("repeated_paragraphs", above(shares[:, 1], settings.max_paragraph_share)),
        ("repeated_line_characters", above(shares[:, 2], settings.max_line_character_share)),
        (
            "repeated_paragraph_characters",
            above(shares[:, 3], settings.max_paragraph_character_share),
        ),
    ]
    if settings.max_top_shares is not None:
        largest = dict(zip(_TOP_SIZES, settings.max_top_shares, strict=True))
        for n, is_above in top_shares_above(words, largest).items():
            broken.append((f"top_{n}_gram", is_above))
    if settings.max_repeated_shares is not None:
        largest = dict(zip(_REPEATED_SIZES, settings.max_repeated_shares, strict=True))
        for n, is_above in repeated_shares_above(words, largest).items():
            broken.append((f"repeated_{n}_grams", is_above))
    return first_reasons(broken, len(texts))


def _repeated_shares(text):
    """Returns the shares of repeated lines, paragraphs, and of the characters in both."""
    of_lines = _repeats(text.split("\n"))
    # The lines of a repeated paragraph are repeated, too.
    of_paragraphs = _repeats(_PARAGRAPH_END.split(text)) if of_lines[0] else (0.0, 0.0)
    return of_lines[0], of_paragraphs[0], of_lines[1], of_paragraphs[1]


def _repeats(parts):
    """Returns the shares of parts that stood before: of their number, and of their characters."""
    parts = [part for part in map(str.strip, parts) if part]
    different = set(parts)
    if len(different) == len(parts):
        return 0.0, 0.0
    num_characters = sum(map(len, parts))
    num_repeated = num_characters - sum(map(len, different))
    return (len(parts) - len(different)) / len(parts), num_repeated / num_characters
