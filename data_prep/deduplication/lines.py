"""Lines that stood in an earlier document, or earlier in the same one.

References:
    - CCNet, https://arxiv.org/abs/1911.00359, section 3.1, which removes paragraphs so.
"""

import dataclasses

import numpy as np

from data_prep.hashes import text_hash


@dataclasses.dataclass(frozen=True)
class LineSettings:
    """Which repeats are taken out.

    Args:
        min_characters: int, at least 1. Shorter lines stay: much of what is short repeats by
            chance and in good text, such as headings, names of speakers, and answers.
        min_remaining_characters: int, at least 0. A document that lost lines and has fewer
            characters left is dropped.
    """

    min_characters: int = 60
    min_remaining_characters: int = 100

    def __post_init__(self):
        if self.min_characters < 1:
            raise ValueError(
                "`min_characters` must be at least 1. "
                f"Received: min_characters={self.min_characters}"
            )
        if self.min_remaining_characters < 0:
            raise ValueError(
                "`min_remaining_characters` must be at least 0. "
                f"Received: min_remaining_characters={self.min_remaining_characters}"
            )


def line_digests(texts, settings):
    """Hashes the lines of documents that may be taken out.

    Args:
        texts: list of str.
        settings: `LineSettings`.

    Returns:
        A tuple of arrays `(num_lines,)`: uint64 hashes of the lines with their whitespace
        normalised, int64 indices of their documents, and int64 numbers of the lines in these, from
        0.
    """
    digests, documents, numbers = [], [], []
    for document, text in enumerate(texts):
        for number, line in enumerate(text.split("\n")):
            if _is_long_enough(line, settings.min_characters):
                digests.append(text_hash(line))
                documents.append(document)
                numbers.append(number)
    return (
        np.array(digests, np.uint64),
        np.array(documents, np.int64),
        np.array(numbers, np.int64),
    )


def _is_long_enough(line, min_characters):
    # With whitespace normalised: of equal lines all must be long enough, or none.
    if len(line) < min_characters:
        return False
    if line.isprintable() and "  " not in line:
        # Its only whitespace is single spaces; to cut at these and join takes three times as long.
        return len(line.strip()) >= min_characters
    return len(" ".join(line.split())) >= min_characters


def repeated_lines(digests, orders, numbers):
    """Finds the lines that stood in a document of a lower order, or before in their own.

    Args:
        digests: uint64 array `(num_lines,)`.
        orders: uint64 array `(num_lines,)`. Orders of their documents; in any order themselves.
        numbers: int64 array `(num_lines,)`. Which line of its document each is.

    Returns:
        bool array `(num_lines,)`, True for all but the first of equal lines.
    """
    by_digest = np.lexsort((numbers, orders, digests))
    is_repeated = np.zeros(len(digests), bool)
    is_repeated[by_digest[1:]] = digests[by_digest[1:]] == digests[by_digest[:-1]]
    return is_repeated


def remove_lines(text, numbers):
    """Returns a text without some of its lines.

    Args:
        text: str.
        numbers: iterable of int. The lines to leave out, from 0.
    """
    removed = set(map(int, numbers))
    lines = text.split("\n")
    return "\n".join(line for number, line in enumerate(lines) if number not in removed)
