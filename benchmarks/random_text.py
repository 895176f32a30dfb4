"""Rows of random words, as a recipe packs and predicts them, without a corpus."""

import importlib.util
import os

import numpy as np
import tensorflow as tf

from mpnet_tf.data.batches import training_batches
from mpnet_tf.data.packed_rows import PackedRows
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.objectives import TokenRoles
from mpnet_tf.training.pretraining_data import make_objective

_CONFIGS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "configs")


def recipe(name):
    """Returns the `ml_collections.ConfigDict` of a file in `configs/`."""
    path = os.path.join(_CONFIGS, f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.get_config()


def random_rows(config, num_rows):
    """Makes rows, each of which one document of random words fills, and the config's objective.

    Args:
        config: `PretrainingConfig`.
        num_rows: int. Rows in an epoch.

    Returns:
        `PackedRows` and the objective.
    """
    vocabulary_size, length = config.data.vocabulary_size, config.data.sequence_length
    roles = TokenRoles(
        pad_token_id=1,
        mask_token_id=vocabulary_size - 1,
        is_special=np.isin(np.arange(vocabulary_size), [0, 1, 2, 3, 4, 5, vocabulary_size - 1]),
        is_continuation=np.arange(vocabulary_size) % 4 == 0,
        span_start_token_id=4,
        span_end_token_id=5,
    )
    # The start and the end of the document take two places.
    offsets = np.arange(num_rows + 1, dtype=np.uint64) * (length - 2)
    generator = np.random.default_rng(0)
    tokens = generator.choice(roles.text_token_ids, int(offsets[-1])).astype(np.uint16)
    shards = TokenShards([tokens], [offsets], vocabulary_size=vocabulary_size)
    rows = PackedRows(shards, length, 0, start_token_id=0, end_token_id=2, pad_token_id=1)
    return rows, make_objective(config, roles, length)


def one_batch_for_ever(config):
    """Makes an iterator of the config's first batch, over and over: input that costs nothing.

    Args:
        config: `PretrainingConfig`.

    Returns:
        Iterator of `(slots, target_ids, target_weights)`, and the objective that made them.
    """
    batch_size = config.training.batch_size
    rows, objective = random_rows(config, batch_size)
    batches = training_batches(rows, objective, 0, batch_size=batch_size, num_batches=1)
    return iter(tf.data.Dataset.from_tensors(next(iter(batches))).repeat()), objective
