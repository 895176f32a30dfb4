"""Tiny bodies and batches of every objective, made once."""

import dataclasses
import functools
import itertools

import keras
import numpy as np
import tensorflow as tf

from mpnet_tf.models import BODIES, Pretrainer, make_backbone
from mpnet_tf.objectives import make_objective
from tests.rows import FULL_STOP, pack_rows, random_documents, token_roles

OBJECTIVE_NAMES = ("mlm", "plm", "mpnet", "clm", "glm")
BODY_NAMES = tuple(BODIES)
SEQUENCE_LENGTH = 48
ROLES = token_roles(vocabulary_size=80, num_continuations=20, with_blanks=True)


@dataclasses.dataclass(frozen=True)
class Batch:
    """Packed rows, and the slots and labels that an objective makes of them."""

    features: dict
    slots: dict
    target_ids: np.ndarray
    real: np.ndarray


def small_backbone(body, **settings):
    """Makes a body so small that distances beyond the last relative bucket occur."""
    if BODIES[body].fixed_choices["relative_positions"]:
        settings = {"num_relative_buckets": 16, "max_relative_distance": 24, **settings}
    return make_backbone(
        body,
        **{
            "vocabulary_size": ROLES.vocabulary_size,
            "num_layers": 3,
            "num_heads": 4,
            "hidden_dim": 32,
            "intermediate_dim": 48,
            "max_sequence_length": SEQUENCE_LENGTH,
            **settings,
        },
    )


def randomize(model, seed=4):
    """Adds large random numbers to all weights, so that no term of the equations hides."""
    generator = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed" not in weight.name:
            weight.assign(weight + generator.normal(size=weight.shape) * 0.3)


@functools.cache
def random_pretrainer(body):
    """Returns a `Pretrainer` with random weights; not to be trained."""
    keras.utils.set_random_seed(3)
    model = Pretrainer(small_backbone(body))
    randomize(model)
    return model


@functools.cache
def packed_rows():
    """Two rows of several ragged documents, in sentences, and one row that a document fills."""
    generator = np.random.default_rng(5)
    rows = [random_documents(generator, SEQUENCE_LENGTH, roles=ROLES) for _ in range(2)]
    rows.append([generator.choice(ROLES.text_token_ids, SEQUENCE_LENGTH - 2).tolist()])
    for document in itertools.chain(*rows):
        document[4::5] = [FULL_STOP] * len(document[4::5])
    return pack_rows(rows, SEQUENCE_LENGTH)


@functools.cache
def small_batch(objective_name):
    """Returns a `Batch` of an objective."""
    features = packed_rows()
    objective = make_objective(objective_name, ROLES, SEQUENCE_LENGTH)
    slots, target_ids, target_weights = objective(
        {name: tf.constant(value) for name, value in features.items()}, tf.constant([6, 7])
    )
    return Batch(
        features=features,
        slots={name: value.numpy() for name, value in slots.items()},
        target_ids=target_ids.numpy(),
        real=target_weights.numpy() > 0,
    )
