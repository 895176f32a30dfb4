"""Documents that repeat an earlier one, beside a loop over the documents in order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_prep.deduplication.documents import repeated
from data_prep.hashes import text_hashes

# Few values, so that some repeat, and both ends of the range.
DIGESTS = st.lists(st.sampled_from([0, 1, 2, 2**63, 2**64 - 1]), max_size=20)


def repeated_by_loop(digests, orders):
    seen, found = set(), []
    for order, digest in sorted(zip(orders, digests, strict=True)):
        if digest in seen:
            found.append(order)
        seen.add(digest)
    return found


@given(st.data())
def test_all_but_the_first_are_found_in_any_order_of_the_input(data):
    digests = data.draw(DIGESTS)
    orders = data.draw(
        st.lists(
            st.integers(0, 2**64 - 1), min_size=len(digests), max_size=len(digests), unique=True
        )
    )
    found = repeated(np.array(digests, np.uint64), np.array(orders, np.uint64))
    assert found.dtype == np.uint64
    assert found.tolist() == repeated_by_loop(digests, orders)


def test_documents_that_differ_in_whitespace_alone_are_equal():
    texts = ["One two.\nThree.", "one two. Three.", " One  two.\tThree.\n", "One two.Three."]
    found = repeated(text_hashes(texts), np.array([7, 5, 6, 4], np.uint64))
    assert found.tolist() == [7]
