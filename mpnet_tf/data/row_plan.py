"""The plan of an epoch: which pieces of which documents stand in which row.

A plan needs the documents' lengths alone, so any row of any epoch is found without reading the
text before it. That is what makes batch k of a run a function of the seed and k.
"""

import dataclasses

import numpy as np

from mpnet_tf.data.packing import pack_sizes

SPECIAL_TOKENS_PER_PIECE = 2  # `<s>` before it, `</s>` behind it.


@dataclasses.dataclass(frozen=True)
class EpochPlan:
    """Pieces of documents in the order in which an epoch's rows hold them.

    Attributes:
        documents: int64 array `(num_pieces,)`. Document each piece is from.
        starts: int64 array `(num_pieces,)`. Where in its document each piece starts.
        lengths: int64 array `(num_pieces,)`. Tokens in each piece.
        row_starts: int64 array `(num_rows + 1,)`. Where in these arrays each row starts.
    """

    documents: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    row_starts: np.ndarray


class RowPlanner:
    """Plans the rows of every epoch: each document once, shuffled, packed into full rows.

    A document longer than a row is cut into pieces. Which sizes share a row is the same in all
    epochs (so is the number of rows); which documents of a size meet there, and the order of the
    rows, are drawn for each epoch.

    Args:
        document_lengths: int array `(num_documents,)`. Tokens in each document, without specials.
        sequence_length: int. Tokens in a row, with specials.
        seed: int from 0.
        places_needed: function from an int array of piece lengths to the places in a row that
            such pieces need, or None for their tokens and specials. An objective that can predict
            only so many tokens of a row spreads short documents with it.

    Attributes:
        num_rows: int. Rows in an epoch.
        padding_share: float. Share of the rows' places that hold no token.

    Raises:
        ValueError: if `sequence_length` leaves no place for text, or there is no document.
    """

    def __init__(self, document_lengths, sequence_length, seed, *, places_needed=None):
        capacity = sequence_length - SPECIAL_TOKENS_PER_PIECE
        if capacity < 1:
            raise ValueError(
                "`sequence_length` must leave a place between `<s>` and `</s>`. "
                f"Received: sequence_length={sequence_length}"
            )
        document_lengths = np.asarray(document_lengths, np.int64)
        if not document_lengths.sum():
            raise ValueError("There is no text to make rows of: the documents hold no token.")
        self._seed = seed
        pieces_each = -(-document_lengths // capacity)
        self._documents = np.repeat(np.arange(len(document_lengths)), pieces_each)
        first_piece = np.cumsum(pieces_each) - pieces_each
        piece_in_document = np.arange(len(self._documents)) - first_piece[self._documents]
        self._starts = piece_in_document * capacity
        self._lengths = np.minimum(document_lengths[self._documents] - self._starts, capacity)

        self._sizes = self._lengths + SPECIAL_TOKENS_PER_PIECE
        used = int(self._sizes.sum())
        if places_needed is not None:
            self._sizes = np.maximum(self._sizes, places_needed(self._lengths))
        size_counts = np.bincount(self._sizes, minlength=sequence_length + 1)
        self._groups = pack_sizes(size_counts, sequence_length)
        self.num_rows = sum(number for _, number in self._groups)
        self.padding_share = 1 - used / (self.num_rows * sequence_length)

    def plan(self, epoch):
        """Plans one epoch.

        Args:
            epoch: int from 0.

        Returns:
            `EpochPlan`. The same seed and epoch give the same plan.
        """
        generator = np.random.default_rng([self._seed, epoch])
        places = np.concatenate([np.tile(sizes, number) for sizes, number in self._groups])
        pieces_a_row = np.concatenate(
            [np.full(number, len(sizes)) for sizes, number in self._groups]
        )
        # The places of each size are filled with the pieces of that size in random order.
        by_size = np.lexsort([generator.random(len(self._sizes)), self._sizes])
        piece_at_place = np.empty_like(by_size)
        piece_at_place[np.argsort(places, kind="stable")] = by_size

        row_order = generator.permutation(self.num_rows)
        row_starts = np.cumsum(pieces_a_row) - pieces_a_row
        pieces_a_row = pieces_a_row[row_order]
        new_starts = np.concatenate([[0], np.cumsum(pieces_a_row)])
        shift = row_starts[row_order] - new_starts[:-1]
        pieces = piece_at_place[np.arange(len(places)) + np.repeat(shift, pieces_a_row)]
        return EpochPlan(
            documents=self._documents[pieces],
            starts=self._starts[pieces],
            lengths=self._lengths[pieces],
            row_starts=new_starts,
        )
