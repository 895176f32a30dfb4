"""Slots of small examples, made by hand from the tables of the papers."""

import numpy as np

from mpnet_tf.objectives.visibility import END_OF_STEPS
from mpnet_tf.visualization.slot_example import SlotExample


def _example(tokens, *, targets, **features):
    num_slots = len(tokens)
    slots = {
        "token_ids": np.arange(num_slots),
        "position_ids": np.arange(num_slots),
        "segment_ids": np.ones(num_slots, int),
        "query_step": np.zeros(num_slots, int),
        **{name: np.array(values) for name, values in features.items()},
    }
    slots.setdefault("key_start", np.zeros(num_slots, int))
    slots.setdefault("key_end", np.full(len(slots["key_start"]), END_OF_STEPS))
    return SlotExample(slots, tuple(tokens), tuple(targets))


def mpnet_example():
    """MPNet's figure 1: x1 ... x6 with x4, x6, x2 predicted in this order."""
    return _example(
        ["x1", "$x2$", "<b>", "x4", "x5", "猫", *["<mask>"] * 6],
        targets=["x4", "猫", "$x2$"],
        position_ids=[0, 1, 2, 3, 4, 5, 3, 5, 1, 3, 5, 1],
        query_step=[0, 3, 0, 1, 0, 2, 0, 0, 0, 0, 1, 2],
        key_start=[0, 3, 0, 1, 0, 2, 0, 0, 0],
        key_end=[END_OF_STEPS] * 6 + [1, 2, 3],
        prediction_slots=[9, 10, 11],
    )


def plm_example():
    """The same without masks."""
    return _example(
        ["x1", "x2", "x3", "x4", "x5", "x6", *["<mask>"] * 3],
        targets=["x4", "x6", "x2"],
        position_ids=[0, 1, 2, 3, 4, 5, 3, 5, 1],
        query_step=[0, 3, 0, 1, 0, 2, 0, 1, 2],
        key_start=[0, 3, 0, 1, 0, 2],
        prediction_slots=[6, 7, 8],
    )


def mlm_example():
    """The same predicted independently."""
    return _example(
        ["x1", "<mask>", "x3", "<mask>", "x5", "<mask>"],
        targets=["x2", "x4", "x6"],
        prediction_slots=[1, 3, 5],
    )


def clm_example():
    """Three tokens, each predicted from those before it."""
    return _example(
        ["<s>", "x1", "x2", "</s>"],
        targets=["x1", "x2"],
        query_step=[0, 1, 2, 3],
        key_start=[0, 1, 2, 3],
        prediction_slots=[0, 1],
    )


def glm_example():
    """GLM's figure 2: of x1 ... x6, x3 and x5 x6 are left out; x5 x6 comes first."""
    start, end = "<|startofpiece|>", "<|endofpiece|>"
    return _example(
        ["x1", "x2", "<mask>", "x4", "<mask>", start, "x5", "x6", start, "x3"],
        targets=["x5", "x6", end, "x3", end],
        position_ids=[0, 1, 2, 3, 4, 4, 4, 4, 2, 2],
        block_position_ids=[0, 0, 0, 0, 0, 1, 2, 3, 1, 2],
        query_step=[0, 0, 0, 0, 0, 1, 2, 3, 4, 5],
        key_start=[0, 0, 0, 0, 0, 1, 2, 3, 4, 5],
        prediction_slots=[5, 6, 7, 8, 9],
    )
