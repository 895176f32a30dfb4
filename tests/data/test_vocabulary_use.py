"""How much of a vocabulary a text uses, against the text counted token by token."""

import collections

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpnet_tf.data.vocabulary_use import vocabulary_use

SIZE = 12
TEXTS = st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=300)


@given(TEXTS, st.integers(0, 15), st.sets(st.integers(0, SIZE - 1), max_size=2))
def test_figures_are_those_of_the_text(text, num_most_frequent, unknown):
    counts = collections.Counter(text)
    use = vocabulary_use(
        np.bincount(text, minlength=SIZE),
        unknown_ids=sorted(unknown),
        num_most_frequent=num_most_frequent,
    )
    assert (use.vocabulary_size, use.num_occurring) == (SIZE, len(counts))
    assert use.num_once == sum(count == 1 for count in counts.values())
    assert use.unknown_share == sum(token in unknown for token in text) / len(text)
    by_frequency = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    assert list(use.most_frequent) == by_frequency[:num_most_frequent]
    # One token fewer makes up less than 99% of the text.
    covered = [count for _, count in by_frequency]
    assert 100 * sum(covered[: use.num_for_99_percent]) >= 99 * len(text)
    assert 100 * sum(covered[: use.num_for_99_percent - 1]) < 99 * len(text)


def test_one_token_that_is_99_percent():
    counts = np.zeros(SIZE, np.int64)
    counts[[3, 5]] = [99, 1]
    use = vocabulary_use(counts, unknown_ids=[5], num_most_frequent=1)
    assert use.num_for_99_percent == 1 and use.unknown_share == pytest.approx(0.01)
    assert use.most_frequent == ((3, 99),)
