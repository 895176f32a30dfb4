"""Packing: which sizes of pieces share a row."""

import collections

import numpy as np


def pack_sizes(size_counts, row_size):
    """Packs pieces into rows, best fit first for the largest pieces first.

    Pieces of one size are alike, so whole groups of rows are packed at once: the work depends on
    the number of different sizes, not on the number of pieces.

    Args:
        size_counts: int array `(row_size + 1,)`. Number of pieces of each size.
        row_size: int. Places in a row.

    Returns:
        A list of `(sizes, number)`: `number` rows each hold pieces of these `sizes`, a tuple.

    Raises:
        ValueError: if a piece is empty or larger than a row.
    """
    if len(size_counts) > row_size + 1 and np.any(size_counts[row_size + 1 :]):
        largest = int(np.flatnonzero(size_counts)[-1])
        raise ValueError(
            f"Pieces must not be larger than a row of {row_size}. Received: size={largest}"
        )
    if size_counts[0]:
        raise ValueError(f"Pieces must not be empty. Received: {size_counts[0]} empty pieces")
    rows_by_space = [collections.Counter() for _ in range(row_size + 1)]
    for size in np.flatnonzero(size_counts)[::-1].tolist():
        remaining = int(size_counts[size])
        while remaining:
            space = _least_space(rows_by_space, size)
            if space is None:
                break
            sizes, number = rows_by_space[space].popitem()
            # A row that takes a piece fits the next one best, until it has no space for it.
            pieces_each = min(space // size, remaining)
            filled = min(number, remaining // pieces_each)
            if filled < number:
                rows_by_space[space][sizes] = number - filled
            rows_by_space[space - size * pieces_each][sizes + (size,) * pieces_each] += filled
            remaining -= filled * pieces_each
        # No begun row has the space: what is left begins rows of its own.
        pieces_a_row = row_size // size
        num_full, rest = divmod(remaining, pieces_a_row)
        for number, num_pieces in ((num_full, pieces_a_row), (min(rest, 1), rest)):
            if number:
                space = row_size - size * num_pieces
                rows_by_space[space][(size,) * num_pieces] += number
    return [group for rows in rows_by_space for group in rows.items()]


def _least_space(rows_by_space, size):
    """Finds the smallest space of at least `size` that some row has left."""
    for space in range(size, len(rows_by_space)):
        if rows_by_space[space]:
            return space
    return None
