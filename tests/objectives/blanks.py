"""Reads the slots of blank infilling back into text and spans, by the definitions alone."""

import dataclasses

import numpy as np
import tensorflow as tf

from tests.rows import SPAN_END, SPAN_START


@dataclasses.dataclass
class Document:
    """What a row of slots says of one document.

    Args:
        part_a: list of the token ids of part A.
        text: list of the token ids with every blank filled in.
        spans: list of `(place in the text, length)`, in the order of part B.
        masks: list of the token ids that stand for the spans, in the same order.
    """

    part_a: list
    text: list
    spans: list
    masks: list


def call(objective, rows, seed):
    """Runs an objective (or a traced one) and returns NumPy arrays."""
    rows = {name: tf.constant(value) for name, value in rows.items()}
    slots, target_ids, target_weights = objective(rows, tf.constant(seed, tf.int32))
    slots = {name: value.numpy() for name, value in slots.items()}
    return slots, target_ids.numpy(), target_weights.numpy()


def read_documents(slots, row):
    """Fills in the blanks of every document of a row, token by token.

    Returns:
        list of `Document`.
    """
    segments = slots["segment_ids"][row]
    return [read_document(slots, row, segment) for segment in range(1, segments.max() + 1)]


def read_document(slots, row, segment):
    """Fills in the blanks of one document."""
    of_document = np.flatnonzero(slots["segment_ids"][row] == segment)
    blocks = slots["block_position_ids"][row]
    part_a = [slots["token_ids"][row, slot] for slot in of_document if blocks[slot] == 0]
    blanks = []
    for slot in of_document:
        if blocks[slot] == 0:
            continue
        token, position = slots["token_ids"][row, slot], slots["position_ids"][row, slot]
        if token == SPAN_START:
            blanks.append((position, []))
        else:
            blanks[-1][1].append(token)
        assert position == blanks[-1][0]
        assert blocks[slot] == len(blanks[-1][1]) + 1

    filled = dict(blanks)
    assert len(filled) == len(blanks), "two spans at one mask"
    text, places = [], {}
    for position, token in enumerate(part_a):
        places[position] = len(text)
        text.extend(filled.get(position, [token]))
    return Document(
        part_a=part_a,
        text=text,
        spans=[(places[position], len(tokens)) for position, tokens in blanks],
        masks=[part_a[position] for position, _ in blanks],
    )


def spans_of_targets(target_ids, num_targets):
    """Cuts a row's targets at the tokens that end a span: the spans' tokens, in order."""
    spans = [[]]
    for token in target_ids[:num_targets]:
        if token == SPAN_END:
            spans.append([])
        else:
            spans[-1].append(int(token))
    assert spans.pop() == []
    return spans


def chi_square_tail(counts, probabilities):
    """Returns how likely counts as far off as these are, if the probabilities are right."""
    counts, probabilities = np.asarray(counts, float), np.asarray(probabilities, float)
    expected = counts.sum() * probabilities / probabilities.sum()
    assert expected.min() > 5
    statistic = np.sum((counts - expected) ** 2 / expected)
    freedom = len(counts) - 1
    # The distribution function of chi-square is an incomplete gamma function.
    return float(
        tf.math.igammac(
            tf.constant(freedom / 2, tf.float64), tf.constant(statistic / 2, tf.float64)
        )
    )
