"""Tokens per second of the objectives on one core, from rows of tokens to slots and labels.

Prints JSON lines. Every rate counts text tokens, without padding and specials. Where transformers
(5 or later) is installed, its collators take turns with ours on the same rows, and `ratio` is our
rate over that of the faster of them (NumPy or PyTorch tensors).

    python benchmarks/objectives.py --input='corpus/*.txt'
"""

import contextlib
import itertools
import json
import os
import statistics
import tempfile
import time

from absl import app, flags

# One core, whatever TensorFlow would take: before it is imported.
with contextlib.suppress(AttributeError):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from mpnet_tf.quiet_start import silenced_stderr

with silenced_stderr():
    import tensorflow as tf

import numpy as np
from input_peers_transformers import make_collators

from data_prep.prepare import prepare_shards
from data_prep.readers import read_documents
from data_prep.reference_text import reference_documents
from data_prep.vocabulary import train_vocabulary
from mpnet_tf.data.packed_rows import ROW_FEATURES, PackedRows
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.models import MPNetTokenizer
from mpnet_tf.objectives import TokenRoles, make_objective

_INPUT = flags.DEFINE_multi_string(
    "input", [], "Globs of text. Default: the reference text in Python."
)
_VOCAB = flags.DEFINE_string("vocab", None, "Vocabulary file. Default: 8,000 tokens, trained.")
_OBJECTIVES = flags.DEFINE_multi_string(
    "objective",
    [
        "mlm",
        "plm",
        "mpnet",
        "clm",
        "glm",
        "glm_document",
        "glm_sentence",
        "mpnet:0.5,glm_document:0.25,mlm:0.25",
    ],
    "Objectives, or mixtures of them.",
)
_LENGTHS = flags.DEFINE_multi_integer("sequence_length", [128, 512], "Tokens in a row.")
_SECONDS = flags.DEFINE_float("seconds", 1.0, "Seconds that each turn takes, at least.")
_TURNS = flags.DEFINE_integer("turns", 7, "Turns of which the median is reported.")
_TOKENS_PER_BATCH = 8192
_NUM_BATCHES = 32
_BATCHES_PER_CALL = 16


def main(argv):
    """Measures and prints."""
    del argv
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    patterns = _INPUT.value or None
    documents = list(read_documents(patterns) if patterns else reference_documents())
    tokenizer = MPNetTokenizer(_VOCAB.value or train_vocabulary(documents, size=8000))
    peers = make_collators(tokenizer, TokenRoles.from_tokenizer(tokenizer))
    if not peers:
        print(json.dumps({"peers": "none", "why": "transformers is not installed"}), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        shards_directory = os.path.join(folder, "shards")
        prepare_shards(patterns, tokenizer, shards_directory)
        shards = TokenShards.open(shards_directory, "train")
        for sequence_length in _LENGTHS.value:
            for name in _OBJECTIVES.value:
                _measure(name, shards, tokenizer, sequence_length, peers)


def _measure(name, shards, tokenizer, sequence_length, peers):
    objective = make_objective(name, TokenRoles.from_tokenizer(tokenizer), sequence_length)
    batches = _packed_batches(objective, shards, tokenizer)
    no_text = [tokenizer.start_token_id, tokenizer.end_token_id, tokenizer.pad_token_id]
    num_tokens = np.isin(batches["token_ids"], no_text, invert=True).sum() / _NUM_BATCHES

    ours = "mpnet_tf"
    workers = {ours: _our_worker(objective, batches)}
    collators = peers.get(name, {})
    for collator_name, collator in collators.items():
        examples = [collator.examples(token_ids) for token_ids in batches["token_ids"]]
        workers[collator_name] = _peer_worker(collator, examples)
    for worker in workers.values():
        worker()  # The first call traces, imports and allocates.
    seconds = {worker_name: [] for worker_name in workers}
    for _ in range(_TURNS.value):
        for worker_name, worker in workers.items():
            seconds[worker_name].append(_seconds_per_batch(worker))
    rates = {
        worker_name: num_tokens / statistics.median(taken) for worker_name, taken in seconds.items()
    }

    figures = {"sequence_length": sequence_length, "batch_size": batches["token_ids"].shape[1]}
    for worker_name, rate in rates.items():
        record = {"objective": name, "by": worker_name, **figures, "tokens_per_second": round(rate)}
        if worker_name == ours and collators:
            record["ratio"] = round(rate / max(rates[peer] for peer in collators), 2)
        print(json.dumps(record), flush=True)


def _packed_batches(objective, shards, tokenizer):
    """Reads rows as the training does: arrays `(num_batches, batch_size, sequence_length)`."""
    rows = PackedRows(
        shards,
        objective.sequence_length,
        0,
        start_token_id=tokenizer.start_token_id,
        end_token_id=tokenizer.end_token_id,
        pad_token_id=tokenizer.pad_token_id,
        places_needed=objective.places_needed,
    )
    batch_size = _TOKENS_PER_BATCH // objective.sequence_length
    features = rows.read(0, _NUM_BATCHES * batch_size)
    shape = (_NUM_BATCHES, batch_size, objective.sequence_length)
    return {
        name: feature.reshape(shape) for name, feature in zip(ROW_FEATURES, features, strict=True)
    }


def _our_worker(objective, batches):
    """Returns a function that makes slots and labels where `fit` does: in the graph."""
    dataset = tf.data.Dataset.from_tensor_slices(batches).repeat().enumerate()
    dataset = dataset.map(
        lambda number, rows: objective(
            rows, tf.random.fold_in(tf.constant([0, 0], tf.int32), tf.cast(number, tf.int32))
        )
    )
    # Otherwise tf.data maps in parallel and prefetches by itself, and works in the peers' turns.
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    iterator = iter(dataset.with_options(options))

    @tf.function
    def work(iterator):
        for _ in tf.range(_BATCHES_PER_CALL):
            next(iterator)

    return lambda: work(iterator)


def _peer_worker(collator, examples):
    """Returns a function that collates."""
    numbers = itertools.cycle(range(len(examples)))

    def work():
        for number in itertools.islice(numbers, _BATCHES_PER_CALL):
            collator(examples[number])

    return work


def _seconds_per_batch(worker):
    num_batches, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < _SECONDS.value:
        worker()
        num_batches += _BATCHES_PER_CALL
    return (time.perf_counter() - begin) / num_batches


if __name__ == "__main__":
    app.run(main)
