"""Preparing a corpus with Apache Beam: in this process, or on a cluster by the runner's flags.

The steps, their decisions and the layout of shards are the functions that the local engine uses;
here they are joined by keys. Texts are shuffled once, to meet the decisions on them; what decides
travels as fingerprints.
"""

import pickle

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from data_prep.pipeline.beam_decisions import chunk_drops, decide
from data_prep.pipeline.beam_shards import write_shards
from data_prep.pipeline.completion import ChunkCompletion
from data_prep.pipeline.preparation import ChunkPreparation
from data_prep.pipeline.tally import add_tallies
from data_prep.pipeline.totals import Totals

# Beam's own choice may look for a program on the network; this one runs in the process.
_DEFAULT_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
_RESULT_FILE = "result.partial"


def prepare_with_beam(
    corpus, steps, tokenizer_files, directory, *, heldout_share, tokens_per_shard, arguments=()
):
    """Writes the shards of a corpus.

    Args:
        corpus: `Corpus`. What to read.
        steps: `CorpusSteps`.
        tokenizer_files: `TokenizerFiles`.
        directory: str. A directory that all workers reach.
        heldout_share: float, 0 to 1.
        tokens_per_shard: int, at least 1.
        arguments: iterable of str. The runner and its options, as Beam's flags.

    Returns:
        A tuple of a dict from split's name to list of `ShardRecord`, `Totals`, and a list of the
        `FileReading` of each file, in order.
    """
    arguments = list(arguments)
    if not any(argument.startswith("--runner") for argument in arguments):
        arguments.append(f"--runner={_DEFAULT_RUNNER}")
    with beam.Pipeline(options=PipelineOptions(arguments)) as pipeline:
        read = (
            pipeline
            | "Files" >> beam.Create(corpus.files)
            | "SpreadFiles" >> beam.Reshuffle()
            | "Read" >> beam.ParDo(_Read(corpus)).with_outputs("readings", main="chunks")
        )
        prepared = (
            read.chunks
            | "SpreadChunks" >> beam.Reshuffle()
            | "Prepare" >> beam.ParDo(_Prepare(steps)).with_outputs("fingerprints", main="texts")
        )
        found = {}
        if steps.compare_documents:
            found = decide(prepared.fingerprints, steps, size_bytes=corpus.size_bytes)
        complete = _Complete(
            steps, tokenizer_files, heldout_share=heldout_share, weights=corpus.weights
        )
        tokenized = (
            {"texts": prepared.texts, **found}
            | "JoinDrops" >> beam.CoGroupByKey()
            | "Complete" >> beam.ParDo(complete)
        )
        shards = write_shards(
            tokenized,
            directory,
            tokens_per_shard=tokens_per_shard,
            vocabulary_size=tokenizer_files.vocabulary_size,
        )
        totals = tokenized | "Totals" >> beam.CombineGlobally(_SumTotals())
        _ = (
            pipeline
            | "Once" >> beam.Create([None])
            | "WriteResult"
            >> beam.Map(
                _write_result,
                FileSystems.join(directory, _RESULT_FILE),
                shards=beam.pvalue.AsList(shards),
                totals=beam.pvalue.AsSingleton(totals),
                readings=beam.pvalue.AsList(read.readings),
            )
        )
    return _read_result(directory)


class _Read(beam.DoFn):
    """Yields a file's chunks, and its `FileReading` apart."""

    def __init__(self, corpus):
        self._corpus = corpus

    def process(self, file):
        readings = []
        yield from self._corpus.read_file(file, readings.append)
        for reading in readings:
            yield beam.pvalue.TaggedOutput("readings", reading)


class _Prepare(beam.DoFn):
    """Yields what is left of a chunk's texts, and the fingerprints apart, both by its key."""

    def __init__(self, steps):
        self._steps = steps

    def setup(self):
        self._prepare = ChunkPreparation(self._steps)

    def process(self, chunk):
        prepared = self._prepare(chunk)
        yield chunk.key, (prepared.chunk, prepared.tallies)
        if self._steps.compare_documents:
            fingerprints = (chunk.key, prepared.fingerprints)
            yield beam.pvalue.TaggedOutput("fingerprints", fingerprints)


class _Complete(beam.DoFn):
    """Makes a `TokenizedChunk` of a chunk's texts and what was decided on them."""

    def __init__(self, steps, tokenizer_files, *, heldout_share, weights):
        self._steps = steps
        self._tokenizer_files = tokenizer_files
        self._heldout_share = heldout_share
        self._weights = weights

    def setup(self):
        self._complete = ChunkCompletion(
            self._steps,
            self._tokenizer_files.load(),
            heldout_share=self._heldout_share,
            weights=self._weights,
        )

    def process(self, element):
        _, found = element
        ((chunk, tallies),) = found["texts"]
        drops = chunk_drops(found) if self._steps.compare_documents else None
        tokenized = self._complete(chunk, drops)
        add_tallies(tokenized.tallies, tallies)
        yield tokenized


class _SumTotals(beam.CombineFn):
    def create_accumulator(self):
        return Totals()

    def add_input(self, totals, chunk):
        totals.add_chunk(chunk)
        return totals

    def merge_accumulators(self, accumulators):
        merged = Totals()
        for totals in accumulators:
            merged.add(totals)
        return merged

    def extract_output(self, totals):
        return totals


def _write_result(_, path, *, shards, totals, readings):
    with FileSystems.create(path) as file:
        file.write(pickle.dumps((shards, totals, readings)))


def _read_result(directory):
    """Reads what the workers found, and removes it and what broken attempts left."""
    with FileSystems.open(FileSystems.join(directory, _RESULT_FILE)) as file:
        shards, totals, readings = pickle.loads(file.read())
    (match,) = FileSystems.match([FileSystems.join(directory, "*.partial")])
    FileSystems.delete([metadata.path for metadata in match.metadata_list])
    by_split = {}
    for split, _, record in sorted(shards, key=lambda shard: shard[:2]):
        by_split.setdefault(split, []).append(record)
    return by_split, totals, sorted(readings, key=lambda reading: reading.number)
