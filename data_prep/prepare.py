"""From text to a directory of token shards, which appears whole or not at all."""

import contextlib
import dataclasses
import importlib.metadata
import os
import sys

from absl import logging

from data_prep.corpus_steps import CorpusSteps
from data_prep.pipeline.local_engine import tokenized_chunks
from data_prep.pipeline.tally import step_records
from data_prep.pipeline.totals import SPLITS, Totals
from data_prep.progress import PreparationProgress
from data_prep.readers import ReadingReport
from data_prep.sources import DEFAULT_SOURCE, Corpus, ReferenceCorpus, Source
from data_prep.tokenizer_files import TokenizerFiles
from mpnet_tf.data.manifest import TOKENIZER_DIRECTORY, Manifest, read_manifest, write_manifest
from mpnet_tf.data.output_directory import appearing_directory, explained_write_errors, is_free
from mpnet_tf.data.shard_writer import ShardWriter, split_record
from mpnet_tf.quiet_start import silenced_stderr

DEFAULT_HELDOUT_SHARE = 0.05
DEFAULT_TOKENS_PER_SHARD = 1 << 25

_RECORDED_LIBRARIES = ("keras-hub", "numpy", "tensorflow", "tensorflow-text")


def prepare_shards(
    sources,
    tokenizer,
    output_directory,
    *,
    steps=None,
    num_workers=1,
    heldout_share=DEFAULT_HELDOUT_SHARE,
    tokens_per_shard=DEFAULT_TOKENS_PER_SHARD,
    json_field="text",
    strict=False,
    reuse_existing=False,
    beam_arguments=None,
):
    """Makes text a directory of token shards with a manifest and the tokenizer.

    The directory is written under a temporary name beside its final one and renamed when it is
    whole; on a failure nothing is left. Neither `num_workers` nor Beam changes anything in it.

    Args:
        sources: iterable of `Source`, or of str, the globs of the only source (see
            `readers.find_files`), or None for the default corpus (see `reference_text`).
        tokenizer: `MPNetTokenizer`, or one with its interface.
        output_directory: str. Must not exist, or be empty, unless `reuse_existing`.
        steps: `CorpusSteps`, what is done to the documents before they are tokenised, or None for
            nothing.
        num_workers: int, at least 1. Processes that work; with 1, or little text, it is done in
            this process.
        heldout_share: float, 0 to 1. Expected share of documents in the split `heldout`.
        tokens_per_shard: int, at least 1. Most tokens of a shard before its last document ends.
        json_field: str. The field or column with the text, where the format has such.
        strict: bool. Whether to stop at damaged input rather than leave it out and count it.
        reuse_existing: bool. Whether a finished output directory made from the same text,
            tokenizer and settings is to be used as it is.
        beam_arguments: list of str, the flags of Apache Beam with which it does the work, or None
            for the processes of this machine.

    Returns:
        `Manifest` of the shards.

    Raises:
        ValueError: if an argument is out of range, the text cannot be read or holds no token, or
            the output directory is taken.
        OSError: if a file cannot be read or written, or a worker process dies.
    """
    output_directory = os.fspath(output_directory)
    steps = CorpusSteps() if steps is None else steps
    _check_arguments(num_workers, heldout_share, tokens_per_shard)
    _check_output(output_directory, reuse_existing=reuse_existing)
    corpus = _open_corpus(sources, json_field=json_field, strict=strict)
    settings = {
        **corpus.settings,
        "heldout_share": heldout_share,
        "tokens_per_shard": tokens_per_shard,
        "steps": steps.to_dict(),
    }
    if not is_free(output_directory):
        return _existing_manifest(
            output_directory,
            settings=settings,
            sources=[corpus.record_of(file) for file in corpus.files],
            tokenizer_fingerprint=tokenizer.fingerprint,
        )
    if steps.cleaning is None and any(map(corpus.has_markup, corpus.files)):
        logging.warning(
            "Web pages and wikitext are tokenised with their markup; a recipe with "
            "`cleaning.enabled` takes their text out."
        )
    with appearing_directory(output_directory) as directory:
        with explained_write_errors(output_directory):
            tokenizer.save_to_preset(os.path.join(directory, TOKENIZER_DIRECTORY))
        work = {
            "heldout_share": heldout_share,
            "tokens_per_shard": tokens_per_shard,
            "output_directory": output_directory,
        }
        if beam_arguments is None:
            splits, totals, readings = _write_locally(
                corpus, steps, tokenizer, directory, num_workers=num_workers, **work
            )
        else:
            splits, totals, readings = _write_with_beam(
                corpus, steps, tokenizer, directory, arguments=beam_arguments, **work
            )
        if not any(record.num_documents for record in splits.values()):
            raise ValueError(_nothing_left(totals))
        manifest = Manifest(
            vocabulary_size=tokenizer.vocabulary_size(),
            tokenizer_fingerprint=tokenizer.fingerprint,
            splits=splits,
            settings=settings,
            sources=tuple(reading.record for reading in readings),
            reading=dataclasses.asdict(sum((r.report for r in readings), ReadingReport())),
            versions=_versions([*_RECORDED_LIBRARIES, *steps.libraries()]),
            mixture={
                name: {"weight": weight, **totals.sources.get(name, {})}
                for name, weight in corpus.weights.items()
            },
            steps=tuple(step_records(totals.tallies, steps.names(corpus.weights))),
        )
        with explained_write_errors(output_directory):
            write_manifest(manifest, directory)
    return manifest


def _open_corpus(sources, *, json_field, strict):
    if sources is None:
        return ReferenceCorpus()
    sources = list(sources)
    if not all(isinstance(source, Source) for source in sources):
        sources = [Source(DEFAULT_SOURCE, tuple(os.fspath(pattern) for pattern in sources))]
    return Corpus(sources, json_field=json_field, strict=strict)


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


def _versions(libraries):
    """Returns the versions of those libraries that are installed."""
    versions = {}
    for name in libraries:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def _nothing_left(totals):
    """Says where all documents went."""
    dropped = {
        reason: count
        for tally in totals.tallies.values()
        for reason, count in tally.dropped.items()
    }
    if not dropped:
        return "The input holds no document; give text with words in it."
    counts = ", ".join(f"{reason} {count}" for reason, count in sorted(dropped.items()))
    return f"No document of the input is left: {counts}. Give other text or change the steps."


def _write_locally(
    corpus,
    steps,
    tokenizer,
    directory,
    *,
    output_directory,
    heldout_share,
    tokens_per_shard,
    num_workers,
):
    """Writes the shards with the processes of this machine; returns as `prepare_with_beam`."""
    readings, totals = [], Totals()
    writers = {
        split: ShardWriter(
            directory,
            split,
            vocabulary_size=tokenizer.vocabulary_size(),
            tokens_per_shard=tokens_per_shard,
        )
        for split in SPLITS
    }
    chunks = tokenized_chunks(
        (chunk for file in corpus.files for chunk in corpus.read_file(file, readings.append)),
        steps,
        tokenizer,
        heldout_share=heldout_share,
        weights=corpus.weights,
        num_workers=num_workers,
        size_bytes=corpus.size_bytes,
        directory=directory,
    )
    with contextlib.ExitStack() as cleanup:
        # On a failure too: the files, because they are about to be removed, and the generator,
        # because it may hold worker processes.
        for writer in writers.values():
            cleanup.callback(writer.close)
        cleanup.enter_context(contextlib.closing(chunks))
        progress = cleanup.enter_context(PreparationProgress())
        for chunk in chunks:
            totals.add_chunk(chunk)
            with explained_write_errors(output_directory):
                for split, writer in writers.items():
                    token_ids, lengths, text_bytes = chunk.of_split(split)
                    writer.append(token_ids, lengths, text_bytes=text_bytes)
            progress.advance(num_documents=len(chunk.lengths), num_tokens=len(chunk.token_ids))
        with explained_write_errors(output_directory):
            splits = {split: writer.finish() for split, writer in writers.items()}
    return splits, totals, readings


def _write_with_beam(corpus, steps, tokenizer, directory, *, output_directory, arguments, **work):
    try:
        # It warns of libraries for filesystems that may not be asked for.
        with silenced_stderr():
            from data_prep.pipeline.beam_engine import prepare_with_beam
    except ImportError as error:
        raise ValueError(
            f"Apache Beam cannot be imported ({error}). Install it: pip install 'mpnet_tf[beam]'"
        ) from error
    with explained_write_errors(output_directory):
        shards, totals, readings = prepare_with_beam(
            corpus, steps, TokenizerFiles.of(tokenizer), directory, arguments=arguments, **work
        )
    splits = {
        split: split_record(
            shards.get(split, ()),
            text_bytes=sum(counts[f"text_bytes_{split}"] for counts in totals.sources.values()),
        )
        for split in SPLITS
    }
    return splits, totals, readings
