"""Rows read from shards equal a slow reference that lays out the plan token by token."""

import concurrent.futures
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpnet_tf.data.packed_rows import PackedRows
from mpnet_tf.data.row_plan import RowPlanner
from mpnet_tf.data.shards import TokenShards

START, PAD, END = 0, 1, 2
SEQUENCE_LENGTH = 24
SEED = 13


def at_least_nine(lengths):
    return np.maximum(lengths + 2, 9)


def make_documents(num_documents=60, longest=60):
    """Documents of uneven lengths, one of them empty; no two tokens are alike."""
    generator = np.random.default_rng(3)
    lengths = [0, *generator.integers(1, longest, num_documents - 1)]
    token = itertools.count(10)
    return [[next(token) for _ in range(length)] for length in lengths]


def in_memory_shards(documents, splits=(0, 1, 20)):
    """Documents as shards that start at the document numbers `splits`."""
    arrays, offsets = [], []
    for first, last in zip(splits, [*splits[1:], len(documents)], strict=True):
        chosen = documents[first:last]
        arrays.append(np.array([token for document in chosen for token in document], np.uint16))
        offsets.append(np.cumsum([0] + [len(document) for document in chosen]).astype(np.uint64))
    return TokenShards(arrays, offsets, vocabulary_size=2**16)


def make_rows(documents, *, seed=SEED, **arguments):
    return PackedRows(
        in_memory_shards(documents),
        SEQUENCE_LENGTH,
        seed,
        start_token_id=START,
        end_token_id=END,
        pad_token_id=PAD,
        **arguments,
    )


def reference_rows(documents, epoch, *, places_needed=None):
    """One epoch's rows as lists of `(token, position, segment)`, a piece after the other."""
    lengths = [len(document) for document in documents]
    plan = RowPlanner(lengths, SEQUENCE_LENGTH, SEED, places_needed=places_needed).plan(epoch)
    rows = []
    for row in range(len(plan.row_starts) - 1):
        places = []
        pieces = range(plan.row_starts[row], plan.row_starts[row + 1])
        for segment, piece in enumerate(pieces, start=1):
            start, length = plan.starts[piece], plan.lengths[piece]
            text = documents[plan.documents[piece]][start : start + length]
            tokens = [START, *text, END]
            places += [(token, position, segment) for position, token in enumerate(tokens)]
        rows.append(places + [(PAD, 0, 0)] * (SEQUENCE_LENGTH - len(places)))
    return rows


def as_lists(features):
    for feature in features:
        assert feature.dtype == np.int32
    return np.stack(features, axis=2).tolist()


def as_tuples(features):
    return [[tuple(place) for place in row] for row in as_lists(features)]


DOCUMENTS = make_documents()


@pytest.fixture(scope="module", params=[None, at_least_nine], ids=["tight", "with room"])
def rows_and_reference(request):
    """Rows and the reference's three epochs, one after the other."""
    rows = make_rows(DOCUMENTS, places_needed=request.param)
    epochs = [reference_rows(DOCUMENTS, epoch, places_needed=request.param) for epoch in range(3)]
    assert [len(epoch) for epoch in epochs] == [rows.num_rows] * 3
    return rows, [row for epoch in epochs for row in epoch]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_rows_equal_the_reference(rows_and_reference, data):
    rows, expected = rows_and_reference
    first = data.draw(st.integers(0, len(expected) - 1))
    count = data.draw(st.integers(0, len(expected) - first))
    assert as_tuples(rows.read(first, count)) == expected[first : first + count]


def test_rows_that_span_epochs_equal_the_reference(rows_and_reference):
    rows, expected = rows_and_reference
    assert as_tuples(rows.read(0, 3 * rows.num_rows)) == expected
    assert rows.read(rows.num_rows - 1, 0)[0].shape == (0, SEQUENCE_LENGTH)


def test_an_epoch_holds_every_token_once(rows_and_reference):
    rows, _ = rows_and_reference
    for epoch in range(2):
        token_ids, _, segment_ids = rows.read(epoch * rows.num_rows, rows.num_rows)
        text = token_ids[(segment_ids > 0) & (token_ids != START) & (token_ids != END)]
        assert sorted(text.tolist()) == sorted(itertools.chain.from_iterable(DOCUMENTS))
        # No id of the documents is PAD, so the share of it is the padding.
        assert rows.padding_share == pytest.approx(np.mean(token_ids == PAD))


def test_without_repeat_rows_beyond_the_epoch_are_padding():
    rows = make_rows(DOCUMENTS)
    expected = reference_rows(DOCUMENTS, 0)
    empty = [[(PAD, 0, 0)] * SEQUENCE_LENGTH]
    first = rows.num_rows - 3
    assert as_tuples(rows.read(first, 5, repeat=False)) == expected[first:] + 2 * empty
    assert as_tuples(rows.read(rows.num_rows, 2, repeat=False)) == 2 * empty


def test_readers_at_once_read_the_same(rows_and_reference):
    """Threads that jump between five epochs, while two plans are kept, get their own rows."""
    rows, _ = rows_and_reference
    firsts = np.random.default_rng(4).integers(0, 5 * rows.num_rows, 120).tolist()

    def read(first):
        return as_lists(rows.read(first, 4))

    expected = list(map(read, firsts))
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        assert list(threads.map(read, firsts)) == expected


def test_seed_decides_the_rows():
    first, same, other = (
        as_lists(make_rows(DOCUMENTS, seed=seed).read(0, 20)) for seed in (1, 1, 2)
    )
    assert first == same != other


def test_documents_stay_as_they_are():
    shards = in_memory_shards(DOCUMENTS)
    everything = np.arange(shards.num_documents)
    before = shards.read(everything, 0 * everything, shards.document_lengths)
    rows = PackedRows(
        shards, SEQUENCE_LENGTH, SEED, start_token_id=START, end_token_id=END, pad_token_id=PAD
    )
    for feature in rows.read(0, rows.num_rows):
        feature[:] = 0
    after = shards.read(everything, 0 * everything, shards.document_lengths)
    np.testing.assert_array_equal(before, after)


def test_sequence_length_without_room_is_refused():
    with pytest.raises(ValueError, match=r"Received: sequence_length=2"):
        PackedRows(
            in_memory_shards(DOCUMENTS), 2, SEED, start_token_id=0, end_token_id=2, pad_token_id=1
        )
