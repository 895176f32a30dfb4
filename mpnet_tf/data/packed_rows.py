"""Rows of packed documents, read at random from token shards."""

import functools
import itertools
import threading

import numpy as np

from mpnet_tf.data.row_plan import SPECIAL_TOKENS_PER_PIECE, RowPlanner

ROW_FEATURES = ("token_ids", "position_ids", "segment_ids")


class PackedRows:
    """The rows of all epochs, numbered through from 0.

    Args:
        shards: `TokenShards`.
        sequence_length: int. Tokens in a row.
        seed: int from 0. Shuffles the documents.
        start_token_id: int. Put before each document.
        end_token_id: int. Put behind each document.
        pad_token_id: int. Fills a row up.
        places_needed: as `RowPlanner` takes it.

    Attributes:
        num_rows: int. Rows in an epoch.
        padding_share: float. Share of the rows' places that hold no token.
    """

    def __init__(
        self,
        shards,
        sequence_length,
        seed,
        *,
        start_token_id,
        end_token_id,
        pad_token_id,
        places_needed=None,
    ):
        self.sequence_length = sequence_length
        self._shards = shards
        self._start_token_id = start_token_id
        self._end_token_id = end_token_id
        self._pad_token_id = pad_token_id
        planner = RowPlanner(
            shards.document_lengths, sequence_length, seed, places_needed=places_needed
        )
        self.num_rows = planner.num_rows
        self.padding_share = planner.padding_share
        # A batch touches two epochs at most. The lock keeps readers from planning one twice.
        self._plan = functools.lru_cache(maxsize=2)(planner.plan)
        self._plan_lock = threading.Lock()

    def read(self, first_row, num_rows, *, repeat=True):
        """Reads rows that follow one another.

        Args:
            first_row: int from 0. Row `r` of epoch `e` has the number `e * self.num_rows + r`.
            num_rows: int.
            repeat: bool. Whether the epochs follow one another; if not, rows beyond the first
                epoch are all padding.

        Returns:
            A tuple of int32 arrays `(num_rows, sequence_length)`: token ids, positions from 0 in
            each document, and segment ids, which count a row's documents from 1 (0 is padding).
        """
        shape = (num_rows, self.sequence_length)
        token_ids = np.full(shape, self._pad_token_id, np.int32)
        position_ids = np.zeros(shape, np.int32)
        segment_ids = np.zeros(shape, np.int32)
        done = 0
        while done < num_rows:
            epoch, row = divmod(int(first_row) + done, self.num_rows)
            if epoch and not repeat:
                break
            count = min(num_rows - done, self.num_rows - row)
            rows = slice(done, done + count)
            self._fill(
                self._epoch_plan(epoch),
                row,
                token_ids=token_ids[rows],
                position_ids=position_ids[rows],
                segment_ids=segment_ids[rows],
            )
            done += count
        return token_ids, position_ids, segment_ids

    def _epoch_plan(self, epoch):
        with self._plan_lock:
            return self._plan(epoch)

    def _fill(self, plan, row, *, token_ids, position_ids, segment_ids):
        """Writes rows `row`, `row + 1`, ... of one epoch into views of the result."""
        num_places = token_ids.size
        row_starts = plan.row_starts[row : row + len(token_ids) + 1]
        pieces = slice(row_starts[0], row_starts[-1])
        lengths = plan.lengths[pieces]
        texts = self._shards.read_pieces(plan.documents[pieces], plan.starts[pieces], lengths)

        # Where each piece begins in the rows laid end to end: after the pieces before it in its
        # row. (num_pieces,)
        sizes = lengths + SPECIAL_TOKENS_PER_PIECE
        pieces_a_row = np.diff(row_starts)
        first_of_row = np.repeat(row_starts[:-1] - row_starts[0], pieces_a_row)
        before = np.cumsum(sizes) - sizes
        row_begins = np.repeat(np.arange(0, num_places, self.sequence_length), pieces_a_row)
        begins = row_begins + before - before[first_of_row]
        number_in_row = np.arange(len(sizes)) - first_of_row

        # The places from each piece to the next: its own, and padding if it is its row's last.
        widths = np.diff(begins, append=num_places)
        num_padding = widths - sizes
        token_ids.reshape(-1)[:] = self._join(texts, num_padding)
        position = np.arange(num_places, dtype=np.int32)
        position -= np.repeat(begins.astype(np.int32), widths)
        segment = np.repeat(number_in_row.astype(np.int32) + 1, widths)
        if num_padding.any():
            is_padding = position >= np.repeat(sizes.astype(np.int32), widths)
            position[is_padding] = 0
            segment[is_padding] = 0
        position_ids.reshape(-1)[:] = position
        segment_ids.reshape(-1)[:] = segment

    def _join(self, texts, num_padding):
        """Puts `<s>` before, `</s>` and padding behind each piece of text, all end to end."""
        start, end, pad = (
            np.array(token_id, self._shards.dtype).tobytes()
            for token_id in (self._start_token_id, self._end_token_id, self._pad_token_id)
        )
        between = end + start
        behind = [end + count * pad + start if count else between for count in num_padding.tolist()]
        behind[-1] = behind[-1][: -len(start)]
        joined = [start, *itertools.chain.from_iterable(zip(texts, behind, strict=True))]
        return np.frombuffer(b"".join(joined), self._shards.dtype)
