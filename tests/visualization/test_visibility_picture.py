"""The picture of who sees whom shows what the paper's figure shows."""

import xml.etree.ElementTree as ElementTree

import matplotlib.colors
import numpy as np
import pytest
import tensorflow as tf
from matplotlib.patches import PathPatch

from mpnet_tf.objectives import MaskedPermuted, TokenRoles
from mpnet_tf.objectives.visibility import END_OF_STEPS
from mpnet_tf.visualization.inline_svg import INK, inline_svg
from mpnet_tf.visualization.slot_example import SlotExample, document_example
from mpnet_tf.visualization.visibility_picture import PART_COLOURS, visibility_figure

# MPNet's figure: x1 ... x6 with x4, x6, x2 predicted in this order. T is a token that is not
# predicted, P a predicted one, M a mask.
TOKENS = ["x1", "$x2$", "<b>", "x4", "x5", "猫", *["<mask>"] * 6]
PAPER = """
    T.T.T.MMM
    TPTPTP...
    T.T.T.MMM
    T.TPT..MM
    T.T.T.MMM
    T.TPTP..M
    T.T.T.MMM
    T.T.T.MMM
    T.T.T.MMM
    T.T.T.MMM
    T.TPT..MM
    T.TPTP..M
"""
PARTS = {"T": "token", "P": "predicted token", "M": "mask"}


@pytest.fixture
def example():
    ever = END_OF_STEPS
    slots = {
        "token_ids": np.arange(12),
        "position_ids": np.array([0, 1, 2, 3, 4, 5, 3, 5, 1, 3, 5, 1]),
        "segment_ids": np.ones(12, int),
        "query_step": np.array([0, 3, 0, 1, 0, 2, 0, 0, 0, 0, 1, 2]),
        "key_start": np.array([0, 3, 0, 1, 0, 2, 0, 0, 0]),
        "key_end": np.array([ever, ever, ever, ever, ever, ever, 1, 2, 3]),
        "prediction_slots": np.array([9, 10, 11]),
    }
    return SlotExample(slots, tuple(TOKENS))


def drawn_cells(figure):
    """Reads the coloured squares off a figure: a set of (row, column, part)."""
    parts = {matplotlib.colors.to_rgba(colour): part for part, colour in PART_COLOURS.items()}
    squares = []
    for patch in figure.axes[0].patches:
        if isinstance(patch, PathPatch) and patch.get_facecolor() in parts:
            corners = patch.get_path().vertices.reshape(-1, 5, 2).min(axis=1)
            part = parts[patch.get_facecolor()]
            squares.extend((top, left, part) for left, top in np.floor(corners))
    # The query stream stands apart from the content stream.
    tops = sorted({top for top, _, _ in squares})
    return {(tops.index(top), int(left), part) for top, left, part in squares}


def test_draws_the_papers_figure(example):
    expected = {
        (row, column, PARTS[letter])
        for row, line in enumerate(PAPER.split())
        for column, letter in enumerate(line)
        if letter != "."
    }
    assert drawn_cells(visibility_figure(example)) == expected


def test_labels_tokens_and_steps(example):
    texts = [text.get_text() for text in visibility_figure(example).axes[0].texts]
    assert [texts.count(token) for token in ("x1", "$x2$", "<b>", "猫")] == [2, 2, 2, 2]
    assert texts.count("<mask>") == 9
    assert [texts.count(f"step {step}") for step in range(5)] == [7, 2, 2, 1, 0]
    seen = [text for text in texts if text.startswith(("from", "to"))]
    assert seen == ["from 3", "from 1", "from 2", "to 0", "to 1", "to 2"]
    assert {"content stream", "query stream"} <= set(texts)


def test_svg_keeps_text_as_text_and_takes_the_pages_ink(example, recwarn):
    svg = inline_svg(visibility_figure(example), 'who sees "whom" & why')
    assert inline_svg(visibility_figure(example), 'who sees "whom" & why') == svg
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == 'who sees "whom" & why'
    assert root.get("width") is None and root.get("viewBox")
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(TOKENS) <= set(texts)
    assert INK not in svg and "currentColor" in svg
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_cuts_one_document_out_of_a_batch():
    vocabulary = ["<s>", "<pad>", "</s>", "<mask>", *"abcdefgh"]
    roles = TokenRoles(
        pad_token_id=1,
        mask_token_id=3,
        is_special=np.arange(12) < 4,
        is_continuation=np.zeros(12, bool),
    )
    objective = MaskedPermuted(
        roles, 14, num_predictions=6, prediction_rate=0.4, mask_rate=1.0, random_rate=0.0
    )
    rows = {
        "token_ids": [
            [0, 4, 5, 2, 0, 6, 7, 8, 9, 10, 2, 1, 1, 1],
            [0, *range(4, 12), 2, 1, 1, 1, 1],
        ],
        "position_ids": [[*range(4), *range(7), 0, 0, 0], [*range(10), 0, 0, 0, 0]],
        "segment_ids": [[1] * 4 + [2] * 7 + [0] * 3, [1] * 10 + [0] * 4],
    }
    rows = {name: tf.constant(values) for name, values in rows.items()}
    slots, _, _ = objective(rows, tf.constant([1, 2]))

    example = document_example(slots, vocabulary, row=0, segment_id=2)

    assert example.tokens == ("<s>", *"cdefg", "</s>", *["<mask>"] * 4)
    assert example.slots["position_ids"][:7].tolist() == list(range(7))
    assert example.slots["prediction_slots"].tolist() == [9, 10]
    parts = example.parts()
    assert parts[7:] == ["mask", "mask", "query", "query"]
    predicted = {i for i, part in enumerate(parts) if part == "predicted token"}
    assert predicted == set(example.slots["position_ids"][9:].tolist())

    with pytest.raises(ValueError, match=r"`segment_id` must be.*row=1, segment_id=2"):
        document_example(slots, vocabulary, row=1, segment_id=2)
    with pytest.raises(ValueError, match=r"`segment_id` must be.*segment_id=0"):
        document_example(slots, vocabulary, segment_id=0)


def test_refuses_tokens_that_do_not_name_the_slots(example):
    with pytest.raises(ValueError, match=r"`tokens` must name each of the 12 slots.*11 tokens"):
        SlotExample(example.slots, tuple(TOKENS[1:]))
