"""The plan of an epoch: who is in which batch."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mpnet_tf.finetuning.batch_plan import number_texts, plan_batches


def test_an_epoch_has_every_example_once_in_an_order_of_its_own():
    plans = [plan_batches(20, batch_size=6, seed=1, epoch=epoch) for epoch in range(2)]
    for plan in plans:
        assert plan.shape == (3, 6)
        assert len(set(plan.flatten())) == 18
    assert plans[0].tolist() != plans[1].tolist()
    assert plan_batches(20, batch_size=6, seed=2, epoch=0).tolist() != plans[0].tolist()
    again = plan_batches(20, batch_size=6, seed=1, epoch=1)
    np.testing.assert_array_equal(again, plans[1])


@hypothesis.given(
    seed=st.integers(0, 10_000), epoch=st.integers(0, 3), num_texts=st.integers(40, 200)
)
@hypothesis.settings(deadline=None, max_examples=50)
def test_no_text_is_twice_in_a_batch(seed, epoch, num_texts):
    numbers = np.random.default_rng(seed).integers(0, num_texts, (60, 2))
    try:
        plan = plan_batches(60, batch_size=8, seed=seed, epoch=epoch, text_numbers=numbers)
    except ValueError as error:
        # Few texts may leave no room; many must not.
        assert num_texts < 100, error
        return
    assert plan.shape == (7, 8)
    for batch in plan:
        texts = [text for example in batch for text in set(numbers[example].tolist())]
        assert len(set(texts)) == len(texts)
        assert len(set(batch.tolist())) == 8


def test_conflicts_wait_and_are_not_lost():
    # Each text is in three examples, as a premise is in natural language inference.
    numbers = np.arange(60)[:, np.newaxis] // 3
    plan = plan_batches(60, batch_size=5, seed=0, epoch=0, text_numbers=numbers)
    assert len(set(plan.flatten().tolist())) >= 55
    assert all(len({numbers[example, 0] for example in batch}) == 5 for batch in plan)


def test_equal_texts_have_equal_numbers():
    numbers = number_texts([["a", "b", "a"], ["c", "a", "b"]])
    np.testing.assert_array_equal(numbers, [[0, 2], [1, 0], [0, 1]])


def test_what_cannot_be_done_is_refused():
    with pytest.raises(ValueError, match=r"from 1 to 3, the number of examples.*batch_size=4"):
        plan_batches(3, batch_size=4, seed=0, epoch=0)
    with pytest.raises(ValueError, match=r"one ended with 1 examples. Received: batch_size=2"):
        plan_batches(4, batch_size=2, seed=0, epoch=0, text_numbers=np.zeros((4, 1)))
