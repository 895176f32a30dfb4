"""Batch k is a function of the seed and k alone, whoever makes it and whatever came before."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from mpnet_tf.data.batches import (
    ReplicaShare,
    evaluation_batches,
    rows_per_part,
    training_batches,
)
from mpnet_tf.data.packed_rows import ROW_FEATURES, PackedRows
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.objectives import MaskedPermuted
from mpnet_tf.objectives.registry import make_objective
from tests.conftest import REPOSITORY
from tests.rows import END, PAD, START, pack_rows, token_roles

ROLES = token_roles(with_blanks=True)
SEQUENCE_LENGTH = 32
# Four parts of three rows.
BATCH_SIZE = 12
SEED = 21


class EqualRows:
    """Rows that are all the same text, so nothing but their draws tells them apart."""

    sequence_length = SEQUENCE_LENGTH
    num_rows = 10**6

    def read(self, first_row, num_rows, *, repeat=True):
        del first_row, repeat
        text = np.random.default_rng(3).choice(ROLES.text_token_ids, SEQUENCE_LENGTH - 2)
        row = pack_rows([[text]], SEQUENCE_LENGTH)
        return [np.repeat(row[name], num_rows, axis=0) for name in ROW_FEATURES]


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


def test_parts_of_a_batch_draw_from_seeds_of_their_own(unbroken):
    """By the definition: part j of batch k gets its rows and the seed `(seed, 64 k + j)`."""
    for k in (0, 5):
        for part in range(4):
            rows = make_rows().read(k * BATCH_SIZE + 3 * part, 3)
            seed = tf.constant([SEED, 64 * k + part], tf.int64)
            slots, target_ids, weights = objective()(
                dict(zip(ROW_FEATURES, rows, strict=True)), seed
            )
            expected = {**slots, "target_ids": target_ids, "target_weights": weights}
            for name, value in expected.items():
                found = unbroken[k][name][3 * part : 3 * part + 3]
                np.testing.assert_array_equal(found, value, err_msg=name)


def test_equal_rows_of_two_parts_get_other_predictions():
    batches = flat_batches(
        training_batches(EqualRows(), objective(), SEED, batch_size=BATCH_SIZE, num_batches=3)
    )
    parts = [batch["target_ids"][row : row + 3] for batch in batches for row in (0, 3, 6, 9)]
    assert len({part.tobytes() for part in parts}) == 12


def share_of(make_batches, rows, shared_objective, share):
    dataset = make_batches(rows, shared_objective, SEED, batch_size=8, share=share)
    return flat_batches(
        dataset.take(4 * share.count) if make_batches is training_batches else dataset
    )


@pytest.mark.parametrize(
    ("specification", "make_batches"),
    [
        ("mpnet", training_batches),
        ("mpnet", evaluation_batches),
        ("glm_document", training_batches),
        pytest.param(
            "mpnet:0.5,glm_document:0.25,mlm:0.25", training_batches, marks=pytest.mark.slow
        ),
    ],
)
def test_however_many_replicas_share_a_batch_it_is_the_same(specification, make_batches):
    rows = make_rows()
    shared_objective = make_objective(specification, ROLES, SEQUENCE_LENGTH)
    if make_batches is training_batches:
        whole = flat_batches(
            training_batches(rows, shared_objective, SEED, batch_size=8, num_batches=4)
        )
    else:
        whole = flat_batches(evaluation_batches(rows, shared_objective, SEED, batch_size=8))
    # Replicas of each worker: of two workers with one, and of two with unlike numbers.
    for counts in ([1, 1], [1, 3]):
        total = sum(counts)
        workers = []
        for first, count in zip(np.cumsum([0, *counts]), counts, strict=False):
            share = ReplicaShare(int(first), count, total)
            elements = share_of(make_batches, rows, shared_objective, share)
            assert len(elements) == count * len(whole)
            workers.append([elements[k : k + count] for k in range(0, len(elements), count)])
        for k, expected in enumerate(whole):
            pieces = [element for worker in workers for element in worker[k]]
            assert {len(piece["token_ids"]) for piece in pieces} == {8 // total}
            joined = {name: np.concatenate([piece[name] for piece in pieces]) for name in expected}
            assert digest([joined]) == digest([expected])


def test_a_share_begun_at_any_batch_goes_on_as_the_unbroken_one():
    share = ReplicaShare(first=1, count=2, total=4)

    def elements(**numbers):
        return training_batches(
            make_rows(), objective(), SEED, batch_size=BATCH_SIZE, share=share, **numbers
        )

    resumed = elements(first_batch=3, num_batches=4)
    assert resumed.cardinality() == 8
    assert resumed.element_spec[0]["token_ids"].shape == (3, objective().num_slots)
    unbroken_elements = flat_batches(elements(num_batches=7))
    assert digest(flat_batches(resumed)) == digest(unbroken_elements[6:])


def test_number_of_elements_is_known():
    assert training_data(first_batch=5, num_batches=9).cardinality() == 9
    rows = make_rows()
    for total in (1, 4):
        dataset = evaluation_batches(
            rows, objective(), SEED, batch_size=BATCH_SIZE, share=ReplicaShare(0, total, total)
        )
        assert dataset.cardinality() == total * -(-rows.num_rows // BATCH_SIZE)


@pytest.mark.parametrize(
    ("share", "message"),
    [
        ({"total": 0}, r"`total` must be positive. Received: total=0"),
        (
            {"first": 2, "total": 2},
            r"`first` must be from 0 to 1, .* 2 replicas. Received: first=2",
        ),
        ({"first": -1}, r"`first` must be from 0 to 0, .* Received: first=-1"),
        ({"first": 1, "count": 2, "total": 2}, r"`count` must be from 1 to 1: .* count=2"),
        ({"count": 0, "total": 2}, r"`count` must be from 1 to 2: .* count=0"),
    ],
)
def test_refuses_a_share_out_of_range(share, message):
    with pytest.raises(ValueError, match=message):
        ReplicaShare(**share)


@pytest.mark.parametrize(("batch_size", "possible"), [(12, "1, 2, 4"), (14, "1, 2"), (7, "1")])
@pytest.mark.parametrize("make_batches", [training_batches, evaluation_batches])
def test_refuses_more_replicas_than_parts(make_batches, batch_size, possible):
    message = rf"`total` must be one of {possible} to share {batch_size} rows.*Received: total=3"
    with pytest.raises(ValueError, match=message):
        make_batches(
            make_rows(), objective(), SEED, batch_size=batch_size, share=ReplicaShare(total=3)
        )


@given(st.integers(1, 10**6), st.integers(0, 10))
def test_parts_are_whole_and_no_smaller_than_they_need_be(odd_or_even, power):
    batch_size = odd_or_even * 2**power
    size = rows_per_part(batch_size)
    num_parts, left = divmod(batch_size, size)
    assert not left
    assert num_parts in (1, 2, 4, 8, 16, 32, 64)
    assert num_parts <= 4 or size >= 16
    # No more parts would do.
    assert size % 2 or num_parts == 64 or (num_parts >= 4 and size // 2 < 16)


@pytest.mark.parametrize(
    ("batch_size", "size"),
    [(1, 1), (7, 7), (4, 1), (12, 3), (32, 8), (64, 16), (128, 16), (256, 16), (8192, 128)],
)
def test_sizes_of_parts(batch_size, size):
    assert rows_per_part(batch_size) == size
