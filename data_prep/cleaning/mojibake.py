"""Text decoded in the wrong encoding (mojibake): where it is, and how much of a text it is.

`ftfy.badness.is_bad` tells whether a text looks like mojibake. It reads some 5 MB a second. Each of
the patterns that it looks for holds at least one character of a set that text seldom uses, and none
is longer than seven characters; so it need only look around those, and ordinary text of any
language is passed over at hundreds of megabytes a second. `tests/data_prep/cleaning/` checks that
nothing is missed.
"""

# Letters and marks of other scripts are meant.
# ruff: noqa: RUF001

import re
from collections.abc import Callable, Iterator

from ftfy.badness import MOJIBAKE_CATEGORIES, badness, is_bad

# The categories and single characters of which each pattern of `ftfy.badness` needs one.
TELLTALE_CHARACTERS = (
    "".join(
        MOJIBAKE_CATEGORIES[category]
        for category in (
            "c1",
            "bad",
            "box",
            "currency",
            "end_punctuation",
            "law",
            "numeric",
            "start_punctuation",
            "upper_accented",
        )
    )
    + "Œœ°Ђ"
)
_TELLTALE = re.compile(f"[{TELLTALE_CHARACTERS}]")
_LONGEST_PATTERN = 7
# Patterns that `ftfy.badness` takes for mojibake at the start of a line.
_LINE_STARTS = ("Ã ", "Â ")

# Cyrillic or Greek in one of its own single-byte encodings, read as Latin-1: words of nothing but
# accented letters. No language that Latin-1 serves has four of them in a row.
_ACCENTED_RUN = re.compile("[À-ÖØ-öø-ÿ][À-ÖØ-öø-ÿ]{3,}")
# UTF-8 read as Windows-1251: Cyrillic letters within Latin words, and signs within Cyrillic words.
# Left out are signs that stand between Cyrillic letters rightly: apostrophes, dashes, ellipses.
_CYRILLIC = re.compile("[Ѐ-џ]")
_CYRILLIC_MISREAD = re.compile(
    "[a-zA-Z](?:(?=[Ѐ-џ])|(?<=[Ѐ-џ].))|[•†‡‰‹›“”„‚§©®°±µ¶¤¦¬](?<=[Ѐ-џ].)(?=[Ѐ-џ])"
)
_REPLACEMENT = "\ufffd"
# What a GBK reader makes of two replacement characters in UTF-8.
_REPLACEMENTS_READ_AS_GBK = "锟斤拷"

# A writer that knew ASCII alone has put a question mark for each letter of another alphabet.
_MIN_QUESTION_MARKS = 20
_MIN_QUESTION_MARK_SHARE = 1 / 5

_MIN_SIGNS = 3
_MIN_SIGNS_PER_CHARACTER = 1 / 200


def looks_bad_at(text: str, position: int) -> bool:
    """Tells whether there is mojibake around a telltale character.

    Args:
        text: str.
        position: int. Index of one of `TELLTALE_CHARACTERS` in it.

    Returns:
        bool. False is certain for the patterns that hold this character; True may be due to
        characters on both sides of a line end.
    """
    start = max(0, position - _LONGEST_PATTERN + 1)
    return text.startswith(_LINE_STARTS, position) or is_bad(
        text[start : position + _LONGEST_PATTERN]
    )


def lines_where(
    text: str, candidates: re.Pattern, is_hit: Callable[[str, int], bool]
) -> Iterator[tuple[int, int]]:
    """Yields the lines of a text in which some match is a hit.

    Args:
        text: str.
        candidates: compiled pattern, never of two lines.
        is_hit: function of the text and where a candidate starts. Not asked again within a line
            that has a hit.

    Yields:
        `(start, end)`, indices in the text, rising; `end` is behind the line feed.
    """
    end = 0
    for match in candidates.finditer(text):
        position = match.start()
        if position < end or not is_hit(text, position):
            continue
        start = max(end, text.rfind("\n", end, position) + 1)
        end = text.find("\n", position) + 1 or len(text)
        yield start, end


def count_signs(text: str) -> int:
    """Counts what gives away that a text was decoded in a wrong encoding.

    Args:
        text: str.

    Returns:
        int. `ftfy.badness.badness` of the lines, and what that does not look for: replacement
        characters, words of accented Latin-1 letters alone, words that mix Latin and Cyrillic,
        signs within Cyrillic words.
    """
    if text.isascii():
        return 0
    signs = sum(
        badness(text[start:end]) for start, end in lines_where(text, _TELLTALE, looks_bad_at)
    )
    signs += text.count(_REPLACEMENT) + text.count(_REPLACEMENTS_READ_AS_GBK)
    signs += len(_ACCENTED_RUN.findall(text))
    if _CYRILLIC.search(text):
        signs += len(_CYRILLIC_MISREAD.findall(text))
    return signs


def is_mojibake(text: str) -> bool:
    """Tells whether a text as a whole is mojibake.

    Args:
        text: str, repaired as far as it goes.

    Returns:
        bool. True for at least 3 signs of it (see `count_signs`) and one in each 200 characters,
        or 20 question marks and one in each 5 characters.
    """
    question_marks = text.count("?")
    if (
        question_marks >= _MIN_QUESTION_MARKS
        and question_marks >= len(text) * _MIN_QUESTION_MARK_SHARE
    ):
        return True
    signs = count_signs(text)
    return signs >= _MIN_SIGNS and signs >= len(text) * _MIN_SIGNS_PER_CHARACTER
