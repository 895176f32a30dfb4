"""Lines of web pages that are no text, found and removed (see `boilerplate_patterns`)."""

import re
from collections.abc import Iterator

from data_prep.cleaning.boilerplate_patterns import (
    MARKS,
    MARKS_AFTER,
    MARKS_BEFORE,
    MAX_MENU_ITEM_CHARACTERS,
    MAX_PHRASE_LINE_CHARACTERS,
    MAX_WHOLE_LINE_CHARACTERS,
    MENU_ITEMS,
    MENU_SEPARATORS,
    PHRASES,
    WHOLE_LINES,
    WHOLE_LINES_OF_DIGITS,
)

_BODIES = [
    f"(?:{'|'.join(map(re.escape, starts.split('|')))}){rest}" for starts, rest in WHOLE_LINES
]
_WHOLE_LINE = re.compile(
    f"{MARKS_BEFORE}(?:{'|'.join([*_BODIES, *WHOLE_LINES_OF_DIGITS])}){MARKS_AFTER}"
)
# How such lines start. Looking that up leaves a few lines in a hundred for the pattern.
_PREFIX_LENGTH = 3
_PREFIXES = frozenset(
    start[:_PREFIX_LENGTH] for starts, _ in WHOLE_LINES for start in starts.split("|")
)
_FIRST_CHARACTERS = frozenset(MARKS + "0123456789")
_PHRASES = tuple((keywords, re.compile(pattern)) for keywords, pattern in PHRASES)
_SEPARATOR = re.compile(f"[{re.escape(MENU_SEPARATORS)}]")


def remove_boilerplate_lines(text: str) -> tuple[str, int]:
    """Removes the lines of a text that are menus, buttons, notices, counters or dates.

    Args:
        text: str.

    Returns:
        `(text, count)`: the other lines, and how many were removed.
    """
    lowered = text.lower()
    lines = lowered.split("\n")
    removed = {*_whole_lines(lines), *_lines_with_phrases(lowered, lines), *_menus(lowered, lines)}
    if not removed:
        return text, 0
    kept = [line for number, line in enumerate(text.split("\n")) if number not in removed]
    return "\n".join(kept), len(removed)


def _whole_lines(lines: list[str]) -> Iterator[int]:
    """Yields the indices of lines that are boilerplate as a whole."""
    candidates = [
        number
        for number, line in enumerate(lines)
        if line[:_PREFIX_LENGTH] in _PREFIXES or line[:1] in _FIRST_CHARACTERS
    ]
    for number in candidates:
        line = lines[number].strip()
        if line and len(line) <= MAX_WHOLE_LINE_CHARACTERS and _WHOLE_LINE.fullmatch(line):
            yield number


def _lines_with_phrases(lowered: str, lines: list[str]) -> Iterator[int]:
    for keywords, phrase in _PHRASES:
        for keyword in keywords:
            # One search of the text is far faster than one of each line.
            if keyword not in lowered:
                continue
            for number, line in enumerate(lines):
                if (
                    len(line) <= MAX_PHRASE_LINE_CHARACTERS
                    and keyword in line
                    and phrase.search(line)
                ):
                    yield number


def _menus(lowered: str, lines: list[str]) -> Iterator[int]:
    if any(separator in lowered for separator in MENU_SEPARATORS):
        for number, line in enumerate(lines):
            if len(line) <= MAX_PHRASE_LINE_CHARACTERS and _is_menu(line):
                yield number


def _is_menu(line: str) -> bool:
    items = [item.strip() for item in _SEPARATOR.split(line)]
    items = [item for item in items if item]
    num_known = sum(item in MENU_ITEMS for item in items)
    return ((num_known >= 1 and len(items) >= 3) or (num_known == len(items) == 2)) and all(
        len(item) <= MAX_MENU_ITEM_CHARACTERS for item in items
    )
