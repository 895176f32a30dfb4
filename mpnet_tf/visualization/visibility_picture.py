"""Who sees whom among the slots of examples, as a picture."""

import itertools
import math

from matplotlib.patches import Patch

from mpnet_tf.visualization import slot_example
from mpnet_tf.visualization.inline_svg import new_figure, styled
from mpnet_tf.visualization.visibility_panel import PART_COLOURS, Panel, shared_margins

_LEGEND = {
    slot_example.TOKEN: "token that is not predicted",
    slot_example.PREDICTED: "predicted token, seen from its step on",
    slot_example.STAND_IN: "stand-in for a predicted token",
    slot_example.QUERY: "query that predicts a token",
}

# Lengths in cells, the picture's unit; the last ones say how large a cell and a picture are.
_PANEL_GAP = 1.5
_LEGEND_WIDTH = 25
_LEGEND_HEIGHT = 3
_CELL_INCHES = 0.26
# Two stand side by side whatever their width; more only where a page can still show them.
_MOST_INCHES = 14


def visibility_figure(examples, titles=None):
    """Draws which content slots (columns) each slot (row) of an example sees.

    The rows of the content stream come first, those of the query stream below. The square beside
    a token shows its part and its position, and after a dot its place in the blank it fills.
    Behind a row stands the step it is at and the token it predicts, below a column which steps see
    it, unless all do. Several examples make panels side by side, on as many lines as they need.
    Readable up to about 40 slots each.

    Args:
        examples: `mpnet_tf.visualization.slot_example.SlotExample`, or a sequence of them.
        titles: sequence of str, one for each example, or None for none.

    Returns:
        matplotlib Figure, with one Axes for each example.

    Raises:
        ValueError: if there is no example, or not one title for each.
    """
    if isinstance(examples, slot_example.SlotExample):
        examples = [examples]
    titles = [""] * len(examples) if titles is None else titles
    if not examples or len(titles) != len(examples):
        raise ValueError(
            "`examples` must not be empty and `titles`, if given, must name each. "
            f"Received: {len(examples)} examples and {len(titles)} titles"
        )
    margins = shared_margins(examples, titles)
    panels = [
        Panel(example, title, margins) for example, title in zip(examples, titles, strict=True)
    ]
    lines = _lines(panels)
    # As in a table, each column is as wide as its widest panel and each line as high.
    widths = [
        max(panel.width for panel in column if panel) + _PANEL_GAP
        for column in itertools.zip_longest(*lines)
    ]
    heights = [max(panel.height for panel in line) for line in lines]
    width = max(_LEGEND_WIDTH, sum(widths) - _PANEL_GAP)
    height = sum(heights) + _LEGEND_HEIGHT
    with styled():
        figure = new_figure(width * _CELL_INCHES, height * _CELL_INCHES)
        for line, top in zip(lines, _starts(heights), strict=True):
            for panel, left in zip(line, _starts(widths), strict=False):
                bottom = height - top - panel.height
                place = left / width, bottom / height, panel.width / width, panel.height / height
                panel.draw(figure, place)
        _add_legend(figure, {part for panel in panels for part in panel.parts})
    return figure


def _lines(panels):
    """Spreads panels over as few lines as their widths allow, the same number on each."""
    widest = max(panel.width for panel in panels) + _PANEL_GAP
    most_on_a_line = max(2, int(_MOST_INCHES / _CELL_INCHES / widest))
    num_lines = math.ceil(len(panels) / most_on_a_line)
    per_line = math.ceil(len(panels) / num_lines)
    return [panels[first : first + per_line] for first in range(0, len(panels), per_line)]


def _starts(lengths):
    """Returns where each of some stretches begins that follow one another from 0."""
    return [0, *itertools.accumulate(lengths[:-1])]


def _add_legend(figure, parts):
    handles = [
        Patch(color=colour, label=_LEGEND[part])
        for part, colour in PART_COLOURS.items()
        if part in parts
    ]
    figure.legend(handles=handles, loc="lower left", ncols=2, fontsize="small")
