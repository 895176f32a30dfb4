"""Pieces of HTML in text that should have none: tags, comments, scripts, entities.

A tag is removed if HTML has an element of that name and what follows looks like attributes, so that
`a < b`, `<x@y.org>`, `<https://example.org>` and `vector<T>` stay. An entity is replaced if it ends
in a semicolon, by `ftfy.fixes.unescape_html`, which also knows `&EACUTE;`.
"""

import re

import ftfy.fixes

_BLOCKS = (
    "address|article|aside|blockquote|body|br|center|dd|div|dl|dt|fieldset|figcaption|figure|footer"
    "|form|h[1-6]|head|header|hr|html|iframe|legend|li|main|nav|noscript|ol|option|p|pre|section"
    "|select|table|tbody|tfoot|thead|title|tr|ul|video"
)
_CELLS = "td|th"
_INLINE = (
    "a|abbr|acronym|b|big|button|caption|cite|code|col|colgroup|del|em|embed|font|i|img|input|ins"
    "|kbd|label|link|meta|q|s|samp|small|source|span|strike|strong|style|script|sub|sup|textarea|tt"
    "|u|wbr|[ovw]:[a-z]+"
)
_ATTRIBUTES = (
    r"(?:\s+(?:[a-z][a-z0-9:_.-]*\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'|[^\s\"'<>=]+)"
    r"|async|autofocus|autoplay|checked|compact|controls|default|defer|disabled|hidden|ismap|itemscope"
    r"|loop|multiple|muted|nohref|noshade|novalidate|nowrap|open|readonly|required|reversed|selected))*"
)
_TAG = re.compile(
    rf"</?(?:(?P<block>{_BLOCKS})|(?P<cell>{_CELLS})|(?:{_INLINE})){_ATTRIBUTES}\s*/?>"
    r"|<!doctype\s[^<>]*>|<\?xml[^<>]*\?>",
    re.IGNORECASE,
)
# Whatever stands between the two goes as well.
_RANGES = (
    (re.compile("<!--"), re.compile("-->")),
    (
        re.compile(rf"<(?:script|style){_ATTRIBUTES}\s*>", re.IGNORECASE),
        re.compile(r"</(?:script|style)\s*>", re.IGNORECASE),
    ),
)
_ENTITY = re.compile("&#?[0-9A-Za-z]{1,24};")


def remove_html_remnants(text: str) -> tuple[str, int]:
    """Removes tags, comments, scripts and styles, and replaces entities.

    Args:
        text: str.

    Returns:
        `(text, count)`. Tags of blocks become line feeds, those of table cells spaces, others
        nothing. `count` is the number of pieces removed and of entities replaced.
    """
    count = 0
    if "<" in text:
        for opening, closing in _RANGES:
            text, num_removed = _remove_ranges(text, opening, closing)
            count += num_removed
        text, num_removed = _TAG.subn(_stand_in, text)
        count += num_removed
    if "&" in text:
        entities = _ENTITY.findall(text)
        count += sum(ftfy.fixes.unescape_html(entity) != entity for entity in entities)
        text = ftfy.fixes.unescape_html(text)
    return text, count


def _stand_in(match: re.Match) -> str:
    if match["block"]:
        return "\n"
    return " " if match["cell"] else ""


def _remove_ranges(text: str, opening: re.Pattern, closing: re.Pattern) -> tuple[str, int]:
    """Removes all from an opening to the next closing. One that is never closed stays."""
    pieces, done = [], 0
    while (start := opening.search(text, done)) and (end := closing.search(text, start.end())):
        pieces.append(text[done : start.start()])
        done = end.end()
    if not pieces:
        return text, 0
    return "".join([*pieces, text[done:]]), len(pieces)
