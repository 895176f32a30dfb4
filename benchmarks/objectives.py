"""Tokens per second of the objectives on one core, from rows of tokens to slots and labels.

Prints JSON lines. Every rate counts text tokens, without padding and specials. Where transformers
(5 or later) is installed, its collators take turns with ours on the same rows, and `ratio` is our
rate over that of the faster of them (NumPy or PyTorch tensors).

    python benchmarks/objectives.py --input='corpus/*.txt'
"""

import contextlib
import importlib
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

from data_prep.prepare import prepare_shards
from data_prep.readers import read_documents
from data_prep.reference_text import reference_documents
from data_prep.vocabulary import train_vocabulary
from mpnet_tf.data import vocabulary as vocabulary_lib
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
_WORD_GAP = 1

# The collators of transformers and what makes them do what an objective of ours does. With whole
# words theirs puts the mask for all of the predicted tokens, and warns unless told so.
_COLLATORS = {
    "mlm": (
        "DataCollatorForLanguageModeling",
        {"whole_word_mask": True, "mask_replace_prob": 1.0, "random_replace_prob": 0.0},
    ),
    "plm": ("DataCollatorForPermutationLanguageModeling", {}),
}


def main(argv):
    """Measures and prints."""
    del argv
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    patterns = _INPUT.value or None
    documents = list(read_documents(patterns) if patterns else reference_documents())
    tokenizer = MPNetTokenizer(_VOCAB.value or train_vocabulary(documents, size=8000))
    peers = _peers(tokenizer)
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
    if collators:
        examples = _examples(batches, tokenizer)
        for collator_name, collator in collators.items():
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


def _peers(tokenizer):
    """Makes the collators of transformers, by objective and by name."""
    try:
        transformers = importlib.import_module("transformers")
        tokenizers = importlib.import_module("tokenizers")
    except ImportError as error:
        print(json.dumps({"peers": "none", "why": str(error)}), flush=True)
        return {}
    tensors = ["np"]
    with contextlib.suppress(ImportError):
        importlib.import_module("torch").set_num_threads(1)
        tensors.append("pt")
    vocabulary = tokenizer.get_vocabulary()
    unknown_token = vocabulary_lib.unknown_token(vocabulary)
    model = tokenizers.models.WordPiece(
        {token: index for index, token in enumerate(vocabulary)}, unk_token=unknown_token
    )
    fast_tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(model),
        cls_token=vocabulary[tokenizer.start_token_id],
        sep_token=vocabulary[tokenizer.end_token_id],
        pad_token=vocabulary[tokenizer.pad_token_id],
        mask_token=vocabulary[tokenizer.mask_token_id],
        unk_token=unknown_token,
    )
    return {
        objective: {
            f"transformers {transformers.__version__}, {kind}": getattr(transformers, collator)(
                fast_tokenizer, return_tensors=kind, **arguments
            )
            for kind in tensors
        }
        for objective, (collator, arguments) in _COLLATORS.items()
    }


def _examples(batches, tokenizer):
    """Puts each row into the form that transformers' tokenizers give it, offsets included."""
    roles = TokenRoles.from_tokenizer(tokenizer)
    lengths = np.array([len(token.removeprefix("##")) for token in tokenizer.get_vocabulary()])
    token_ids = batches["token_ids"]
    sizes = lengths[token_ids]
    gaps = np.where(roles.is_continuation[token_ids], 0, _WORD_GAP)
    begins = np.cumsum(sizes + gaps, axis=-1) - sizes
    features = {
        "input_ids": token_ids,
        "attention_mask": (batches["segment_ids"] > 0).astype(np.int32),
        "special_tokens_mask": roles.is_special[token_ids].astype(np.int32),
        "offset_mapping": np.stack([begins, begins + sizes], axis=-1),
    }
    as_lists = {name: feature.tolist() for name, feature in features.items()}
    num_batches, batch_size = token_ids.shape[:2]
    return [
        [
            {name: feature[number][row] for name, feature in as_lists.items()}
            for row in range(batch_size)
        ]
        for number in range(num_batches)
    ]


if __name__ == "__main__":
    app.run(main)
