"""The tree of spans against one span after another."""

import numpy as np
import pytest

from mpnet_tf.models.span_tree import NO_TOKEN, make_span_tree

START, END = 90, 91


def sees(tree, query, key):
    step = tree.query_step
    return step[key] <= step[query] < tree.key_end[key]


def test_the_example_of_the_documentation():
    tree = make_span_tree([[1, 2, END], [3, END]], start_token_id=START)
    assert tree.token_ids.tolist() == [START, 1, 2, 3]
    assert tree.block_position_ids.tolist() == [1, 2, 3, 2]
    assert tree.query_step.tolist() == [1, 2, 3, 4]
    assert tree.key_end.tolist() == [5, 4, 4, 5]
    assert tree.span_slots.tolist() == [[0, 1, 2], [0, 3, 0]]
    assert tree.span_token_ids.tolist() == [[1, 2, END], [3, END, NO_TOKEN]]


@pytest.mark.parametrize("seed", range(8))
def test_each_token_is_predicted_from_its_own_prefix_alone(seed):
    generator = np.random.default_rng(seed)
    # Few different tokens, so that many spans begin alike, in any order.
    lengths = generator.integers(1, 6, 12)
    spans = [[*generator.integers(0, 3, length).tolist(), END] for length in lengths]
    tree = make_span_tree(spans, start_token_id=START)
    prefixes = {(START, *span[:end]) for span in spans for end in range(len(span))}
    assert len(tree.token_ids) == len(prefixes)
    for number, span in enumerate(spans):
        slots = tree.span_slots[number, : len(span)].tolist()
        assert tree.span_token_ids[number, : len(span)].tolist() == span
        assert (tree.span_token_ids[number, len(span) :] == NO_TOKEN).all()
        assert tree.token_ids[slots].tolist() == [START, *span[:-1]]
        assert tree.block_position_ids[slots].tolist() == list(range(1, len(span) + 1))
        for place, slot in enumerate(slots):
            seen = [key for key in range(len(prefixes)) if sees(tree, slot, key)]
            assert seen == slots[: place + 1]


def test_single_tokens_share_their_only_slot():
    tree = make_span_tree([[7], [5], [6]], start_token_id=START)
    assert tree.token_ids.tolist() == [START]
    assert tree.span_slots.tolist() == [[0]] * 3
    assert tree.span_token_ids.tolist() == [[7], [5], [6]]
