"""Samples of documents: chosen by content alone, however the documents come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.hashes import text_hash
from data_prep.holdout import is_held_out
from data_prep.sampling import DocumentSample, lowest_documents

DOCUMENTS = [f"document number {number}" for number in range(5000)]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_share_is_met_and_counted(share):
    sample = DocumentSample(DOCUMENTS, share)
    taken = list(sample)
    # Four standard deviations of the binomial distribution.
    tolerance = 4 * (share * (1 - share) * len(DOCUMENTS)) ** 0.5
    assert abs(len(taken) - share * len(DOCUMENTS)) < tolerance
    assert (sample.num_read, sample.num_taken) == (len(DOCUMENTS), len(taken))
    assert taken == [document for document in DOCUMENTS if document in set(taken)]


def test_order_layout_and_company_do_not_matter():
    taken = set(DocumentSample(DOCUMENTS, 0.2))
    assert set(DocumentSample(reversed(DOCUMENTS), 0.2)) == taken
    assert set(DocumentSample(DOCUMENTS[1000:3000], 0.2)) == taken & set(DOCUMENTS[1000:3000])
    laid_out = [document.replace(" ", " \n") for document in DOCUMENTS]
    assert {" ".join(text.split()) for text in DocumentSample(laid_out, 0.2)} == taken
    assert taken <= set(DocumentSample(DOCUMENTS, 0.3))
    assert list(DocumentSample(DOCUMENTS, 1)) == DOCUMENTS


def test_held_out_documents_are_sampled_as_often_as_others():
    held_out = [document for document in DOCUMENTS if is_held_out(document, 0.2)]
    share = len(list(DocumentSample(held_out, 0.3))) / len(held_out)
    assert abs(share - 0.3) < 4 * (0.3 * 0.7 / len(held_out)) ** 0.5
    assert text_hash("a  b") == text_hash("a b") != text_hash("a b", b"other")


@pytest.mark.parametrize("share", [0, -0.5, 1.5])
def test_share_out_of_range_is_refused(share):
    with pytest.raises(ValueError, match=rf"`share` must be above 0 .* share={share}"):
        DocumentSample(DOCUMENTS, share)


def test_sample_of_nothing_is_refused_unless_there_was_nothing():
    with pytest.raises(ValueError, match=r"0\.001 holds none of the 3 documents"):
        list(DocumentSample(["a", "b", "c"], 0.001))
    assert list(DocumentSample([], 0.001)) == []


@given(st.lists(st.text(max_size=9), max_size=30), st.integers(1, 60), st.randoms())
def test_lowest_documents_are_the_first_by_hash_that_reach_the_length(texts, limit, random):
    # Worked the long way: sort them all, then take what is needed.
    expected, length = [], 0
    for text in sorted(texts, key=lambda text: (text_hash(text, b"vocabulary"), text)):
        # Of equal hashes, which only equal texts or their layouts have, any comes first.
        if length < limit:
            expected.append(text)
            length += len(text)
    random.shuffle(texts)
    found = lowest_documents(iter(texts), limit)
    hashes = [text_hash(text, b"vocabulary") for text in found]
    assert hashes == sorted(hashes)
    assert found == lowest_documents(reversed(texts), limit)
    assert sum(map(len, found)) >= min(limit, sum(map(len, texts)))
    distinct = {" ".join(text.split()) for text in texts}
    if len(distinct) == len(texts):
        # Those without a character add nothing, so they may be there or not.
        assert list(filter(None, found)) == list(filter(None, expected))
