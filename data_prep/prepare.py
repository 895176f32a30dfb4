"""From text to a directory of token shards, which appears whole or not at all."""

import contextlib
import dataclasses
import importlib.metadata
import os
import sys

import numpy as np

from data_prep.progress import PreparationProgress
from data_prep.readers import ReadingReport
from data_prep.sources import FileSource, ReferenceSource
from data_prep.tokenizing import tokenize_documents, tokenize_documents_in_workers
from mpnet_tf.data.manifest import TOKENIZER_DIRECTORY, Manifest, read_manifest, write_manifest
from mpnet_tf.data.output_directory import appearing_directory, explained_write_errors, is_free
from mpnet_tf.data.shard_writer import ShardWriter

DEFAULT_HELDOUT_SHARE = 0.05
DEFAULT_TOKENS_PER_SHARD = 1 << 25

# Starting workers takes some 8 seconds, in which this process alone tokenises 90 MB: less text
# than this is not worth them.
_MIN_BYTES_FOR_WORKERS = 128 << 20
_RECORDED_LIBRARIES = ("keras-hub", "numpy", "tensorflow", "tensorflow-text")


def prepare_shards(
    patterns,
    tokenizer,
    output_directory,
    *,
    num_workers=1,
    heldout_share=DEFAULT_HELDOUT_SHARE,
    tokens_per_shard=DEFAULT_TOKENS_PER_SHARD,
    json_field="text",
    strict=False,
    reuse_existing=False,
):
    """Tokenises text into a directory of token shards with a manifest and the tokenizer.

    The directory is written under a temporary name beside its final one and renamed when it is
    whole; on a failure nothing is left. `num_workers` changes nothing in it.

    Args:
        patterns: iterable of str, the globs of the text (see `readers.read_documents`), or None
            for the default corpus (see `reference_text`).
        tokenizer: `MPNetTokenizer`, or one with its interface.
        output_directory: str. Must not exist, or be empty, unless `reuse_existing`.
        num_workers: int, at least 1. Processes that tokenise; with 1, or little text, it is done in
            this process.
        heldout_share: float, 0 to 1. Expected share of documents in the split `heldout`.
        tokens_per_shard: int, at least 1. Where a shard ends; a longer document has its own.
        json_field: str. The field with the text in `.jsonl`.
        strict: bool. Whether to stop at damaged input rather than leave it out and count it.
        reuse_existing: bool. Whether a finished output directory made from the same text,
            tokenizer and settings is to be used as it is.

    Returns:
        `Manifest` of the shards.

    Raises:
        ValueError: if an argument is out of range, the text cannot be read or holds no token, or
            the output directory is taken.
        OSError: if a file cannot be read or written, or a worker process dies.
    """
    output_directory = os.fspath(output_directory)
    _check_arguments(num_workers, heldout_share, tokens_per_shard)
    _check_output(output_directory, reuse_existing=reuse_existing)
    if patterns is None:
        source = ReferenceSource()
    else:
        source = FileSource(patterns, json_field=json_field, strict=strict)
    settings = {
        **source.settings,
        "heldout_share": heldout_share,
        "tokens_per_shard": tokens_per_shard,
    }
    if not is_free(output_directory):
        return _existing_manifest(
            output_directory,
            settings=settings,
            sources=source.records,
            tokenizer_fingerprint=tokenizer.fingerprint,
        )
    with appearing_directory(output_directory) as directory:
        splits, reading = _write_tokens(
            source,
            tokenizer,
            directory,
            output_directory=output_directory,
            settings=settings,
            num_workers=num_workers,
        )
        manifest = Manifest(
            vocabulary_size=tokenizer.vocabulary_size(),
            tokenizer_fingerprint=tokenizer.fingerprint,
            splits=splits,
            settings=settings,
            sources=source.records,
            reading=reading,
            versions={name: importlib.metadata.version(name) for name in _RECORDED_LIBRARIES},
        )
        with explained_write_errors(output_directory):
            write_manifest(manifest, directory)
    return manifest


class _SplitWriter:
    """Sends tokenised documents to the shards of their split; counts those without tokens."""

    def __init__(self, directory, vocabulary_size, tokens_per_shard):
        self._writers = {
            split: ShardWriter(
                directory,
                split,
                vocabulary_size=vocabulary_size,
                tokens_per_shard=tokens_per_shard,
            )
            for split in ("train", "heldout")
        }
        self.num_documents_without_tokens = 0

    def append(self, chunk):
        has_tokens = chunk.lengths > 0
        self.num_documents_without_tokens += int(np.count_nonzero(~has_tokens))
        for split, chosen in (("train", ~chunk.held_out), ("heldout", chunk.held_out)):
            kept = chosen & has_tokens
            self._writers[split].append(
                chunk.token_ids[np.repeat(kept, chunk.lengths)],
                chunk.lengths[kept],
                text_bytes=int(chunk.text_bytes[kept].sum()),
            )

    def finish(self):
        """Returns a dict from split name to `SplitRecord`."""
        records = {split: writer.finish() for split, writer in self._writers.items()}
        if not any(record.num_documents for record in records.values()):
            raise ValueError("No document of the input holds a token; give text with words in it.")
        return records

    def close(self):
        for writer in self._writers.values():
            writer.close()


def _check_arguments(num_workers, heldout_share, tokens_per_shard):
    if num_workers < 1:
        raise ValueError(f"`num_workers` must be at least 1. Received: num_workers={num_workers}")
    if not 0 <= heldout_share <= 1:
        raise ValueError(
            f"`heldout_share` must be from 0 to 1. Received: heldout_share={heldout_share}"
        )
    if tokens_per_shard < 1:
        raise ValueError(
            f"`tokens_per_shard` must be at least 1. Received: tokens_per_shard={tokens_per_shard}"
        )


def _check_output(output_directory, *, reuse_existing):
    """Refuses a taken output directory before any text is read."""
    if is_free(output_directory):
        return
    if not reuse_existing:
        raise ValueError(f"{output_directory} already exists; choose another name or delete it.")
    read_manifest(output_directory)


def _existing_manifest(output_directory, **wanted):
    """Returns the manifest of finished shards that are what is wanted; refuses others."""
    manifest = read_manifest(output_directory)
    differences = manifest.differences(**wanted)
    if differences:
        raise ValueError(
            f"{output_directory} holds other shards: {'; '.join(differences)}. "
            "Choose another name or delete it."
        )
    print(f"{output_directory} holds these shards already", file=sys.stderr, flush=True)
    return manifest


def _write_tokens(source, tokenizer, directory, *, output_directory, settings, num_workers):
    """Writes the tokenizer and the shards into `directory`, the name of the output for now.

    Returns:
        A dict from split name to `SplitRecord`, and a dict of what was read and dropped.
    """
    preset = os.path.join(directory, TOKENIZER_DIRECTORY)
    with explained_write_errors(output_directory):
        tokenizer.save_to_preset(preset)
    report = ReadingReport()
    documents = source.documents(report)
    heldout_share = settings["heldout_share"]
    size_bytes = sum(record.size_bytes for record in source.records)
    if num_workers == 1 or size_bytes < _MIN_BYTES_FOR_WORKERS:
        chunks = tokenize_documents(documents, tokenizer, heldout_share=heldout_share)
    else:
        chunks = tokenize_documents_in_workers(
            documents,
            type(tokenizer),
            preset=preset,
            heldout_share=heldout_share,
            num_workers=num_workers,
        )
    writer = _SplitWriter(directory, tokenizer.vocabulary_size(), settings["tokens_per_shard"])
    # Both are closed on a failure too: the files, because they are about to be removed, and the
    # generator, because it may hold worker processes.
    with contextlib.closing(chunks), contextlib.closing(writer), PreparationProgress() as progress:
        for chunk in chunks:
            with explained_write_errors(output_directory):
                writer.append(chunk)
            progress.advance(num_documents=len(chunk.lengths), num_tokens=len(chunk.token_ids))
        with explained_write_errors(output_directory):
            splits = writer.finish()
    dropped = {"documents_dropped_no_tokens": writer.num_documents_without_tokens}
    return splits, {**dataclasses.asdict(report), **dropped}
