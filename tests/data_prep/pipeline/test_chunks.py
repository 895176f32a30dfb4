"""Chunks, the orders of their documents, and the counts that add up over them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.pipeline import chunks, orders
from data_prep.pipeline.bucket_files import BucketFiles
from data_prep.pipeline.tally import StepTally, step_records


def split(texts, file_number=0):
    return list(
        chunks.split_into_chunks(
            texts, file_number=file_number, source="s", file_name="a.txt", markup="plain"
        )
    )


@given(st.lists(st.integers(1, 30), max_size=20), st.integers(1, 40))
def test_chunks_hold_all_documents_in_order(lengths, characters_per_chunk):
    texts = ["x" * length for length in lengths]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHARACTERS_PER_CHUNK", characters_per_chunk)
        found = split(texts, file_number=3) + split(texts, file_number=4)
    assert [text for chunk in found for text in chunk.texts] == texts + texts
    numbers = np.concatenate([[], *(chunk.numbers for chunk in found)])
    assert numbers.tolist() == [*range(len(texts)), *range(len(texts))]
    all_orders = np.concatenate([np.zeros(0, np.uint64), *(chunk.orders for chunk in found)])
    assert (np.diff(all_orders.astype(object)) > 0).all()
    for chunk in found:
        assert sum(map(len, chunk.texts[:-1])) < characters_per_chunk
        assert set(orders.chunk_keys_of(chunk.orders).tolist()) == {chunk.key}
        assert orders.places_of(chunk.orders).tolist() == list(range(len(chunk.texts)))


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"At most 16777216 files.*file_number=16777216"):
        orders.chunk_key(1 << 24, 0)
    with pytest.raises(ValueError, match=r"at most 1048576 chunks.*chunk_number=1048576"):
        orders.chunk_key(0, 1 << 20)


@given(st.lists(st.lists(st.sampled_from(["short", "long", None]), max_size=8), max_size=6))
def test_tallies_of_chunks_add_up_in_any_order(reasons_of_chunks):
    tallies = []
    for number, reasons in enumerate(reasons_of_chunks):
        texts = [f"{number} {place}" for place in range(len(reasons))]
        tally = StepTally(documents_in=len(texts), counts={"seen": len(texts)})
        for chunk in split(texts, file_number=number):
            for reason in ("short", "long"):
                places = [place for place, given in enumerate(reasons) if given == reason]
                tally.add_dropped(reason, places, chunk)
        tallies.append(tally)
    totals = []
    for given_tallies in (tallies, tallies[::-1]):
        total = StepTally()
        for tally in given_tallies:
            total.add(tally)
        totals.append(step_records({"filter": total}, ["filter"]))
    assert totals[0] == totals[1]
    (record,) = totals[0]
    flat = [
        (reason, f"{number} {place}")
        for number, reasons in enumerate(reasons_of_chunks)
        for place, reason in enumerate(reasons)
    ]
    assert record["documents_in"] == record["counts"].get("seen", 0) == len(flat)
    for reason in ("short", "long"):
        expected = [text for given, text in flat if given == reason]
        assert record["documents_dropped"].get(reason, 0) == len(expected)
        shown = [example["text"] for example in record["examples"].get(reason, [])]
        assert shown == expected[:3]


def test_buckets_give_back_what_was_appended(tmp_path):
    dtype = np.dtype([("key", "<u8"), ("number", "<i8")])
    random_state = np.random.default_rng(0)
    records = np.zeros(1000, dtype)
    records["key"] = random_state.integers(0, 2**64, 200, dtype=np.uint64).repeat(5)
    records["number"] = np.arange(1000)
    records = records[random_state.permutation(1000)]
    buckets = BucketFiles(str(tmp_path / "buckets"), dtype, key="key", num_buckets=7)
    for piece in np.array_split(records, 13):
        buckets.append(piece)
    found = list(buckets.read())
    assert 1 < len(found) <= 7
    assert sorted(np.concatenate(found).tolist()) == sorted(records.tolist())
    owners = [set(bucket["key"].tolist()) for bucket in found]
    # Equal keys meet in one bucket, in the order in which they were appended.
    assert sum(map(len, owners)) == 200
    for bucket in found:
        for key in set(bucket["key"].tolist()):
            expected = records["number"][records["key"] == key]
            np.testing.assert_array_equal(bucket["number"][bucket["key"] == key], expected)
