"""Writing token shards in the layout of `shard_format`, those of a split alike long."""

import dataclasses
import hashlib
import os

import numpy as np

from mpnet_tf.data.manifest import FileRecord, ShardRecord, SplitRecord
from mpnet_tf.data.shard_format import OFFSET_DTYPE, shard_file_names, token_dtype

_LENGTH_DTYPE = np.dtype("<i8")
_DOCUMENTS_PER_READ = 1 << 17
_COPIED_BYTES_PER_READ = 1 << 22


def nominal_shards(starts, *, num_tokens, tokens_per_shard):
    """Tells in which shard each document of a split goes.

    The split's tokens are cut into the fewest equal stretches of at most `tokens_per_shard`; a
    document goes where its first token lies. A stretch inside a long document gets none, and the
    shards are those that have documents, in order.

    Args:
        starts: int64 array `(num_documents,)`. Tokens of the split before each document.
        num_tokens: int. Tokens of the split.
        tokens_per_shard: int.

    Returns:
        int64 array `(num_documents,)`.
    """
    num_stretches = max(1, -(-num_tokens // tokens_per_shard))
    stretch = -(-num_tokens // num_stretches)
    return np.asarray(starts, np.int64) // max(1, stretch)


def document_offsets(lengths):
    """Returns a shard's index: where each document starts in its tokens, and their number."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(OFFSET_DTYPE)


def split_record(shards, *, text_bytes):
    """Returns the `SplitRecord` of `ShardRecord`s in order."""
    return SplitRecord(
        num_documents=sum(shard.num_documents for shard in shards),
        num_tokens=sum(shard.num_tokens for shard in shards),
        text_bytes=text_bytes,
        shards=tuple(shards),
    )


class ShardWriter:
    """Writes the shards of one split; how documents are grouped in calls changes no byte.

    What is appended is spooled, and cut into shards by `finish`, when the number of tokens is
    known. Until then all files carry the suffix `.partial`.

    Args:
        directory: str. An existing directory.
        split: str. Name of the split, part of the file names.
        vocabulary_size: int. Every token id must be below it.
        tokens_per_shard: int, at least 1. Most tokens of a shard before its last document ends.
    """

    def __init__(self, directory, split, *, vocabulary_size, tokens_per_shard):
        if tokens_per_shard < 1:
            raise ValueError(
                "`tokens_per_shard` must be at least 1. "
                f"Received: tokens_per_shard={tokens_per_shard}"
            )
        self._directory = directory
        self._split = split
        self._vocabulary_size = vocabulary_size
        self._tokens_per_shard = tokens_per_shard
        self._dtype = token_dtype(vocabulary_size)
        self._num_tokens = 0
        self._text_bytes = 0
        self._tokens_file = None
        self._lengths_file = None

    def append(self, token_ids, lengths, *, text_bytes):
        """Adds documents.

        Args:
            token_ids: integer array `(num_tokens,)`, the documents' tokens end to end.
            lengths: integer array `(num_documents,)`, each at least 1; their sum is `num_tokens`.
            text_bytes: int. Size of the documents' text, for the manifest.

        Raises:
            ValueError: if the lengths do not fit the tokens or an id is not in the vocabulary.
            OSError: if the files cannot be written.
        """
        token_ids = np.asarray(token_ids)
        lengths = np.asarray(lengths, dtype=np.int64)
        self._check(token_ids, lengths)
        if self._tokens_file is None:
            self._tokens_file = open(self._spool_path("tokens"), "xb")  # noqa: SIM115
            self._lengths_file = open(self._spool_path("lengths"), "xb")  # noqa: SIM115
        self._write(token_ids, lengths)
        self._num_tokens += len(token_ids)
        self._text_bytes += text_bytes

    def finish(self):
        """Cuts what was appended into shards and gives them their final names.

        Returns:
            `SplitRecord` of what was written.
        """
        self.close()
        if not self._num_tokens:
            return split_record((), text_bytes=0)
        with open(self._spool_path("tokens"), "rb") as spool:
            records = [
                self._cut_shard(shard, lengths, spool)
                for shard, lengths in enumerate(self._lengths_by_shard())
            ]
        for kind in ("tokens", "lengths"):
            os.remove(self._spool_path(kind))
        shards = [
            self._rename_shard(shard, record, num_shards=len(records))
            for shard, record in enumerate(records)
        ]
        return split_record(shards, text_bytes=self._text_bytes)

    def close(self):
        """Closes the open files, if any, without finishing; safe to call again."""
        for file in (self._tokens_file, self._lengths_file):
            if file is not None:
                file.close()

    def _check(self, token_ids, lengths):
        if lengths.sum() != len(token_ids) or (lengths < 1).any():
            raise ValueError(
                "`lengths` must each be at least 1 and sum up to the number of `token_ids`. "
                f"Received: sum(lengths)={lengths.sum()}, len(token_ids)={len(token_ids)}, "
                f"min(lengths)={lengths.min(initial=0)}"
            )
        if len(token_ids) and not 0 <= token_ids.min() <= token_ids.max() < self._vocabulary_size:
            raise ValueError(
                f"`token_ids` must be from 0 to {self._vocabulary_size - 1}. "
                f"Received: ids from {token_ids.min()} to {token_ids.max()}"
            )

    def _write(self, token_ids, lengths):
        self._tokens_file.write(np.ascontiguousarray(token_ids, dtype=self._dtype))
        self._lengths_file.write(np.ascontiguousarray(lengths, dtype=_LENGTH_DTYPE))

    def _spool_path(self, kind):
        return os.path.join(self._directory, f"{self._split}.{kind}.partial")

    def _partial_path(self, shard, kind):
        return os.path.join(self._directory, f"{self._split}-{shard:05d}.{kind}.partial")

    def _lengths_by_shard(self):
        """Yields an array of document lengths for each shard, reading the spool in pieces."""
        collected, collected_shard, start = [], None, 0
        with open(self._spool_path("lengths"), "rb") as spool:
            while data := spool.read(_DOCUMENTS_PER_READ * _LENGTH_DTYPE.itemsize):
                lengths = np.frombuffer(data, _LENGTH_DTYPE)
                ends = start + np.cumsum(lengths)
                shards = nominal_shards(
                    ends - lengths,
                    num_tokens=self._num_tokens,
                    tokens_per_shard=self._tokens_per_shard,
                )
                start = int(ends[-1])
                borders = np.flatnonzero(np.diff(shards)) + 1
                for first, piece in zip([0, *borders], np.split(lengths, borders), strict=True):
                    if collected and shards[first] != collected_shard:
                        yield np.concatenate(collected)
                        collected = []
                    collected.append(piece)
                    collected_shard = shards[first]
        yield np.concatenate(collected)

    def _cut_shard(self, shard, lengths, spool):
        """Writes the next shard, whose tokens come next in the open `spool`."""
        num_tokens = int(lengths.sum())
        size_bytes = num_tokens * self._dtype.itemsize
        digest = hashlib.sha256()
        with open(self._partial_path(shard, "tokens"), "xb") as file:
            for start in range(0, size_bytes, _COPIED_BYTES_PER_READ):
                data = spool.read(min(_COPIED_BYTES_PER_READ, size_bytes - start))
                file.write(data)
                digest.update(data)
        offsets = document_offsets(lengths)
        with open(self._partial_path(shard, "documents"), "xb") as file:
            file.write(offsets)
        return ShardRecord(
            num_documents=len(lengths),
            num_tokens=num_tokens,
            tokens=FileRecord("", size_bytes, digest.hexdigest()),
            documents=FileRecord("", offsets.nbytes, hashlib.sha256(offsets).hexdigest()),
        )

    def _rename_shard(self, shard, record, *, num_shards):
        names = shard_file_names(self._split, shard, num_shards=num_shards)
        for kind, name in zip(("tokens", "documents"), names, strict=True):
            os.rename(self._partial_path(shard, kind), os.path.join(self._directory, name))
        return dataclasses.replace(
            record,
            tokens=dataclasses.replace(record.tokens, name=names[0]),
            documents=dataclasses.replace(record.documents, name=names[1]),
        )
