"""Blanks and line ends made uniform; lines and paragraphs stay."""

import re

# The tab, and the spaces of general category Zs but the ordinary one.
_OTHER_BLANKS = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_EMPTY_LINES = re.compile("\n{3,}")


def normalize_whitespace(text: str) -> str:
    """Makes blanks and line ends of a text uniform.

    Args:
        text: str, with line feeds for line ends.

    Returns:
        str. Each run of blanks is one space, no line starts or ends with one, an empty line stands
        between paragraphs and none at either end.
    """
    # Each test is a search for a constant, which costs a tenth of a regular expression.
    if "\t" in text or not text.isascii():
        text = _OTHER_BLANKS.sub(" ", text)
    while "  " in text:
        text = text.replace("  ", " ")
    if " \n" in text:
        text = text.replace(" \n", "\n")
    if "\n " in text:
        text = text.replace("\n ", "\n")
    if "\n\n\n" in text:
        text = _EMPTY_LINES.sub("\n\n", text)
    return text.strip(" \n")
