"""Reading token shards: random access to any piece of any document."""

import functools
import os

import numpy as np

from mpnet_tf.data.array_file import ArrayFile
from mpnet_tf.data.manifest import hash_file, read_manifest
from mpnet_tf.data.shard_format import OFFSET_DTYPE, token_dtype

_COUNT_CHUNK_TOKENS = 1 << 22


class TokenShards:
    """One split of a directory of token shards, opened for reading.

    Documents are numbered from 0 through all shards in order. Make it with `TokenShards.open`.

    Args:
        token_arrays: list of integer arrays or of `ArrayFile`, the tokens of each shard.
        document_offsets: list of integer arrays, of each shard where its documents start and
            last its number of tokens.
        vocabulary_size: int. Every token id is below it.

    Attributes:
        document_lengths: int64 array `(num_documents,)`, tokens in each document.
        num_documents: int.
        num_tokens: int.
        dtype: NumPy dtype that `read_pieces` gives the tokens in.
        vocabulary_size: int.

    Example:

    ```python
    shards = TokenShards.open("shards", "train")
    first_ten_tokens_of_documents_3_and_0 = shards.read([3, 0], [0, 0], [10, 10])
    ```
    """

    def __init__(self, token_arrays, document_offsets, *, vocabulary_size):
        self._token_arrays = token_arrays
        self.dtype = token_dtype(vocabulary_size)
        self._read_bytes = [
            tokens.read_bytes
            if isinstance(tokens, ArrayFile)
            else functools.partial(_bytes_of_array, np.asarray(tokens, self.dtype))
            for tokens in token_arrays
        ]
        # Where each shard starts when all shards' tokens are numbered through.
        self._shard_starts = np.cumsum([0] + [len(tokens) for tokens in token_arrays])
        lengths = [np.diff(offsets.astype(np.int64)) for offsets in document_offsets]
        self.document_lengths = np.concatenate([np.zeros(0, np.int64), *lengths])
        self._document_starts = np.cumsum(self.document_lengths) - self.document_lengths
        self.num_documents = len(self.document_lengths)
        self.num_tokens = int(self._shard_starts[-1])
        self.vocabulary_size = vocabulary_size

    @classmethod
    def open(cls, directory, split, *, tokenizer_fingerprint=None, verify_checksums=True):
        """Opens one split after checking that its files are whole.

        Args:
            directory: str. A directory that `mpnet-prepare` wrote.
            split: str. `"train"` or `"heldout"`.
            tokenizer_fingerprint: str or None. If given, the shards must have been made with
                the tokenizer of this fingerprint.
            verify_checksums: bool. Whether to read every file once to compare its SHA-256;
                sizes and the index are always checked.

        Returns:
            `TokenShards`.

        Raises:
            ValueError: if the directory is unfinished or of an unknown format, the split is
                unknown, the tokenizer is another, or a file is missing, truncated or damaged.
        """
        manifest = read_manifest(directory)
        if split not in manifest.splits:
            raise ValueError(
                f"`split` must be one of {', '.join(sorted(manifest.splits))} in {directory}. "
                f"Received: split={split!r}"
            )
        if tokenizer_fingerprint not in (None, manifest.tokenizer_fingerprint):
            raise ValueError(
                f"The shards in {directory} were made with another vocabulary: expected tokenizer "
                f"fingerprint {tokenizer_fingerprint}, found {manifest.tokenizer_fingerprint}. "
                "Use the tokenizer stored beside the shards, or prepare them again."
            )
        token_arrays, document_offsets = [], []
        for shard in manifest.splits[split].shards:
            tokens, offsets = _open_files(
                directory,
                shard,
                vocabulary_size=manifest.vocabulary_size,
                verify_checksums=verify_checksums,
            )
            token_arrays.append(tokens)
            document_offsets.append(offsets)
        return cls(token_arrays, document_offsets, vocabulary_size=manifest.vocabulary_size)

    @classmethod
    def open_shard(cls, directory, shard, *, vocabulary_size, verify_checksums=True):
        """Opens a single shard, whose documents are then numbered from 0.

        Args:
            directory: str.
            shard: `ShardRecord` of the directory's manifest.
            vocabulary_size: int. That of the manifest.
            verify_checksums: bool. As in `open`.

        Returns:
            `TokenShards`.

        Raises:
            ValueError: if a file is missing, truncated or damaged.
        """
        tokens, offsets = _open_files(
            directory, shard, vocabulary_size=vocabulary_size, verify_checksums=verify_checksums
        )
        return cls([tokens], [offsets], vocabulary_size=vocabulary_size)

    def token_counts(self):
        """Counts how often each token occurs in the split.

        Returns:
            int64 array `(vocabulary_size,)`.

        Raises:
            ValueError: if there is a token that the vocabulary has not.
        """
        counts = np.zeros(self.vocabulary_size, np.int64)
        for tokens in self._token_arrays:
            # In pieces, because bincount turns its argument into int64.
            for start in range(0, len(tokens), _COUNT_CHUNK_TOKENS):
                piece = tokens[start : start + _COUNT_CHUNK_TOKENS]
                piece_counts = np.bincount(piece, minlength=self.vocabulary_size)
                if len(piece_counts) > self.vocabulary_size:
                    raise ValueError(
                        f"The shards are damaged: they hold the token id {len(piece_counts) - 1}, "
                        f"where the vocabulary has {self.vocabulary_size} tokens. Copy them again, "
                        "or prepare them again."
                    )
                counts += piece_counts
        return counts

    def read(self, document_indices, starts, lengths):
        """Reads pieces of documents, in any order and as often as asked.

        Args:
            document_indices: integer array `(num_pieces,)`, 0 to `num_documents - 1`.
            starts: integer array `(num_pieces,)`, where in its document each piece starts.
            lengths: integer array `(num_pieces,)`, tokens in each piece, which must not reach
                beyond its document's end.

        Returns:
            int32 array `(sum(lengths),)`, the pieces end to end.

        Raises:
            ValueError: if a piece lies outside its document, the document does not exist, or its
                file was cut short after it was opened.
            OSError: if its file cannot be read.
        """
        pieces = self.read_pieces(document_indices, starts, lengths)
        return np.frombuffer(b"".join(pieces), self.dtype).astype(np.int32)

    def read_pieces(self, document_indices, starts, lengths):
        """Reads pieces of documents as `bytes`, which are joined in no time.

        Args:
            document_indices, starts, lengths: as `read` takes them.

        Returns:
            List of `bytes`, the tokens of each piece as numbers of `self.dtype`.

        Raises:
            ValueError, OSError: as `read` does.
        """
        document_indices = np.asarray(document_indices, dtype=np.int64)
        starts = np.asarray(starts, dtype=np.int64)
        lengths = np.asarray(lengths, dtype=np.int64)
        self._check_pieces(document_indices, starts, lengths)
        piece_starts = self._document_starts[document_indices] + starts
        shards = np.searchsorted(self._shard_starts, piece_starts, side="right") - 1
        begins = piece_starts - self._shard_starts[shards]
        places = zip(shards.tolist(), begins.tolist(), (begins + lengths).tolist(), strict=True)
        return [
            self._read_bytes[shard](begin, end) if end > begin else b""
            for shard, begin, end in places
        ]

    def _check_pieces(self, document_indices, starts, lengths):
        shapes = (document_indices.shape, starts.shape, lengths.shape)
        if document_indices.ndim != 1 or len(set(shapes)) != 1:
            raise ValueError(
                "`document_indices`, `starts` and `lengths` must be vectors of one length. "
                f"Received: shapes {shapes}"
            )
        known = (document_indices >= 0) & (document_indices < self.num_documents)
        if not known.all():
            raise ValueError(
                f"`document_indices` must be from 0 to {self.num_documents - 1}. "
                f"Received: {document_indices[~known][0]}"
            )
        document_lengths = self.document_lengths[document_indices]
        inside = (starts >= 0) & (lengths >= 0) & (lengths <= document_lengths - starts)
        if not inside.all():
            piece = int(np.flatnonzero(~inside)[0])
            raise ValueError(
                f"Piece {piece} must lie inside document {document_indices[piece]}, which has "
                f"{document_lengths[piece]} tokens. "
                f"Received: start={starts[piece]}, length={lengths[piece]}"
            )


def _bytes_of_array(tokens, begin, end):
    return tokens[begin:end].tobytes()


def first_documents(shards, count):
    """Reads the first documents of a split, for examples.

    Args:
        shards: `TokenShards`.
        count: int. How many, at most.

    Returns:
        List of int32 arrays, the documents' tokens.
    """
    lengths = shards.document_lengths[:count]
    tokens = shards.read(np.arange(len(lengths)), np.zeros(len(lengths), np.int64), lengths)
    return np.split(tokens, np.cumsum(lengths)[:-1])


def _open_files(directory, shard, *, vocabulary_size, verify_checksums):
    """Checks the two files of a shard; returns its tokens and an array of its offsets."""
    for record in (shard.tokens, shard.documents):
        _check_file(directory, record, verify_checksum=verify_checksums)
    tokens = ArrayFile(os.path.join(directory, shard.tokens.name), token_dtype(vocabulary_size))
    offsets = ArrayFile(os.path.join(directory, shard.documents.name), OFFSET_DTYPE)[:]
    _check_index(directory, shard, tokens=tokens, offsets=offsets)
    return tokens, offsets


def _check_file(directory, record, *, verify_checksum):
    """Compares a file with its record: there, of the right size, of the right content."""
    path = os.path.join(directory, record.name)
    advice = "Copy it again, or prepare the shards again."
    try:
        size_bytes = os.stat(path).st_size
    except FileNotFoundError:
        raise ValueError(f"{path} is missing, though the manifest lists it. {advice}") from None
    if size_bytes != record.size_bytes:
        raise ValueError(
            f"{path} has the wrong size: expected {record.size_bytes} bytes, found {size_bytes}. "
            f"{advice}"
        )
    if verify_checksum:
        sha256 = hash_file(path).sha256
        if sha256 != record.sha256:
            raise ValueError(
                f"{path} is damaged: expected SHA-256 {record.sha256}, found {sha256}. {advice}"
            )


def _check_index(directory, shard, *, tokens, offsets):
    """Checks that the index of a shard leads through its tokens from first to last."""
    wanted = (shard.num_documents + 1, 0, shard.num_tokens, shard.num_tokens)
    found = (len(offsets), int(offsets[0]), int(offsets[-1]), len(tokens))
    if found != wanted or (offsets[1:] < offsets[:-1]).any():
        raise ValueError(
            f"{os.path.join(directory, shard.documents.name)} does not fit the manifest: expected "
            f"(entries, first, last, tokens in {shard.tokens.name}) = {wanted} in rising order, "
            f"found {found}. Prepare the shards again."
        )
