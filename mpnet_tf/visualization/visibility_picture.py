"""Who sees whom among the slots of one example, as a picture."""

import keras
import numpy as np
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path

from mpnet_tf.objectives.visibility import END_OF_STEPS, visible_slots
from mpnet_tf.visualization import slot_example
from mpnet_tf.visualization.inline_svg import new_figure, styled

# Told apart by colour-blind readers (after Okabe and Ito), on light and on dark.
PART_COLOURS = {
    slot_example.TOKEN: "#3d8fd1",
    slot_example.PREDICTED_TOKEN: "#e0702a",
    slot_example.MASK: "#1fa67a",
    slot_example.QUERY: "#b565a7",
}

_LEGEND = {
    slot_example.TOKEN: "token that is not predicted",
    slot_example.PREDICTED_TOKEN: "predicted token",
    slot_example.MASK: "stand-in for a predicted token",
    slot_example.QUERY: "query that predicts a token",
}

_LONGEST_LABEL = 16

# Lengths in cells, the picture's unit; the last one says how large a cell is.
_CHARACTER = 0.32
_HEADER = 1.5
_STREAM_GAP = 1.5
_STEPS_LENGTH = 2.75
_LEGEND_WIDTH = 22
_LEGEND_HEIGHT = 3
_CELL_INCHES = 0.26


def visibility_figure(example):
    """Draws which content slots (columns) each slot (row) of an example sees.

    The rows of the content stream come first, those of the query stream below. The square beside
    a token shows its part and its position. Behind a row stands the step it is at, below a column
    which steps see it, unless all do. Readable up to about 40 slots.

    Args:
        example: `mpnet_tf.visualization.slot_example.SlotExample`.

    Returns:
        matplotlib Figure.
    """
    slots, parts = example.slots, example.parts()
    visible = keras.ops.convert_to_numpy(
        visible_slots({name: values[np.newaxis] for name, values in slots.items()})
    )[0]
    num_slots, num_content_slots = visible.shape
    labels = [_shortened(token) for token in example.tokens]
    row_tops = np.arange(num_slots) + _STREAM_GAP * (np.arange(num_slots) >= num_content_slots)

    with styled():
        figure, axes = _new_axes(num_content_slots, row_tops[-1] + 1, labels)
        _draw_cells(axes, visible, row_tops, parts)
        for slot, (part, position) in enumerate(zip(parts, slots["position_ids"], strict=True)):
            _draw_chip(axes, (-_HEADER, row_tops[slot]), part, position=position)
            if slot < num_content_slots:
                _draw_chip(axes, (slot, -_HEADER), part, position=position)
        _head_rows(axes, example, labels, row_tops=row_tops)
        _head_columns(axes, example, labels, bottom=row_tops[-1] + 1)
        _name_streams(axes, num_content_slots, row_tops=row_tops)
        handles = [
            Patch(color=colour, label=_LEGEND[part])
            for part, colour in PART_COLOURS.items()
            if part in parts
        ]
        axes.legend(handles=handles, loc="lower left", ncols=2, fontsize="small")
    return figure


def _new_axes(num_columns, height, labels):
    """Makes axes that fill the figure, in units of cells, from the top downwards."""
    label_length = _CHARACTER * max(map(len, labels)) + _HEADER + 0.5
    left, right = -label_length, max(num_columns + _STEPS_LENGTH, _LEGEND_WIDTH - label_length)
    top, bottom = -label_length, height + _STEPS_LENGTH + _LEGEND_HEIGHT
    figure = new_figure((right - left) * _CELL_INCHES, (bottom - top) * _CELL_INCHES)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=(bottom, top))
    axes.set_axis_off()
    return figure, axes


def _draw_cells(axes, visible, row_tops, parts):
    num_columns = visible.shape[1]
    every_cell = [(column, top) for top in row_tops for column in range(num_columns)]
    grid = _squares(every_cell, margin=0)
    axes.add_patch(PathPatch(grid, facecolor="none", edgecolor="#8a93a0", alpha=0.35, lw=0.6))
    for part in dict.fromkeys(parts[:num_columns]):
        seen = [
            (column, row_tops[row]) for row, column in np.argwhere(visible) if parts[column] == part
        ]
        squares = _squares(seen, margin=0.08)
        axes.add_patch(PathPatch(squares, facecolor=PART_COLOURS[part], edgecolor="none"))


def _squares(corners, *, margin):
    """Makes one path of many squares, which an SVG holds in a tenth of the space."""
    near, far = margin, 1 - margin
    outline = np.array([(near, near), (far, near), (far, far), (near, far), (near, near)])
    vertices = np.asarray(corners, dtype=float).reshape(-1, 1, 2) + outline
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(vertices.reshape(-1, 2), codes * len(vertices))


def _head_rows(axes, example, labels, *, row_tops):
    num_columns = len(example.slots["key_start"])
    for row, top in enumerate(row_tops):
        step = example.slots["query_step"][row]
        strength = 0.45 if step == 0 else 1
        middle = top + 0.5
        _write(axes, (-_HEADER - 0.3, middle), labels[row], ha="right", va="center")
        _write(axes, (num_columns + 0.4, middle), f"step {step}", va="center", alpha=strength)


def _head_columns(axes, example, labels, *, bottom):
    slots = example.slots
    for column, (start, end) in enumerate(zip(slots["key_start"], slots["key_end"], strict=True)):
        place = {"ha": "center", "rotation": 90}
        middle = column + 0.5
        _write(axes, (middle, -_HEADER - 0.3), labels[column], va="bottom", **place)
        _write(axes, (middle, bottom + 0.4), _steps_that_see(start, end), va="top", **place)


def _name_streams(axes, num_content_slots, *, row_tops):
    place = {"ha": "right", "va": "bottom", "weight": "bold"}
    _write(axes, (-0.4, -0.35), "content stream", **place)
    if len(row_tops) > num_content_slots:
        _write(axes, (-0.4, row_tops[num_content_slots] - 0.35), "query stream", **place)
    _write(axes, (-0.4, row_tops[-1] + 1.4), "seen by steps", ha="right", va="top")


def _draw_chip(axes, corner, part, *, position):
    """Draws the square with a slot's position, in the colour of its part."""
    left, top = corner
    axes.add_patch(Rectangle((left + 0.08, top + 0.08), 0.84, 0.84, color=PART_COLOURS[part]))
    _write(axes, (left + 0.5, top + 0.52), str(position), color="#ffffff", ha="center", va="center")


def _write(axes, place, text, **style):
    # Tokens are the user's text: "$x$" is no formula.
    axes.text(*place, text, fontsize=8, parse_math=False, **style)


def _shortened(token):
    return token if len(token) <= _LONGEST_LABEL else token[: _LONGEST_LABEL - 1] + "…"


def _steps_that_see(start, end):
    if end < END_OF_STEPS:
        return f"to {end - 1}"
    return f"from {start}" if start > 0 else ""
