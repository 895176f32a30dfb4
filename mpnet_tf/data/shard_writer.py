"""Writing token shards in the layout of `shard_format`."""

import dataclasses
import hashlib
import os

import numpy as np

from mpnet_tf.data.manifest import FileRecord, ShardRecord, SplitRecord
from mpnet_tf.data.shard_format import OFFSET_DTYPE, shard_file_names, token_dtype


class ShardWriter:
    """Writes the shards of one split; how documents are grouped in calls changes no byte.

    A shard takes documents in order as long as they fit `tokens_per_shard`, and at least one.
    Until `finish` the files carry the suffix `.partial`, because the number of shards, which is
    part of their names, is not known.

    Args:
        directory: str. An existing directory.
        split: str. Name of the split, part of the file names.
        vocabulary_size: int. Every token id must be below it.
        tokens_per_shard: int, at least 1.
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
        self._finished_shards = []
        self._text_bytes = 0
        self._tokens_file = None

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
        self._text_bytes += text_bytes
        ends = np.cumsum(lengths)
        document, token = 0, 0
        while document < len(lengths):
            if self._tokens_file is None:
                self._open_shard()
            room = max(self._tokens_per_shard - self._num_tokens, 0)
            next_document = int(np.searchsorted(ends, token + room, side="right"))
            if next_document == document and self._num_tokens == 0:
                next_document += 1  # A document longer than a shard has one to itself.
            if next_document == document:
                self._close_shard()
                continue
            next_token = int(ends[next_document - 1])
            self._write(token_ids[token:next_token], lengths[document:next_document])
            document, token = next_document, next_token

    def finish(self):
        """Closes the last shard and gives all files their final names.

        Returns:
            `SplitRecord` of what was written.
        """
        if self._tokens_file is not None:
            self._close_shard()
        num_shards = len(self._finished_shards)
        shards = tuple(
            self._rename_shard(shard, record, num_shards=num_shards)
            for shard, record in enumerate(self._finished_shards)
        )
        return SplitRecord(
            num_documents=sum(shard.num_documents for shard in shards),
            num_tokens=sum(shard.num_tokens for shard in shards),
            text_bytes=self._text_bytes,
            shards=shards,
        )

    def close(self):
        """Closes the open file, if any, without finishing; safe to call after `finish`."""
        if self._tokens_file is not None:
            self._tokens_file.close()
            self._tokens_file = None

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

    def _partial_path(self, shard, kind):
        return os.path.join(self._directory, f"{self._split}-{shard:05d}.{kind}.partial")

    def _open_shard(self):
        path = self._partial_path(len(self._finished_shards), "tokens")
        self._tokens_file = open(path, "xb")  # noqa: SIM115 -- closed by `close`
        self._tokens_digest = hashlib.sha256()
        self._shard_lengths = [np.zeros(1, np.int64)]
        self._num_tokens = 0

    def _write(self, token_ids, lengths):
        data = np.ascontiguousarray(token_ids, dtype=self._dtype)
        self._tokens_file.write(data)
        self._tokens_digest.update(data)
        self._shard_lengths.append(lengths)
        self._num_tokens += len(token_ids)

    def _close_shard(self):
        self.close()
        offsets = np.cumsum(np.concatenate(self._shard_lengths)).astype(OFFSET_DTYPE)
        with open(self._partial_path(len(self._finished_shards), "documents"), "xb") as file:
            file.write(offsets)
        size_bytes = self._num_tokens * self._dtype.itemsize
        self._finished_shards.append(
            ShardRecord(
                num_documents=len(offsets) - 1,
                num_tokens=self._num_tokens,
                tokens=FileRecord("", size_bytes, self._tokens_digest.hexdigest()),
                documents=FileRecord("", offsets.nbytes, hashlib.sha256(offsets).hexdigest()),
            )
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
