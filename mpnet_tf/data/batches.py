"""The input pipeline: from packed rows to batches of slots and labels.

A batch is made in parts of rows that follow one another, each with random draws of its own: the
draws of an objective depend on how many rows it is given. A replica's share of a batch is some of
its parts, so a batch is the same on however many replicas and workers it is trained.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from mpnet_tf.data.packed_rows import ROW_FEATURES

# A part costs nearly a millisecond of a CPU core however few its rows are, so small
# batches have few: what they need on as many replicas.
_MOST_PARTS = 64
_ENOUGH_PARTS = 4
_ROWS_WORTH_A_PART = 16
# Small batches are made several at once: the graph's operations cost some time however few the
# tokens.
_TOKENS_AT_ONCE = 1 << 17


@dataclasses.dataclass(frozen=True)
class ReplicaShare:
    """The replicas that this process makes batches for, of all that train on a batch.

    Attributes:
        first: int from 0. Number of the first of them.
        count: int from 1. How many follow one another from there.
        total: int from 1. Replicas in all, which share every batch evenly.
    """

    first: int = 0
    count: int = 1
    total: int = 1

    def __post_init__(self):
        if self.total < 1:
            raise ValueError(f"`total` must be positive. Received: total={self.total}")
        if not 0 <= self.first < self.total:
            raise ValueError(
                f"`first` must be from 0 to {self.total - 1}, as there are {self.total} replicas. "
                f"Received: first={self.first}"
            )
        if not 1 <= self.count <= self.total - self.first:
            raise ValueError(
                f"`count` must be from 1 to {self.total - self.first}: replicas from number "
                f"{self.first} on, of {self.total}. Received: count={self.count}"
            )


def rows_per_part(batch_size):
    """Tells how many rows of a batch share their random draws.

    Every replica gets a whole number of such parts: one replica, 2 or 4 can share a batch of a
    multiple of 4 rows, and up to 64 a large one.

    Args:
        batch_size: int from 1. Rows in a batch, over all replicas.

    Returns:
        int. Depends on nothing else, so neither do the draws.
    """
    num_parts = 1
    while num_parts < _MOST_PARTS and batch_size % (2 * num_parts) == 0:
        if 2 * num_parts > _ENOUGH_PARTS and batch_size < 2 * num_parts * _ROWS_WORTH_A_PART:
            break
        num_parts *= 2
    return batch_size // num_parts


def training_batches(
    rows, objective, seed, *, batch_size, first_batch=0, num_batches=None, share=None
):
    """Makes the training data of a run, from any batch on.

    Batch k holds rows `k * batch_size` and on, and the random draws of its part j come from
    `(seed, 64 k + j)`, so a run that starts at batch k sees what an unbroken run would have seen.

    Args:
        rows: `PackedRows`.
        objective: maps a dict of rows and a seed to slots and labels.
        seed: int from 0.
        batch_size: int. Rows in a batch, over all replicas.
        first_batch: int. Number of the first batch to make.
        num_batches: int or None. How many to make; None for no end.
        share: `ReplicaShare` or None. The replicas to make them for; None for a single one.

    Returns:
        `tf.data.Dataset` of `(slots, target_ids, target_weights)`, an element for each batch and
        replica of the share: first all replicas' rows of one batch, then of the next.

    Raises:
        ValueError: if the replicas cannot share the batch.
    """
    # The numbers of rows, too, must fit in 64 bits.
    end = tf.int64.max // batch_size if num_batches is None else first_batch + num_batches
    return _batches(
        rows, objective, seed, batch_size=batch_size, steps=(first_batch, end), share=share
    )


def evaluation_batches(rows, objective, seed, *, batch_size, max_batches=None, share=None):
    """Makes a fixed set of predictions: one epoch at most, the same in every evaluation.

    Args:
        rows: `PackedRows`.
        objective: maps a dict of rows and a seed to slots and labels.
        seed: int from 0.
        batch_size: int. Rows in a batch, over all replicas; the last batch is filled up with
            empty rows.
        max_batches: int or None. Stop after so many.
        share: `ReplicaShare` or None, as in `training_batches`.

    Returns:
        `tf.data.Dataset` of `(slots, target_ids, target_weights)`, an element for each batch and
        replica of the share.

    Raises:
        ValueError: if the replicas cannot share the batch.
    """
    num_batches = -(-rows.num_rows // batch_size)
    if max_batches is not None:
        num_batches = min(num_batches, max_batches)
    return _batches(
        rows,
        objective,
        seed,
        batch_size=batch_size,
        steps=(0, num_batches),
        share=share,
        repeat=False,
    )


def _batches(rows, objective, seed, *, batch_size, steps, share, repeat=True):
    share = share or ReplicaShare()
    part_size = rows_per_part(batch_size)
    replica_parts = _parts_per_replica(batch_size // part_size, share.total, batch_size)
    source = _Source(
        rows,
        seed,
        batch_size=batch_size,
        first_part=share.first * replica_parts,
        num_parts=share.count * replica_parts,
        steps=steps,
        repeat=repeat,
    )
    first_batch, end = steps
    dataset = tf.data.Dataset.range(first_batch, end, source.batches_at_once)
    parallel = {"num_parallel_calls": tf.data.AUTOTUNE, "deterministic": True}
    if getattr(objective, "takes_seeds_of_parts", False):

        def make(first):
            made = objective(source.read(first), source.part_seeds(first))
            return _split(made, source.batches_at_once * share.count)

        dataset = dataset.map(make, **parallel).unbatch()
    else:
        num_parts = source.batches_at_once * source.num_parts

        def read(first):
            return _split(source.read(first), num_parts), source.part_seeds(first)

        # Python takes as long to read a few rows as many, so those of all parts are read at once.
        dataset = dataset.map(read, **parallel).unbatch().map(objective, **parallel)
        if replica_parts > 1:
            dataset = dataset.batch(replica_parts, drop_remainder=True).map(_join_parts)
    return dataset.take((end - first_batch) * share.count).prefetch(tf.data.AUTOTUNE)


class _Source:
    """Rows and seeds of the parts that one process makes of several batches at once.

    Args:
        rows, seed, batch_size: as `training_batches` takes them.
        first_part, num_parts: int. The parts of each batch to make.
        steps: tuple of two int. The first batch and the one after the last.
        repeat: bool, as `PackedRows.read` takes it.

    Attributes:
        batches_at_once: int.
        num_parts: int.
    """

    def __init__(self, rows, seed, *, batch_size, first_part, num_parts, steps, repeat):
        self.num_parts = num_parts
        self._rows = rows
        self._seed = seed
        self._batch_size = batch_size
        self._first_part = first_part
        self._part_size = rows_per_part(batch_size)
        self._end = steps[1]
        self._repeat = repeat
        tokens_in_batch = num_parts * self._part_size * rows.sequence_length
        self.batches_at_once = min(-(-_TOKENS_AT_ONCE // tokens_in_batch), steps[1] - steps[0])

    def read(self, first):
        """Reads the rows of batch `first`, an int64 tensor, and of those that follow it."""
        features = tf.numpy_function(
            self._read, [first], [tf.int32] * len(ROW_FEATURES), stateful=False
        )
        num_rows = self.batches_at_once * self.num_parts * self._part_size
        shape = (num_rows, self._rows.sequence_length)
        features = [tf.ensure_shape(feature, shape) for feature in features]
        return dict(zip(ROW_FEATURES, features, strict=True))

    def _read(self, first):
        num_rows = self.num_parts * self._part_size
        num_batches = min(self.batches_at_once, self._end - int(first))
        first_row = int(first) * self._batch_size + self._first_part * self._part_size
        if num_rows == self._batch_size:
            arrays = [self._rows.read(first_row, num_batches * num_rows, repeat=self._repeat)]
        else:
            arrays = [
                self._rows.read(first_row + begin, num_rows, repeat=self._repeat)
                for begin in range(0, num_batches * self._batch_size, self._batch_size)
            ]
        # What would come behind the last batch is not read, and what is made of it thrown away.
        missing = (self.batches_at_once - num_batches) * num_rows
        if missing:
            nothing = np.zeros((missing, self._rows.sequence_length), np.int32)
            arrays.append([nothing] * len(ROW_FEATURES))
        if len(arrays) == 1:
            return arrays[0]
        return [np.concatenate(feature) for feature in zip(*arrays, strict=True)]

    def part_seeds(self, first):
        """Makes the seeds of all parts, int64 `(batches_at_once * num_parts, 2)`."""
        batches = first + tf.range(self.batches_at_once, dtype=tf.int64)[:, tf.newaxis]
        parts = self._first_part + tf.range(self.num_parts, dtype=tf.int64)
        numbers = tf.reshape(batches * _MOST_PARTS + parts, [-1])
        return tf.stack([tf.fill(tf.shape(numbers), tf.constant(self._seed, tf.int64)), numbers], 1)


def _split(elements, num_elements):
    """Reshapes `(num_elements * size, ...)` to `(num_elements, size, ...)`."""
    return tf.nest.map_structure(
        lambda feature: tf.reshape(
            feature, (num_elements, feature.shape[0] // num_elements, *feature.shape[1:])
        ),
        elements,
    )


def _parts_per_replica(num_parts, num_replicas, batch_size):
    if num_parts % num_replicas:
        # The number of parts is a power of two.
        possible = ", ".join(str(2**power) for power in range(num_parts.bit_length()))
        raise ValueError(
            f"`total` must be one of {possible} to share {batch_size} rows among replicas. "
            f"Received: total={num_replicas}, batch_size={batch_size}"
        )
    return num_parts // num_replicas


def _join_parts(*parts):
    """Reshapes `(num_parts, part_size, ...)` to `(num_parts * part_size, ...)`."""
    return tf.nest.map_structure(
        lambda feature: tf.reshape(
            feature, (feature.shape[0] * feature.shape[1], *feature.shape[2:])
        ),
        parts,
    )
