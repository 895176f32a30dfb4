"""Text of Wikipedia pages, by mwparserfromhell.

The parser turns each template, link and tag into an object, at 1.6 MB a second, and looks for the
end of each from its start, which takes a time that grows with the square of a page of open tags.
Half of a page is templates, references, tables and pictures, of which nothing stays, and most
markup in the rest is links as simple as `[[a|b]]`. Those are taken out first by regular
expressions, from the inside outwards. The parser sees the lines that still hold markup. So 13 MB of
pages pass in a second, and any page in a time that grows with its length.
"""

# Letters and marks of other scripts are meant.
# ruff: noqa: RUF001

import re

import mwparserfromhell

from data_prep.cleaning.wikitext_patterns import (
    ARGUMENT_OF_TEMPLATE,
    EMBEDDED_NAMESPACES,
    LANGUAGE_TEMPLATE_PREFIX,
    MEASURE_TEMPLATES,
    REMOVED_ELEMENTS,
)

# Wikipedia expands templates within templates to this depth and no further
# (https://www.mediawiki.org/wiki/Manual:$wgMaxTemplateDepth).
_MAX_DEPTH = 40

_REDIRECT = re.compile(r"\s*#[^\s:\[]+\s*:?\s*\[\[[^\[\]\n]*\]\]", re.IGNORECASE)
_COMMENT = re.compile("<!--(?:(?!-->|<!--).)*-->", re.DOTALL)
_ELEMENT = re.compile(
    rf"<(?P<name>{REMOVED_ELEMENTS})\b[^<>]*?(?:/>|>(?:(?!<(?P=name)\b|</(?P=name)\b).)*</(?P=name)\s*>)",
    re.IGNORECASE | re.DOTALL,
)
_BRACES = re.compile(r"\{\{\{[^{}]*\}\}\}|\{\{(?P<template>[^{}]*)\}\}|\{\|[^{}]*\|\}")
# What is left of tables with single braces in them.
_TABLE_LINE = re.compile(r"^[ :]*(?:\{\||\|).*\n?", re.MULTILINE)
# Links to the page in another language, `[[fr:Achille]]`, alone on a line.
_LANGUAGE_LINK = re.compile(r"^\[\[[a-z]{2,3}(?:-[a-z-]{2,10})?:[^\[\]|]*\]\]\n?", re.MULTILINE)
# A link without links in it shows what stands behind the bar.
_LINK = re.compile(
    rf"\[\[(?!\s*(?:{EMBEDDED_NAMESPACES})\s*:):?(?:[^\[\]{{}}|<>\n]*\|)?(?P<shown>[^\[\]{{}}|<>\n]+)\]\]",
    re.IGNORECASE,
)
_EMBEDDED_LINK = re.compile(
    rf"\[\[\s*(?:{EMBEDDED_NAMESPACES})\s*:(?:[^\[\]]|\[[^\[\]]*\]|\[\[[^\[\]]*\]\])*\]\]\n?",
    re.IGNORECASE,
)
_UNPAIRED_LINK_MARK = re.compile(r"\[\[(?:[^\[\]|\n]*\|)?|\]\]")
_MAGIC_WORD = re.compile("__[A-Z]{3,}__")
# Italic, bold, both. (A pattern that starts with a constant is far faster than one of `'{5}`.)
_QUOTES = re.compile("''(?:'''|')?")
_HEADING = re.compile(r"(?P<marks>={1,6})\s*(?P<title>.*?)\s*(?P=marks)\s*")
_LIST_MARK = re.compile(r"^[*#:;]+[ \t]*", re.MULTILINE)
_BLOCK_TAG = re.compile(
    r"</?(?:blockquote|br|center|div|h[1-6]|hr|li|ol|p|poem|pre|table|td|th|tr|ul)\b[^<>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
_MARKUP = re.compile(r"[\[{&]")
# More than this in one line is no text, and slow to parse.
_MAX_BRACKETS_IN_LINE = 200
# Brackets and commas around what was taken out: "Achilles (; , Akhilleus)".
_OPENED = re.compile("([(（])[ ,;:，；]{1,9}")
_CLOSED = re.compile("[ ,;:，；]{1,9}(?=[)）])")
_EMPTY_BRACKETS = re.compile(r"[(（]\s*[)）]")
_SPACE_BEFORE_MARK = re.compile(r" (?=[,.;:](?:\s|$))")


def wikitext_to_text(wikitext: str) -> str:
    """Returns the text of a page in wikitext.

    Args:
        wikitext: str.

    Returns:
        str. Links show their text, headings are lines, list items are lines without their marks.
        Templates, tables, references, pictures, categories, formulas and comments are left out, but
        for templates that stand for words, such as `{{lang|fr|mot}}`; a section of which nothing is
        left goes with its heading. A redirect has no text.
    """
    if _REDIRECT.match(wikitext):
        return ""
    text = _COMMENT.sub("", wikitext)
    text = _ELEMENT.sub("", text)
    text = _LANGUAGE_LINK.sub("", text)
    # Links before templates, whose arguments bars part too, and again for links around templates.
    text = _LINK.sub(r"\g<shown>", text)
    text = _LINK.sub(r"\g<shown>", _remove_braces(text))
    text = _TABLE_LINE.sub("", text)
    text = _EMBEDDED_LINK.sub("", text)
    text = _MAGIC_WORD.sub("", text)
    text = _BLOCK_TAG.sub("\n", text)
    # The parser would take each remaining angle bracket for a tag that is not closed.
    text = _TAG.sub("", text).replace("<", "&lt;")
    text = _LIST_MARK.sub("", text)
    lines = _drop_empty_sections(text.split("\n"))
    return _tidy("\n".join(map(_parse_line, lines)))


def _remove_braces(text: str) -> str:
    """Removes templates, their parameters and tables, the innermost first."""
    for _ in range(_MAX_DEPTH):
        text, num_removed = _BRACES.subn(_stand_in, text)
        if not num_removed:
            break
    return text


def _remove_link_marks(text: str) -> str:
    """Removes marks of links that are not paired, and those that come of removing others."""
    for _ in range(_MAX_DEPTH):
        text, num_removed = _UNPAIRED_LINK_MARK.subn("", text)
        if not num_removed:
            return text
    return text.replace("[", "").replace("]", "")


def _stand_in(match: re.Match) -> str:
    """Returns the text that a template without templates in it stands for."""
    if match["template"] is None:
        return ""
    name, *arguments = match["template"].split("|")
    name = name.strip().lower()
    arguments = [argument for argument in arguments if "=" not in argument]
    if name in MEASURE_TEMPLATES:
        return " ".join(arguments[:2])
    number = 1 if name.startswith(LANGUAGE_TEMPLATE_PREFIX) else ARGUMENT_OF_TEMPLATE.get(name)
    if number is None or abs(number) > len(arguments):
        return ""
    return arguments[number - 1 if number > 0 else number].strip()


def _drop_empty_sections(lines: list[str]) -> list[str]:
    """Turns headings into lines without marks, and drops those of sections without text."""
    kept = []
    # From the end: the level of the heading below, or none where there was text since.
    level_below = 0
    for line in reversed(lines):
        heading = _HEADING.fullmatch(line)
        if heading is None:
            kept.append(line)
            if line.strip():
                level_below = None
            continue
        level = len(heading["marks"])
        if level_below is None or level < level_below:
            kept.append(heading["title"])
            level_below = level
    return kept[::-1]


def _parse_line(line: str) -> str:
    if not _MARKUP.search(line) or line.count("[") > _MAX_BRACKETS_IN_LINE:
        return line
    parsed = mwparserfromhell.parse(line, skip_style_tags=True)
    return str(parsed.strip_code(collapse=False))


def _tidy(text: str) -> str:
    """Removes marks without a partner, and the punctuation around what was taken out."""
    text = _remove_link_marks(_QUOTES.sub("", text))
    text = _OPENED.sub(r"\1", text)
    text = _CLOSED.sub("", text)
    text = _EMPTY_BRACKETS.sub("", text)
    # What was taken out may have parted brackets of their like.
    return _remove_link_marks(_SPACE_BEFORE_MARK.sub("", text))
