"""The held-out split depends on a document's content alone."""

import pytest

from data_prep.hashes import text_hashes
from data_prep.holdout import are_held_out, is_held_out

DOCUMENTS = [f"document number {number}" for number in range(20_000)]
# First byte of each document's 8-byte BLAKE2b below 128, for the first eight.
PINNED = [True, True, True, False, True, True, False, False]


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5])
def test_share_is_met_within_sampling_error(share):
    held_out = sum(is_held_out(document, share) for document in DOCUMENTS)
    # Four standard deviations of the binomial distribution.
    tolerance = 4 * (share * (1 - share) * len(DOCUMENTS)) ** 0.5
    assert abs(held_out - share * len(DOCUMENTS)) < tolerance


def test_bounds_hold_nothing_or_all():
    assert not any(is_held_out(document, 0) for document in DOCUMENTS)
    assert all(is_held_out(document, 1) for document in DOCUMENTS)


def test_larger_share_holds_the_smaller():
    for document in DOCUMENTS[:2000]:
        assert is_held_out(document, 0.2) or not is_held_out(document, 0.1)


def test_layout_changes_nothing():
    for document in DOCUMENTS[:200]:
        laid_out = "  " + document.replace(" ", "\n \t") + "\n"
        assert is_held_out(laid_out, 0.5) == is_held_out(document, 0.5)


def test_decision_is_the_same_in_every_version():
    # A changed hash would move held-out documents of existing shards into new training text.
    assert [is_held_out(document, 0.5) for document in DOCUMENTS[:8]] == PINNED


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_share_out_of_range_is_refused(share):
    with pytest.raises(ValueError, match=rf"`share` must be from 0 to 1. Received: share={share}"):
        is_held_out("text", share)


@pytest.mark.parametrize("share", [0, 1e-19, 0.05, 0.3, 1 - 1e-12, 1])
def test_many_are_judged_as_one(share):
    documents = DOCUMENTS[:500]
    expected = [is_held_out(document, share) for document in documents]
    assert are_held_out(text_hashes(documents), share).tolist() == expected
