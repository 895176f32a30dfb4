"""A directory of token shards as `mpnet-inspect` tells of it."""

import dataclasses
import os
import sys
import time

import rich.console
import rich.progress

from mpnet_tf.data.length_counts import doubling_edges
from mpnet_tf.data.manifest import MANIFEST_FILE, TOKENIZER_DIRECTORY, read_manifest
from mpnet_tf.data.shard_statistics import shard_statistics
from mpnet_tf.models.tokenizers import open_tokenizer
from mpnet_tf.visualization.picture_file import write_picture
from mpnet_tf.visualization.shard_picture import shard_figure
from mpnet_tf.visualization.shard_tables import origin_tables, sample_lines, split_tables
from mpnet_tf.visualization.terminal_table import size_text

_QUANTILES = {"min": 0, "median": 0.5, "p90": 0.9, "p99": 0.99, "max": 1}


def is_shards(path):
    """Tells whether a path is a directory of finished shards."""
    return os.path.isfile(os.path.join(path, MANIFEST_FILE))


def inspect_shards(
    directory, *, splits, row_length, num_samples, seed, verify_checksums, picture_path
):
    """Prints what shards hold and, where wanted, draws it.

    Args:
        directory: str.
        splits, num_samples, seed, verify_checksums: as `shard_statistics` takes them.
        row_length: int. Tokens of the rows whose padding is told.
        picture_path: str or None. Where to write the picture.

    Returns:
        dict of the figures, as JSON can hold it.

    Raises:
        ValueError: if the shards are damaged or have no such split.
        OSError: if a file cannot be read, or the picture not be written.
    """
    manifest = read_manifest(directory)
    tokenizer = _open_stored_tokenizer(directory, manifest)
    with _Reading(manifest, splits) as reading:
        found, samples = shard_statistics(
            directory,
            manifest,
            tokenizer,
            splits=splits,
            num_samples=num_samples,
            seed=seed,
            verify_checksums=verify_checksums,
            advance=reading.advance,
        )
    rows = {
        name: (split.lengths.rows_alone(row_length), split.lengths.rows_packed(row_length))
        for name, split in found.items()
        if split.lengths.num_documents
    }
    if picture_path:
        write_picture(shard_figure(found, row_length=row_length), picture_path)
    console = rich.console.Console()
    tables = origin_tables(manifest) + split_tables(found, rows, tokenizer, row_length=row_length)
    for table in tables:
        console.print(table)
        console.print()
    for line in sample_lines(samples):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if picture_path:
        print(f"picture: {picture_path}", file=sys.stderr)
    return {
        "shards": directory,
        "vocabulary_size": manifest.vocabulary_size,
        "tokenizer_fingerprint": manifest.tokenizer_fingerprint,
        "checksums_verified": verify_checksums,
        "sources": [dataclasses.asdict(source) for source in manifest.sources],
        "mixture": manifest.mixture,
        "reading": manifest.reading,
        "steps": list(manifest.steps),
        "settings": manifest.settings,
        "splits": {
            name: _split_figures(split, rows.get(name), tokenizer, row_length=row_length)
            for name, split in found.items()
        },
        "samples": [dataclasses.asdict(sample) for sample in samples],
        "picture": picture_path,
    }


def _open_stored_tokenizer(directory, manifest):
    path = os.path.join(directory, TOKENIZER_DIRECTORY)
    advice = "Copy the shards again, or prepare them again."
    if not os.path.isdir(path):
        raise ValueError(f"{directory} is damaged: it has no {TOKENIZER_DIRECTORY}. {advice}")
    tokenizer = open_tokenizer(path)
    if tokenizer.fingerprint != manifest.tokenizer_fingerprint:
        raise ValueError(
            f"{path} is not the tokenizer that made the shards: expected fingerprint "
            f"{manifest.tokenizer_fingerprint}, found {tokenizer.fingerprint}. {advice}"
        )
    return tokenizer


class _Reading:
    """Shows on stderr how much of the shards has been read; a context manager."""

    def __init__(self, manifest, splits):
        self._size_bytes = sum(
            shard.tokens.size_bytes + shard.documents.size_bytes
            for name, split in manifest.splits.items()
            for shard in split.shards
            if not splits or name in splits
        )
        console = rich.console.Console(stderr=True)
        self._progress = rich.progress.Progress(
            *rich.progress.Progress.get_default_columns(),
            rich.progress.TransferSpeedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task("reading", total=self._size_bytes)

    def __enter__(self):
        self._start_seconds = time.monotonic()
        self._progress.start()
        return self

    def advance(self, size_bytes):
        self._progress.advance(self._task, size_bytes)

    def __exit__(self, error_type, error, traceback):
        self._progress.stop()
        if error_type is None:
            seconds = time.monotonic() - self._start_seconds
            print(f"read {size_text(self._size_bytes)} in {seconds:.1f} s", file=sys.stderr)


def _split_figures(split, rows, tokenizer, *, row_length):
    record = split.record
    figures = {
        "documents": record.num_documents,
        "tokens": record.num_tokens,
        "text_bytes": record.text_bytes,
        "shards": [shard.num_tokens for shard in record.shards],
    }
    if rows is None:
        return figures
    lengths, use = split.lengths, split.vocabulary
    edges = doubling_edges(lengths.quantile(0), lengths.quantile(1))
    alone, packed = (dataclasses.asdict(use_of_rows) for use_of_rows in rows)
    return {
        **figures,
        "bytes_per_token": record.text_bytes / record.num_tokens,
        "lengths": {
            **{name: lengths.quantile(share) for name, share in _QUANTILES.items()},
            "mean": lengths.num_tokens / lengths.num_documents,
            "histogram": {"edges": edges.tolist(), "documents": lengths.histogram(edges).tolist()},
        },
        "vocabulary": {
            **dataclasses.asdict(use),
            "most_frequent": [
                {"token": tokenizer.id_to_token(token_id), "count": count}
                for token_id, count in use.most_frequent
            ],
        },
        "rows": {"row_length": row_length, "alone": alone, "packed": packed},
    }
