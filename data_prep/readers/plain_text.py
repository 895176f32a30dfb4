"""Text files in which empty lines part the documents."""

import re

from data_prep.readers.lines import read_line_blocks

# An empty line, or one of blanks alone, with the line feed before it and all such lines after it.
_EMPTY_LINES = re.compile(r"\n\s*\n")
# Looking back has a long row of carriage returns tried once, not once from each of them.
_CARRIAGE_RETURNS = re.compile(r"(?<!\r)\r+\n")


def read_plain_text(file, damage, field):
    """Yields the documents of a text file; their lines stay separate lines.

    Lines that are not UTF-8 are left out. A document that a break in the file cuts off is lost.

    Args:
        file: binary file object.
        damage: `FileDamage`.
        field: str, not used: text has no fields.

    Yields:
        str.
    """
    del field
    # Of the document that the next lines go on with.
    pieces, has_invalid_line = [], False
    for _, text, is_utf8 in read_line_blocks(file, damage):
        if not is_utf8:
            has_invalid_line = True
            continue
        if "\r" in text:
            text = _drop_carriage_returns(text)
        # With a line feed in front, an empty line at the start is found like any other.
        first, *others = _EMPTY_LINES.split("\n" + text)
        if not others:
            pieces.append(first[:-1])
            continue
        if first:
            pieces.append(first)
        yield from _end_document(pieces, has_invalid_line, damage)
        *whole, last = others
        yield from whole
        # The empty line at the block's end, or the begin of a document, with its line's end.
        pieces, has_invalid_line = ["\n" + last[:-1]] if last else [], False
    yield from _end_document(pieces, has_invalid_line, damage)


def _drop_carriage_returns(text):
    """Drops those at the ends of lines; there is seldom more than one in a row."""
    text = text.replace("\r\n", "\n")
    return _CARRIAGE_RETURNS.sub("\n", text) if "\r\n" in text else text


def _end_document(pieces, has_invalid_line, damage):
    if pieces:
        yield "".join(pieces)[1:]
    elif has_invalid_line:
        damage.drop_invalid_utf8()
