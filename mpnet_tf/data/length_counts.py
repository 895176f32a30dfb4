"""How long documents are, and how they fill rows, from the number of documents of each length.

There are few different lengths however many documents there are, so this needs little memory.
"""

import dataclasses

import numpy as np

from mpnet_tf.data.packing import pack_sizes
from mpnet_tf.data.row_plan import SPECIAL_TOKENS_PER_PIECE


@dataclasses.dataclass(frozen=True)
class RowUse:
    """What becomes of a split's text in rows.

    Args:
        num_rows: int.
        padding_share: float. Share of the rows' places that hold no token.
        cut_share: float. Share of the text's tokens that are in no row.
    """

    num_rows: int
    padding_share: float
    cut_share: float


class LengthCounts:
    """The number of documents of each length.

    Args:
        lengths: int array `(num_lengths,)`. Different lengths in tokens, rising.
        counts: int array `(num_lengths,)`. Documents of each.

    Attributes:
        lengths, counts: int64 arrays, as given.
        num_documents: int.
        num_tokens: int.
    """

    def __init__(self, lengths, counts):
        self.lengths = np.asarray(lengths, np.int64)
        self.counts = np.asarray(counts, np.int64)
        self.num_documents = int(self.counts.sum())
        self.num_tokens = int(self.lengths @ self.counts)

    @classmethod
    def of(cls, document_lengths):
        """Counts the lengths of documents, an int array `(num_documents,)`."""
        return cls(*np.unique(np.asarray(document_lengths, np.int64), return_counts=True))

    def plus(self, other):
        """Returns the counts of these documents and others together."""
        lengths, places = np.unique(
            np.concatenate([self.lengths, other.lengths]), return_inverse=True
        )
        counts = np.zeros(len(lengths), np.int64)
        np.add.at(counts, places, np.concatenate([self.counts, other.counts]))
        return LengthCounts(lengths, counts)

    def quantile(self, share):
        """Returns the least length that at least a share of the documents do not exceed.

        Args:
            share: float, 0 to 1. 0.5 gives the median, 0 the least and 1 the greatest length.

        Returns:
            int.

        Raises:
            ValueError: if there is no document.
        """
        if not self.num_documents:
            raise ValueError("There is no document to tell the lengths of.")
        up_to = np.cumsum(self.counts)
        wanted = max(1, int(np.ceil(share * self.num_documents)))
        return int(self.lengths[np.searchsorted(up_to, wanted)])

    def histogram(self, edges):
        """Counts the documents between bounds.

        Args:
            edges: int array `(num_bins + 1,)`, rising. Bin `i` holds the lengths from `edges[i]`
                to `edges[i + 1] - 1`.

        Returns:
            int64 array `(num_bins,)`.
        """
        before = np.concatenate([[0], np.cumsum(self.counts)])
        return np.diff(before[np.searchsorted(self.lengths, edges)])

    def rows_alone(self, row_length):
        """Tells how rows are used that hold a document each, which is cut where it is longer.

        Args:
            row_length: int. Places in a row, of which the special tokens take
                `SPECIAL_TOKENS_PER_PIECE`.

        Returns:
            `RowUse`.

        Raises:
            ValueError: if there is no document, or a row has no place for text.
        """
        capacity = self._capacity(row_length)
        kept = int(np.minimum(self.lengths, capacity) @ self.counts)
        used = kept + SPECIAL_TOKENS_PER_PIECE * self.num_documents
        return RowUse(
            num_rows=self.num_documents,
            padding_share=1 - used / (self.num_documents * row_length),
            cut_share=1 - kept / self.num_tokens,
        )

    def rows_packed(self, row_length):
        """Tells how rows are used as pretraining packs them: `RowPlanner` plans as many.

        Args and raises are those of `rows_alone`; documents longer than a row go on in others.

        Returns:
            `RowUse`.
        """
        capacity = self._capacity(row_length)
        full_pieces, rest = np.divmod(self.lengths, capacity)
        size_counts = np.zeros(row_length + 1, np.int64)
        size_counts[row_length] = full_pieces @ self.counts
        has_rest = rest > 0
        np.add.at(size_counts, rest[has_rest] + SPECIAL_TOKENS_PER_PIECE, self.counts[has_rest])
        num_rows = sum(number for _, number in pack_sizes(size_counts, row_length))
        used = int(np.arange(row_length + 1) @ size_counts)
        return RowUse(
            num_rows=num_rows, padding_share=1 - used / (num_rows * row_length), cut_share=0.0
        )

    def _capacity(self, row_length):
        if row_length <= SPECIAL_TOKENS_PER_PIECE:
            raise ValueError(
                "`row_length` must leave a place between `<s>` and `</s>`. "
                f"Received: row_length={row_length}"
            )
        if not self.num_documents:
            raise ValueError("There is no document to make rows of.")
        return row_length - SPECIAL_TOKENS_PER_PIECE


def doubling_edges(shortest, longest, *, bins_per_doubling=1):
    """Returns edges of bins for `LengthCounts.histogram`, of which later ones are wider.

    Args:
        shortest: int, at least 1. The first bin holds it.
        longest: int, at least `shortest`. The last bin holds it.
        bins_per_doubling: int. Bins from a length to its double, where integers allow so many.

    Returns:
        int64 array `(num_bins + 1,)`; powers of 2 where there is one bin a doubling.
    """
    num_doublings = int(longest).bit_length()
    powers = np.arange(num_doublings * bins_per_doubling + 1) / bins_per_doubling
    edges = np.unique(np.rint(2.0**powers).astype(np.int64))
    first, last = np.searchsorted(edges, [shortest, longest], side="right")
    return edges[first - 1 : last + 1]
