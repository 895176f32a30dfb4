"""A tiny corpus, its shards, and configs of runs that take seconds."""

import json

import numpy as np
import tensorflow as tf

from data_prep.prepare import prepare_shards
from data_prep.vocabulary import FIRST_TOKENS, LAST_TOKENS
from mpnet_tf.models import MPNetTokenizer
from mpnet_tf.training.config import PretrainingConfig

ARTICLES, SIZES, COLOURS = ["the", "a"], ["big", "small", ""], ["red", "blue", ""]
NOUNS, VERBS = ["cat", "dogs", "bird"], ["sat", "ran", "slept"]
PREPOSITIONS, PLACES = ["on", "under", "near"], ["mat", "house", "tree"]
SLOTS = [ARTICLES, SIZES, COLOURS, NOUNS, VERBS, PREPOSITIONS, ["the"], PLACES]
WORDS = sorted({word for words in SLOTS for word in words} - {"", "dogs"})
VOCABULARY = [*FIRST_TOKENS, *WORDS, "dog", "##s", ".", *LAST_TOKENS]


def write_corpus(path, num_documents=90):
    """Writes documents of one to five sentences such as `a red bird sat near the house.`"""
    generator = np.random.default_rng(17)
    documents = []
    for _ in range(num_documents):
        sentences = []
        for _ in range(generator.integers(1, 6)):
            words = [generator.choice(words) for words in SLOTS]
            sentences.append(" ".join(filter(None, words)) + ".")
        documents.append("\n".join(sentences))
    path.write_text("\n\n".join(documents) + "\n")


def prepare_tiny_shards(directory, tokenizer=None):
    """Writes a corpus and its shards into a directory; returns the shards' path."""
    tokenizer = MPNetTokenizer(VOCABULARY) if tokenizer is None else tokenizer
    corpus, shards = directory / "corpus.txt", directory / "shards"
    write_corpus(corpus)
    prepare_shards([str(corpus)], tokenizer, shards, heldout_share=0.2)
    return str(shards)


def tiny_config(**sections):
    """A config of a tiny model, with some settings changed."""
    values = {
        "model": {
            "num_layers": 1,
            "num_heads": 2,
            "hidden_dim": 16,
            "intermediate_dim": 24,
            "max_sequence_length": 32,
            "initializer_stddev": 0.1,
        },
        "data": {"sequence_length": 32},
        "optimizer": {"learning_rate": 0.01, "warmup_steps": 2},
        "training": {
            "steps": 12,
            "batch_size": 4,
            "evaluate_every": 3,
            "evaluation_batches": 3,
            "seed": 5,
        },
    }
    for name, settings in sections.items():
        values[name] = {**values.get(name, {}), **settings}
    return PretrainingConfig.from_dict(values)


def records(directory):
    """Reads the records of a run's directory, a path."""
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def figures(directory):
    """What the records say, without the measured times."""
    timed = ("seconds", "tokens_per_second", "input_wait_share", "share_of_peak_flops")
    return [
        {key: value for key, value in record.items() if key not in timed}
        for record in records(directory)
    ]


def saved_tensors(directory, step):
    """Reads all that a run's checkpoint of a step holds: a dict from names to arrays."""
    path = directory / "checkpoints" / f"step-{step:08d}" / "tensors"
    reader = tf.train.load_checkpoint(str(path))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
