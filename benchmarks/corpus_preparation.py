"""Megabytes per second of each step of corpus preparation on one core, and memory as input grows.

Prints JSON lines: each step alone, on chunks as the engines hand them over; whole preparations by
the local engine in one process, of 4 times the text; and the peak memory of preparations with
every step, of 1, 4 and 16 times the text. Copies of the text have the words of each line in
another order, so that they are neither repeats nor nearly so.

    python benchmarks/corpus_preparation.py --input='corpus/*.txt' --evaluation='glue/*/*.tsv' \\
        --vocab=vocab.txt
"""

import contextlib
import functools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

from absl import app, flags

# One core, whatever libraries would take: before they are imported.
with contextlib.suppress(AttributeError):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from mpnet_tf.quiet_start import silenced_stderr

with silenced_stderr():
    import tensorflow as tf

from data_prep.cleaning.clean import CleaningSettings, clean_texts
from data_prep.contamination import ContaminationIndex, ContaminationSettings
from data_prep.corpus_steps import CorpusSteps
from data_prep.deduplication import lines, near
from data_prep.filters.language import LanguageSettings, language_reasons
from data_prep.filters.quality import QualitySettings, quality_reasons
from data_prep.filters.repetition import RepetitionSettings, repetition_reasons
from data_prep.hashes import text_hashes
from data_prep.pipeline.completion import ChunkCompletion
from data_prep.prepare import prepare_shards
from data_prep.sentences import SentenceSettings, one_sentence_a_line
from data_prep.sources import Corpus, Source
from data_prep.word_table import WordTable
from mpnet_tf.models.tokenizers import open_tokenizer

_INPUT = flags.DEFINE_multi_string("input", None, "Globs of text.", required=True)
_EVALUATION = flags.DEFINE_multi_string("evaluation", None, "Evaluation files.", required=True)
_VOCAB = flags.DEFINE_string("vocab", None, "Vocabulary file.", required=True)
_TURNS = flags.DEFINE_integer("turns", 3, "Times that each is measured; the median counts.")
_COPIES = flags.DEFINE_list("copies", ["1", "4", "16"], "Sizes for memory, in copies of the text.")
_WORKERS = flags.DEFINE_integer("workers", 2, "Processes of the preparations for memory.")

_RECIPE = "configs/corpus_web.py"
# So many that what is done once, such as reading evaluation texts, does not count.
_COPIES_OF_WHOLE = 4


def main(argv):
    """Measures and prints."""
    del argv
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tokenizer = open_tokenizer(_VOCAB.value, lowercase=True)
    corpus = Corpus([Source("input", tuple(_INPUT.value))], json_field="text", strict=False)
    chunks = list(_read(corpus))
    texts = [chunk.texts for chunk in chunks]
    num_bytes = sum(len(text.encode()) for chunk in texts for text in chunk)
    _print(megabytes=num_bytes / 1e6, documents=sum(map(len, texts)), chunks=len(chunks))
    for name, function, inputs in _steps(corpus, chunks, tokenizer):
        _measure(f"step: {name}", num_bytes, lambda: [function(value) for value in inputs])  # noqa: B023
    with tempfile.TemporaryDirectory() as folder:
        path = _write_copies(texts, _COPIES_OF_WHOLE, folder)
        for name, steps in _preparations().items():
            prepare = functools.partial(_prepare, path, steps, tokenizer)
            _measure(f"whole: {name}", os.path.getsize(path), prepare)
    for copies in map(int, _COPIES.value):
        with tempfile.TemporaryDirectory() as folder:
            path = _write_copies(texts, copies, folder)
            _print(copies=copies, **_prepare_in_process(path, folder))


def _read(corpus):
    for file in corpus.files:
        yield from corpus.read_file(file, lambda reading: None)


def _steps(corpus, chunks, tokenizer):
    """Yields the name of each step, its function, and what it is given, chunk by chunk."""
    texts = [chunk.texts for chunk in chunks]
    yield "read, hash and chunk", lambda _: list(_read(corpus)), [None]
    yield "clean", lambda chunk: clean_texts(chunk, CleaningSettings()), texts
    yield "one sentence a line", lambda chunk: one_sentence_a_line(chunk, SentenceSettings()), texts
    yield "word table", WordTable.of, texts
    tables = [WordTable.of(chunk) for chunk in texts]
    pairs = list(zip(texts, tables, strict=True))
    quality, repetition = QualitySettings(), RepetitionSettings()
    yield "filter: quality", lambda pair: quality_reasons(*pair, quality), pairs
    yield "filter: repetition", lambda pair: repetition_reasons(*pair, repetition), pairs
    yield "filter: language", lambda chunk: language_reasons(chunk, LanguageSettings()), texts
    index = ContaminationIndex.of_files(ContaminationSettings(tuple(_EVALUATION.value)))
    yield "decontaminate", index.contaminated, tables
    yield "duplicates: hashes", text_hashes, texts
    settings = near.NearDuplicateSettings()
    yield "near-duplicates: signatures", lambda table: near.signatures(table, settings), tables
    yield (
        "repeated lines: hashes",
        lambda chunk: lines.line_digests(chunk, lines.LineSettings()),
        texts,
    )
    complete = ChunkCompletion(CorpusSteps(), tokenizer, heldout_share=0.05, weights=corpus.weights)
    yield "hold out and tokenise", complete, chunks


def _preparations():
    """Returns the steps of the whole preparations by name."""
    every_step = {
        "cleaning": CleaningSettings(),
        "quality": QualitySettings(),
        "repetition": RepetitionSettings(),
        "language": LanguageSettings(),
        "contamination": ContaminationSettings(tuple(_EVALUATION.value)),
        "drop_duplicates": True,
        "repeated_lines": lines.LineSettings(),
    }
    return {
        "tokenise alone": CorpusSteps(),
        "every step but near-duplicates": CorpusSteps(**every_step),
        "every step": CorpusSteps(**every_step, near_duplicates=near.NearDuplicateSettings()),
    }


def _prepare(path, steps, tokenizer):
    with tempfile.TemporaryDirectory() as folder, silenced_stderr():
        prepare_shards([path], tokenizer, os.path.join(folder, "shards"), steps=steps)


def _measure(name, num_bytes, work):
    """Prints the median of turns; the first of all is for what is made once."""
    work()
    seconds = []
    for _ in range(_TURNS.value):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    _print(name=name, megabytes_per_second=num_bytes / 1e6 / statistics.median(seconds))


def _write_copies(texts, copies, folder):
    """Writes copies of the text into one file; returns its path."""
    path = os.path.join(folder, "text.txt")
    with open(path, "w", encoding="utf-8") as file:
        for copy in range(copies):
            for text in (text for chunk in texts for text in chunk):
                file.write(f"{_shuffle_words(text, copy)}\n\n")
    return path


def _prepare_in_process(path, folder):
    """Prepares a file in a process of its own; returns its figures."""
    command = [sys.executable, "-m", "mpnet_tf.cli.prepare", f"--config={_RECIPE}"]
    command += ["--config.contamination.enabled=True"]
    command += [f"--config.contamination.evaluation_files={tuple(_EVALUATION.value)!r}"]
    command += [f"--input={path}", f"--vocab={_VOCAB.value}", f"--output={folder}/shards"]
    command += [f"--workers={_WORKERS.value}", "--json"]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak_bytes = _watch_memory(process)
    seconds = time.perf_counter() - start
    result = json.loads(process.stdout.read().splitlines()[-1])
    return {
        "megabytes": os.path.getsize(path) / 1e6,
        "seconds": seconds,
        "peak_mebibytes_parent": peak_bytes["parent"] / 2**20,
        "peak_mebibytes_worker": peak_bytes["worker"] / 2**20,
        "documents_kept": sum(split["documents"] for split in result["splits"].values()),
    }


def _shuffle_words(text, copy):
    """Returns the text with the words of each line in an order of the copy's."""
    if not copy:
        return text
    random_state = random.Random(copy)
    lines_of_text = [line.split(" ") for line in text.split("\n")]
    for words in lines_of_text:
        random_state.shuffle(words)
    return "\n".join(" ".join(words) for words in lines_of_text)


def _watch_memory(process):
    """Returns the peak resident bytes of a process, and the highest of its children."""
    peaks = {"parent": 0, "worker": 0}
    while process.poll() is None:
        with contextlib.suppress(OSError):
            peaks["parent"] = max(peaks["parent"], _peak_bytes(process.pid))
            with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
                for child in file.read().split():
                    peaks["worker"] = max(peaks["worker"], _peak_bytes(child))
        time.sleep(0.05)
    return peaks


def _peak_bytes(pid):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0


def _print(**figures):
    rounded = {
        name: round(value, 2) if isinstance(value, float) else value
        for name, value in figures.items()
    }
    print(json.dumps(rounded), flush=True)


if __name__ == "__main__":
    app.run(main)
