"""Tiny embedders and batches of random tokens."""

import keras
import numpy as np
import tensorflow as tf

from mpnet_tf.models import MPNetTextEmbedder
from tests.models.small_models import small_backbone


def small_embedder(seed=1, **settings):
    """Makes an MPNet embedder, the same for the same seed."""
    keras.utils.set_random_seed(seed)
    # Larger than the papers', so that a narrow body tells texts apart from the start.
    backbone = small_backbone("mpnet", num_layers=1, initializer_stddev=0.2, **settings)
    return MPNetTextEmbedder(backbone)


def random_columns(num_columns, batch_size, seed=2, length=12):
    """Makes features of ragged texts of random tokens, the columns of different lengths."""
    generator = np.random.default_rng(seed)
    columns = []
    for column in range(num_columns):
        places = np.arange(length + column)
        lengths = generator.integers(3, length + column + 1, size=(batch_size, 1))
        token_ids = generator.integers(5, 80, size=(batch_size, len(places)))
        padding_mask = (places < lengths).astype(np.int32)
        columns.append(
            {
                "token_ids": tf.constant(token_ids * padding_mask, tf.int32),
                "padding_mask": tf.constant(padding_mask),
            }
        )
    return tuple(columns)


def weights_of(model):
    """Returns the arrays of the trainable weights."""
    return [weight.numpy() for weight in model.trainable_weights]
