"""Shards of token ids written by Beam, each whole by one worker."""

import dataclasses
import hashlib
import uuid

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystems import FileSystems

from data_prep.pipeline.totals import SPLITS
from mpnet_tf.data.manifest import FileRecord, ShardRecord
from mpnet_tf.data.shard_format import shard_file_names, token_dtype
from mpnet_tf.data.shard_writer import document_offsets, nominal_shards


def write_shards(tokenized, directory, *, tokens_per_shard, vocabulary_size):
    """Writes the shards of all splits.

    Args:
        tokenized: PCollection of `TokenizedChunk`.
        directory: str. Where the shards go; files appear under their names when they are whole.
        tokens_per_shard: int, at least 1.
        vocabulary_size: int.

    Returns:
        PCollection of `(split's name, shard's number, ShardRecord)`.
    """
    plan = (
        tokenized
        | "CountTokens" >> beam.Map(_count_tokens)
        | "AllCounts" >> beam.combiners.ToList()
        | "PlanShards" >> beam.Map(ShardPlan.of, tokens_per_shard)
    )
    shards = (
        tokenized
        | "CutShards" >> beam.FlatMap(_cut, beam.pvalue.AsSingleton(plan))
        | "GroupShards" >> beam.GroupByKey()
    )
    # A stretch of tokens inside a long document is no shard, so the names wait for all of them.
    names = shards | "ShardKeys" >> beam.Keys()
    return shards | "WriteShards" >> beam.Map(
        _write_shard,
        beam.pvalue.AsList(names),
        directory=directory,
        dtype=token_dtype(vocabulary_size),
    )


@dataclasses.dataclass(frozen=True)
class ShardPlan:
    """Where the tokens of each chunk stand in their split.

    Args:
        keys: int64 array `(num_chunks,)`, the chunks' keys, rising.
        starts: dict from split's name to int64 array `(num_chunks + 1,)`: tokens before each
            chunk, and last those of all.
        tokens_per_shard: int.
    """

    keys: np.ndarray
    starts: dict[str, np.ndarray]
    tokens_per_shard: int

    @classmethod
    def of(cls, counts, tokens_per_shard):
        """Makes the plan from a list of `(key, tokens of each split)` in any order."""
        counts = sorted(counts)
        tokens = np.array([tokens for _, tokens in counts], np.int64).reshape(-1, len(SPLITS))
        starts = np.concatenate([np.zeros_like(tokens[:1]), np.cumsum(tokens, axis=0)])
        return cls(
            keys=np.array([key for key, _ in counts], np.int64),
            starts={split: starts[:, number] for number, split in enumerate(SPLITS)},
            tokens_per_shard=tokens_per_shard,
        )

    def shards_of(self, split, key, lengths):
        """Returns the nominal shard of each document of a chunk, of the given lengths."""
        starts = self.starts[split]
        first = starts[np.searchsorted(self.keys, key)]
        return nominal_shards(
            first + np.cumsum(lengths) - lengths,
            num_tokens=int(starts[-1]),
            tokens_per_shard=self.tokens_per_shard,
        )


def _count_tokens(chunk):
    return chunk.key, [chunk.counts(split)[1] for split in SPLITS]


def _cut(chunk, plan):
    """Yields `((split, nominal shard), (chunk's key, token ids, lengths))`."""
    for split in SPLITS:
        token_ids, lengths, _ = chunk.of_split(split)
        shards = plan.shards_of(split, chunk.key, lengths)
        borders = np.flatnonzero(np.diff(shards)) + 1
        ends = np.cumsum(lengths)
        pieces = zip(
            np.split(token_ids, ends[borders - 1]), np.split(lengths, borders), strict=True
        )
        for first, (tokens, piece) in zip([0, *borders], pieces, strict=True):
            if len(piece):
                yield (split, int(shards[first])), (chunk.key, tokens, piece)


def _write_shard(element, keys, *, directory, dtype):
    (split, nominal), pieces = element
    of_split = sorted(other for name, other in keys if name == split)
    shard = of_split.index(nominal)
    pieces = sorted(pieces, key=lambda piece: piece[0])
    tokens = np.concatenate([token_ids for _, token_ids, _ in pieces]).astype(dtype)
    offsets = document_offsets(np.concatenate([lengths for _, _, lengths in pieces]))
    names = shard_file_names(split, shard, num_shards=len(of_split))
    files = [
        _write_file(directory, name, array.tobytes())
        for name, array in zip(names, (tokens, offsets), strict=True)
    ]
    record = ShardRecord(len(offsets) - 1, len(tokens), tokens=files[0], documents=files[1])
    return split, shard, record


def _write_file(directory, name, content):
    """Writes a file under a name of this attempt, then renames it."""
    path = FileSystems.join(directory, name)
    partial_path = f"{path}.{uuid.uuid4().hex}.partial"
    with FileSystems.create(partial_path) as file:
        file.write(content)
    FileSystems.rename([partial_path], [path])
    return FileRecord(name, len(content), hashlib.sha256(content).hexdigest())
