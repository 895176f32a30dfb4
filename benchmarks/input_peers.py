"""Tokens per second from text and from shards to slots, beside what people would use instead.

Prints JSON lines. One core for each; the peers and we take turns, so that what else the machine
does slows both. Every rate counts text tokens that a batch holds, without padding and specials,
and a `ratio` is of our rate to the peer's in the same turn: above 1 is faster.

- "text to slots": files of text on the disk to the batches of one epoch, in ours by token shards
  that are written and read again, in annotated-mpnet by its dataset and its collator. Its dataset
  takes a line for an example; "full lines" are cut for it beforehand so that each fills a row and
  nothing is padded or lost, "lines" are those of the input, which it pads.
- "shards to slots": ours reads, packs, permutes and lays out. The peers are handed the rows that
  ours has packed, all full, and only collate: annotated-mpnet's collator with a tokenizer that
  does no more than stack them, and those of transformers for whole words and for permutations
  beside the objectives of ours that do the same.

    python benchmarks/input_peers.py --input='corpus/*.txt' --vocab=vocab.txt \
        --peer_dir=annotated-mpnet

`--peer_dir` names a checkout of annotated-mpnet or of its fork, with its Cython extension built
(repeatable); without one its rows are left out, as are those of transformers where that is not
installed.
"""

import contextlib
import json
import os
import tempfile
import time

from absl import app, flags

# One core, whatever TensorFlow and PyTorch would take: before they are imported.
with contextlib.suppress(AttributeError):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from mpnet_tf.quiet_start import silenced_stderr

with silenced_stderr():
    import tensorflow as tf

import numpy as np
from input_peers_annotated import AnnotatedMPNet
from input_peers_text import file_patterns, full_lines, mpnet_vocabulary, peer_tokenizer
from input_peers_transformers import make_collators
from turns import ratios

from data_prep.prepare import prepare_shards
from mpnet_tf.data.batches import training_batches
from mpnet_tf.data.packed_rows import PackedRows
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.models import MPNetTokenizer
from mpnet_tf.objectives import TokenRoles, make_objective

_INPUT = flags.DEFINE_multi_string("input", None, "Globs of text files.", required=True)
_VOCAB = flags.DEFINE_string("vocab", None, "Vocabulary of BERT's kind.", required=True)
_PEER_DIRS = flags.DEFINE_multi_string("peer_dir", [], "Checkouts of annotated-mpnet.")
_WORK = flags.DEFINE_list("work", ["shards", "text"], "Where to start: shards, text or both.")
_LENGTHS = flags.DEFINE_multi_integer("sequence_length", [128, 512], "Tokens in a row.")
_SECONDS = flags.DEFINE_float("seconds", 6.0, "Seconds of a turn that starts from shards.")
_TURNS = flags.DEFINE_integer("turns", 5, "Turns of each.")
_TOKENS_PER_BATCH = 8192
_NUM_EXAMPLE_BATCHES = 32
_BATCHES_TO_BEGIN = 100


def main(argv):
    """Measures and prints."""
    del argv
    vocabulary = mpnet_vocabulary(_VOCAB.value)
    tokenizer = MPNetTokenizer(vocabulary)
    peers = [AnnotatedMPNet(path) for path in _PEER_DIRS.value]
    if not peers:
        print(json.dumps({"skipped": "annotated-mpnet", "why": "no --peer_dir"}), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for sequence_length in _LENGTHS.value:
            if "shards" in _WORK.value:
                _measure_shards(tokenizer, peers, sequence_length, folder)
            if "text" in _WORK.value:
                _measure_text(tokenizer, vocabulary, peers, sequence_length, folder)


def _measure_shards(tokenizer, peers, sequence_length, folder):
    directory = os.path.join(folder, "shards")
    if not os.path.exists(directory):
        prepare_shards(_INPUT.value, tokenizer, directory)
    shards = TokenShards.open(directory, "train")
    roles = TokenRoles.from_tokenizer(tokenizer)
    collators = {"mpnet": {peer.name: peer.stub_collator(tokenizer) for peer in peers}}
    collators.update(make_collators(tokenizer, roles))
    for objective_name, named_collators in collators.items():
        if not named_collators:
            continue
        objective = make_objective(objective_name, roles, sequence_length)
        rows = _packed_rows(shards, tokenizer, objective)
        batch_size = _TOKENS_PER_BATCH // sequence_length
        workers = {"ours": _our_worker(rows, objective, batch_size, shards)}
        arrays = rows.read(0, _NUM_EXAMPLE_BATCHES * batch_size)
        token_ids = arrays[0].reshape(_NUM_EXAMPLE_BATCHES, batch_size, sequence_length)
        text_tokens = _count_text(token_ids, tokenizer)
        for name, collator in named_collators.items():
            workers[name] = _peer_worker(collator, token_ids, text_tokens)
        _report(
            _take_turns(workers),
            work="shards to slots",
            objective=objective_name,
            sequence_length=sequence_length,
            batch_size=batch_size,
        )


def _packed_rows(shards, tokenizer, objective):
    return PackedRows(
        shards,
        objective.sequence_length,
        0,
        start_token_id=tokenizer.start_token_id,
        end_token_id=tokenizer.end_token_id,
        pad_token_id=tokenizer.pad_token_id,
        places_needed=objective.places_needed,
    )


def _count_text(token_ids, tokenizer):
    """Counts the text tokens in each batch of an array `(num_batches, batch_size, length)`."""
    no_text = [tokenizer.start_token_id, tokenizer.end_token_id, tokenizer.pad_token_id]
    return np.isin(token_ids, no_text, invert=True).sum(axis=(1, 2))


@tf.function
def _consume(dataset):
    """Takes all batches, where `fit` takes them: in the graph."""
    return dataset.reduce(0, lambda count, batch: count + tf.shape(batch[1])[0])


@tf.function
def _take(iterator, num_batches):
    """Takes some batches of a pipeline that runs, in the graph."""
    rows = 0
    for _ in tf.range(num_batches):
        rows += tf.shape(next(iterator)[1])[0]
    return rows


def _our_worker(rows, objective, batch_size, shards):
    """Returns a function that makes batches for a turn and gives its tokens and seconds."""
    tokens_per_batch = shards.num_tokens / rows.num_rows * batch_size
    batches_per_call = 100

    def work():
        nonlocal batches_per_call
        # As the peers' collators, the pipeline is made before; it has an end, so that nothing is
        # made ahead in the peers' turns.
        num_batches = _BATCHES_TO_BEGIN + batches_per_call
        iterator = iter(
            training_batches(rows, objective, 0, batch_size=batch_size, num_batches=num_batches)
        )
        _take(iterator, tf.constant(_BATCHES_TO_BEGIN))
        begin = time.perf_counter()
        _take(iterator, tf.constant(batches_per_call))
        seconds = time.perf_counter() - begin
        tokens = batches_per_call * tokens_per_batch
        batches_per_call = max(100, round(batches_per_call * _SECONDS.value / seconds))
        return tokens, seconds

    return work


def _peer_worker(collator, token_ids, text_tokens):
    """Returns a function that collates for a turn and gives its tokens and seconds."""
    examples = [collator.examples(batch) for batch in token_ids]

    def work():
        tokens, number, begin = 0, 0, time.perf_counter()
        while time.perf_counter() - begin < _SECONDS.value:
            collator(examples[number])
            tokens += int(text_tokens[number])
            number = (number + 1) % len(examples)
        return tokens, time.perf_counter() - begin

    return work


def _measure_text(tokenizer, vocabulary, peers, sequence_length, folder):
    paths = file_patterns(_INPUT.value)
    hf_tokenizer = peer_tokenizer(vocabulary, sequence_length) if peers else None
    if hf_tokenizer is None:
        print(json.dumps({"skipped": "text to slots", "why": "no peer"}), flush=True)
        return
    kinds = {
        "full lines": full_lines(paths, hf_tokenizer, sequence_length, folder),
        "lines": paths,
    }
    batch_size = _TOKENS_PER_BATCH // sequence_length
    for kind, peer_paths in kinds.items():
        workers = {"ours": lambda: _text_to_slots(tokenizer, sequence_length, batch_size, folder)}
        for peer in peers:
            workers[peer.name] = peer.text_worker(
                hf_tokenizer, peer_paths, sequence_length, batch_size
            )
        _report(
            _take_turns(workers),
            work="text to slots",
            peer_input=kind,
            objective="mpnet",
            sequence_length=sequence_length,
            batch_size=batch_size,
        )


def _text_to_slots(tokenizer, sequence_length, batch_size, folder):
    """Writes shards of the text and makes an epoch of batches; gives tokens and seconds."""
    roles = TokenRoles.from_tokenizer(tokenizer)
    with tempfile.TemporaryDirectory(dir=folder) as directory:
        begin = time.perf_counter()
        directory = os.path.join(directory, "shards")
        manifest = prepare_shards(_INPUT.value, tokenizer, directory)
        objective = make_objective("mpnet", roles, sequence_length)
        for split, record in manifest.splits.items():
            if record.num_tokens:
                shards = TokenShards.open(directory, split)
                rows = _packed_rows(shards, tokenizer, objective)
                num_batches = -(-rows.num_rows // batch_size)
                _consume(
                    training_batches(
                        rows, objective, 0, batch_size=batch_size, num_batches=num_batches
                    )
                )
        seconds = time.perf_counter() - begin
    return sum(split.num_tokens for split in manifest.splits.values()), seconds


def _take_turns(workers):
    """Returns the rates of each worker in each turn, after one to warm up."""
    rates = {name: [] for name in workers}
    for turn in range(_TURNS.value + 1):
        for name, work in workers.items():
            tokens, seconds = work()
            if turn:
                rates[name].append(tokens / seconds)
    return rates


def _report(rates, **figures):
    ours = rates.pop("ours")
    for name, theirs in rates.items():
        record = {
            **figures,
            "peer": name,
            "our_tokens_per_second": round(np.median(ours)),
            "peer_tokens_per_second": round(np.median(theirs)),
            "ratio": ratios(ours, theirs),
        }
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    app.run(main)
