"""Pairs held out of training for retrieval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpnet_tf.finetuning.embedding_evaluation import retrieval_metrics
from mpnet_tf.finetuning.heldout_retrieval import (
    RetrievalExamples,
    hold_out_retrieval,
    retrieval_examples,
)
from mpnet_tf.finetuning.labelled_texts import LabelledTexts


def pairs_of(*rows):
    texts, pairs = zip(*rows, strict=True)
    return LabelledTexts(texts, pairs, None, tuple(map(str, range(len(rows)))), "here")


def test_equal_texts_are_one():
    pairs = pairs_of(("a", "x"), ("b", "y"), ("a", "y"), ("a", "x"))
    assert retrieval_examples(pairs) == RetrievalExamples(("a", "b"), ("x", "y"), ((0, 1), (1,)))


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(5, 30)), min_size=2, max_size=40),
    st.integers(1, 5),
    st.integers(0, 3),
)
def test_no_text_held_out_stays_in_training(numbers, num_heldout, seed):
    pairs = pairs_of(*((f"t{one}", f"t{other}") for one, other in numbers))
    try:
        train, heldout = hold_out_retrieval(pairs, num_heldout=num_heldout, seed=seed)
    except ValueError as error:
        assert "`num_heldout` must leave pairs" in str(error)
        return
    assert not {*train.texts, *train.pairs} & {*heldout.queries, *heldout.documents}
    rows = list(zip(pairs.texts, pairs.pairs, pairs.ids, strict=True))
    kept = list(zip(train.texts, train.pairs, train.ids, strict=True))
    assert [row for row in rows if row in kept] == kept
    found = {
        (query, heldout.documents[number])
        for query, wanted in zip(heldout.queries, heldout.relevant, strict=True)
        for number in wanted
    }
    assert found <= {row[:2] for row in rows} and 1 <= len(found) <= num_heldout
    again = hold_out_retrieval(pairs, num_heldout=num_heldout, seed=seed)
    assert again == (train, heldout)


def test_seeds_differ_and_the_metrics_take_the_examples():
    pairs = pairs_of(*((f"title {number}", f"text {number}") for number in range(40)))
    (train, heldout), (_, other) = (
        hold_out_retrieval(pairs, num_heldout=8, seed=seed) for seed in (0, 1)
    )
    assert len(train) == 32 and len(heldout.queries) == 8
    assert heldout.queries != other.queries
    vectors = np.eye(8, dtype=np.float32)
    assert retrieval_metrics(vectors, vectors, heldout.relevant, cutoffs=[1])["recall@1"] == 1


def test_bad_arguments_are_refused():
    pairs = pairs_of(("a", "x"), ("b", "y"))
    with pytest.raises(ValueError, match=r"`num_heldout` must be at least 1.*num_heldout=0"):
        hold_out_retrieval(pairs, num_heldout=0, seed=0)
    with pytest.raises(ValueError, match=r"must leave pairs of here .*, of 2.*num_heldout=2"):
        hold_out_retrieval(pairs, num_heldout=2, seed=0)
    single = LabelledTexts(("a",), None, None, None, "there")
    for call in (
        lambda: retrieval_examples(single),
        lambda: hold_out_retrieval(single, num_heldout=1, seed=0),
    ):
        with pytest.raises(ValueError, match=r"`pairs` must be pairs of texts.* those of there"):
            call()
