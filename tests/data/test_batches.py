"""Batch k is a function of the seed and k alone, whoever makes it and whatever came before."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.data.batches import evaluation_batches, training_batches
from mpnet_tf.data.packed_rows import ROW_FEATURES, PackedRows
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.objectives import MaskedPermuted
from tests.conftest import REPOSITORY
from tests.rows import END, PAD, START, token_roles

ROLES = token_roles()
SEQUENCE_LENGTH = 32
BATCH_SIZE = 7
SEED = 21


def make_rows(seed=SEED):
    """Rows of uneven documents in two shards; no whole number of batches to an epoch."""
    generator = np.random.default_rng(6)
    lengths = generator.integers(1, 50, 40)
    offsets = [np.cumsum([0, *lengths[:15]]), np.cumsum([0, *lengths[15:]])]
    arrays = [generator.choice(ROLES.text_token_ids, end[-1]).astype(np.uint16) for end in offsets]
    rows = PackedRows(
        TokenShards(arrays, offsets, vocabulary_size=ROLES.vocabulary_size),
        SEQUENCE_LENGTH,
        seed,
        start_token_id=START,
        end_token_id=END,
        pad_token_id=PAD,
        places_needed=objective().places_needed,
    )
    assert rows.num_rows % BATCH_SIZE
    return rows


def objective():
    return MaskedPermuted(ROLES, SEQUENCE_LENGTH)


def training_data(seed=SEED, *, first_batch, num_batches):
    return training_batches(
        make_rows(seed),
        objective(),
        seed,
        batch_size=BATCH_SIZE,
        first_batch=first_batch,
        num_batches=num_batches,
    )


def flat_batches(dataset):
    """Each batch as a dict of arrays, slots and labels together."""
    return [
        {**slots, "target_ids": target_ids, "target_weights": target_weights}
        for slots, target_ids, target_weights in dataset.as_numpy_iterator()
    ]


def digest(batches):
    """SHA-256 of the names, types, shapes and bytes of all that is in the batches."""
    sha256 = hashlib.sha256()
    for batch in batches:
        for name in sorted(batch):
            value = np.ascontiguousarray(batch[name])
            sha256.update(f"{name} {value.dtype} {value.shape}".encode())
            sha256.update(value.tobytes())
    return sha256.hexdigest()


@pytest.fixture(scope="module")
def unbroken():
    """The first batches of a run: more than two epochs."""
    batches = flat_batches(training_data(first_batch=0, num_batches=20))
    assert 2 * make_rows().num_rows < 20 * BATCH_SIZE
    return batches


def test_batches_hold_the_rows_in_order(unbroken):
    """The content slots begin with the rows of `PackedRows`, which has tests of its own."""
    token_ids, position_ids, segment_ids = make_rows().read(0, 20 * BATCH_SIZE)
    expected = {
        "token_ids": token_ids, "position_ids": position_ids, "segment_ids": segment_ids
    }  # fmt: skip
    assert set(expected) == set(ROW_FEATURES)
    for name, rows in expected.items():
        found = np.concatenate([batch[name][:, :SEQUENCE_LENGTH] for batch in unbroken])
        np.testing.assert_array_equal(found, rows)


def test_a_run_begun_at_any_batch_goes_on_as_the_unbroken_one(unbroken):
    epoch_ends_in = make_rows().num_rows // BATCH_SIZE
    for first in (1, epoch_ends_in, 13):
        resumed = flat_batches(training_data(first_batch=first, num_batches=20 - first))
        assert len(resumed) == 20 - first
        for found, expected in zip(resumed, unbroken[first:], strict=True):
            assert digest([found]) == digest([expected])


def test_without_an_end_batches_follow_for_ever(unbroken):
    dataset = training_data(first_batch=2, num_batches=None)
    assert digest(flat_batches(dataset.take(4))) == digest(unbroken[2:6])
    far = training_data(first_batch=10**6, num_batches=None)
    assert flat_batches(far.take(1))[0]["token_ids"].shape == unbroken[0]["token_ids"].shape


@pytest.mark.parametrize("num_threads", [1, 2, 7])
def test_number_of_readers_changes_nothing(unbroken, num_threads):
    options = tf.data.Options()
    options.threading.private_threadpool_size = num_threads
    options.autotune.enabled = num_threads > 1
    dataset = training_data(first_batch=0, num_batches=20).with_options(options)
    assert digest(flat_batches(dataset)) == digest(unbroken)


def test_another_process_makes_the_same_batches(unbroken):
    program = (
        "from tests.data.test_batches import digest, flat_batches, training_data\n"
        "print(digest(flat_batches(training_data(first_batch=7, num_batches=4))))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == digest(unbroken[7:11])


def test_other_seeds_and_batches_draw_otherwise(unbroken):
    other = flat_batches(training_data(SEED + 1, first_batch=0, num_batches=20))
    digests = {digest([batch]) for batch in unbroken + other}
    assert len(digests) == 40
    # The same rows under another seed of the objective: other predictions.
    reseeded = training_batches(make_rows(), objective(), SEED + 1, batch_size=BATCH_SIZE)
    batch = flat_batches(reseeded.take(1))[0]
    rows = slice(0, SEQUENCE_LENGTH)
    np.testing.assert_array_equal(batch["token_ids"][:, rows], unbroken[0]["token_ids"][:, rows])
    assert (batch["target_ids"] != unbroken[0]["target_ids"]).any()


def test_shapes_are_known_before_a_batch_is_made():
    slots, target_ids, target_weights = training_data(first_batch=0, num_batches=1).element_spec
    num_predictions = objective().num_predictions
    assert slots["token_ids"].shape == (BATCH_SIZE, objective().num_slots)
    assert slots["key_start"].shape == (BATCH_SIZE, objective().num_content_slots)
    assert target_ids.shape == target_weights.shape == (BATCH_SIZE, num_predictions)


def test_evaluation_goes_through_one_epoch_and_fills_up_with_empty_rows():
    rows = make_rows()
    batches = flat_batches(evaluation_batches(rows, objective(), SEED, batch_size=BATCH_SIZE))
    assert len(batches) == rows.num_rows // BATCH_SIZE + 1
    token_ids = np.concatenate([batch["token_ids"] for batch in batches])[:, :SEQUENCE_LENGTH]
    np.testing.assert_array_equal(token_ids[: rows.num_rows], rows.read(0, rows.num_rows)[0])
    num_filled = rows.num_rows % BATCH_SIZE
    assert (batches[-1]["token_ids"][num_filled:] == PAD).all()
    assert (batches[-1]["segment_ids"][num_filled:] == 0).all()
    weights = np.concatenate([batch["target_weights"] for batch in batches])
    assert (weights[: rows.num_rows].sum(axis=1) >= 1).all()
    assert (weights[rows.num_rows :] == 0).all()


def test_evaluation_predicts_the_same_every_time_and_stops_where_told():
    rows = make_rows()
    whole = evaluation_batches(rows, objective(), SEED, batch_size=BATCH_SIZE)
    first, second = flat_batches(whole), flat_batches(whole)
    assert digest(first) == digest(second)
    short = evaluation_batches(rows, objective(), SEED, batch_size=BATCH_SIZE, max_batches=2)
    assert digest(flat_batches(short)) == digest(first[:2])
    more = evaluation_batches(rows, objective(), SEED, batch_size=BATCH_SIZE, max_batches=99)
    assert digest(flat_batches(more)) == digest(first)
