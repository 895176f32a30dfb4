"""Tokens per second of the input pipeline on one core, from text and from shards.

Prints JSON lines. Every rate counts text tokens, without padding and specials.

    python benchmarks/input_pipeline.py --input='corpus/*.txt'
"""

import contextlib
import json
import os
import tempfile
import time

from absl import app, flags

# One core, whatever TensorFlow would take: before it is imported.
with contextlib.suppress(AttributeError):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from mpnet_tf.quiet_start import silenced_stderr

with silenced_stderr():
    import tensorflow as tf

from data_prep.prepare import prepare_shards
from data_prep.readers import read_documents
from data_prep.reference_text import reference_documents
from data_prep.vocabulary import train_vocabulary
from mpnet_tf.data.batches import training_batches
from mpnet_tf.data.packed_rows import PackedRows
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.models import MPNetTokenizer
from mpnet_tf.objectives import MaskedPermuted, TokenRoles

_INPUT = flags.DEFINE_multi_string(
    "input", [], "Globs of text. Default: the reference text in Python."
)
_VOCAB = flags.DEFINE_string("vocab", None, "Vocabulary file. Default: 8,000 tokens, trained.")
_SECONDS = flags.DEFINE_float("seconds", 10.0, "Seconds that each measurement takes, at least.")
_TOKENS_PER_BATCH = 8192


def main(argv):
    """Measures and prints."""
    del argv
    patterns = _INPUT.value or None
    documents = list(read_documents(patterns) if patterns else reference_documents())
    vocabulary = _VOCAB.value or train_vocabulary(documents, size=8000)
    tokenizer = MPNetTokenizer(vocabulary)
    _report("text to token ids", *_tokenize(documents, tokenizer))
    with tempfile.TemporaryDirectory() as folder:
        shards_directory = os.path.join(folder, "shards")
        begin = time.perf_counter()
        manifest = prepare_shards(patterns, tokenizer, shards_directory)
        num_tokens = sum(split.num_tokens for split in manifest.splits.values())
        _report("text to shards", num_tokens, time.perf_counter() - begin)
        shards = TokenShards.open(shards_directory, "train")
        for sequence_length in (128, 512):
            _measure_rows(shards, tokenizer, sequence_length)


def _tokenize(documents, tokenizer):
    batches = [tf.constant(documents[i : i + 256]) for i in range(0, len(documents), 256)]
    tokenizer(batches[0])
    num_tokens, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < _SECONDS.value:
        for batch in batches:
            num_tokens += int(tf.size(tokenizer(batch).flat_values))
    return num_tokens, time.perf_counter() - begin


def _measure_rows(shards, tokenizer, sequence_length):
    objective = MaskedPermuted(TokenRoles.from_tokenizer(tokenizer), sequence_length)
    rows = PackedRows(
        shards,
        sequence_length,
        0,
        start_token_id=tokenizer.start_token_id,
        end_token_id=tokenizer.end_token_id,
        pad_token_id=tokenizer.pad_token_id,
        places_needed=objective.places_needed,
    )
    batch_size = _TOKENS_PER_BATCH // sequence_length
    figures = {
        "sequence_length": sequence_length,
        "batch_size": batch_size,
        "padding_share": round(rows.padding_share, 5),
    }

    begin, num_batches = time.perf_counter(), 0
    rows.read(0, batch_size)  # The epoch's plan is made with its first rows.
    _report("plan of an epoch", shards.num_tokens, time.perf_counter() - begin, **figures)
    tokens_per_batch = shards.num_tokens / rows.num_rows * batch_size

    begin = time.perf_counter()
    while time.perf_counter() - begin < _SECONDS.value:
        rows.read(num_batches * batch_size, batch_size)
        num_batches += 1
    seconds = time.perf_counter() - begin
    _report("shards to rows", num_batches * tokens_per_batch, seconds, **figures)

    batches = iter(training_batches(rows, objective, 0, batch_size=batch_size))
    next(batches)
    begin, num_batches = time.perf_counter(), 0
    while time.perf_counter() - begin < _SECONDS.value:
        next(batches)
        num_batches += 1
    seconds = time.perf_counter() - begin
    _report("shards to slots", num_batches * tokens_per_batch, seconds, **figures)


def _report(what, num_tokens, seconds, **figures):
    record = {"what": what, "tokens_per_second": round(num_tokens / seconds), **figures}
    print(json.dumps(record), flush=True)


if __name__ == "__main__":
    app.run(main)
