"""Texts whose blanks are filled."""

import dataclasses

from mpnet_tf.data import vocabulary as vocabulary_lib


@dataclasses.dataclass(frozen=True)
class FilledText:
    """A text whose blanks are filled.

    Args:
        text: str. The text with what was generated in the place of its blanks.
        parts: tuple of str. What was generated, for each blank in order.
        token_ids: tuple of tuples of int. The same as tokens.
    """

    text: str
    parts: tuple
    token_ids: tuple


def fill_pieces(pieces, parts, *, continues):
    """Puts what fills the blanks of a text between its pieces.

    Args:
        pieces: list of str. The text before, between and behind the blanks.
        parts: list of str. What fills each blank.
        continues: list of bool. Whether this goes on with the word before the blank.

    Returns:
        str.
    """
    joined = pieces[0]
    for part, piece, goes_on in zip(parts, pieces[1:], continues, strict=True):
        if goes_on:
            joined = joined.rstrip()
            part = part.removeprefix(vocabulary_lib.CONTINUATION_PREFIX)
        joined += part + piece
    return joined
