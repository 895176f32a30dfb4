"""One example's part of a picture of who sees whom."""

import dataclasses
import unicodedata

import keras
import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from mpnet_tf.objectives.visibility import visible_slots
from mpnet_tf.visualization import slot_example

# Told apart by colour-blind readers (after Okabe and Ito), on light and on dark.
PART_COLOURS = {
    slot_example.TOKEN: "#3d8fd1",
    slot_example.PREDICTED: "#e0702a",
    slot_example.STAND_IN: "#1fa67a",
    slot_example.QUERY: "#b565a7",
}

_GRID_COLOUR = "#8a93a0"
_LONGEST_LABEL = 16
_WIDE_LATIN = "mwMW@%…"
_FONT_POINTS = 8
# A chip is so wide that three digits fill it.
_CHIP_POINTS = 26

# Lengths in cells.
_CHARACTER = 0.32
_WIDE_CHARACTER = 0.45
_TITLE_CHARACTER = 0.42
_TITLE_HEIGHT = 1.6
_HEADER = 1.5
_CELL_MARGIN = 0.08
_STREAM_GAP = 1.5
_STREAM_NAME_LENGTH = 5.2
_STEP_LENGTH = 2.6
_SEEN_BY_HEIGHT = 2.9
_BOTTOM = 0.6


@dataclasses.dataclass(frozen=True)
class Margins:
    """Room around the grids of cells, the same for all panels of a picture, in cells.

    Args:
        left: float. For the rows' tokens.
        right: float. For the rows' steps and what they predict.
        top: float. For the columns' tokens.
        title: float. Above those.
        bottom: float. For the steps that see the columns.
    """

    left: float
    right: float
    top: float
    title: float
    bottom: float


def shared_margins(examples, titles):
    """Finds the margins that the labels of all examples need.

    Args:
        examples: sequence of `SlotExample`.
        titles: sequence of str.

    Returns:
        `Margins`.
    """
    heads = _length([token for example in examples for token in example.tokens]) + _HEADER + 0.5
    targets = [target for example in examples for target in example.targets]
    restricted = any(text != "all" for example in examples for text in example.seen_by())
    return Margins(
        left=max(heads, _STREAM_NAME_LENGTH),
        right=_STEP_LENGTH + (_length(targets) + 0.8 if targets else 0),
        top=heads,
        title=_TITLE_HEIGHT if any(titles) else 0,
        bottom=_SEEN_BY_HEIGHT if restricted else _BOTTOM,
    )


class Panel:
    """Draws one example: the grid of cells with its labels.

    Args:
        example: `mpnet_tf.visualization.slot_example.SlotExample`.
        title: str, may be empty.
        margins: `Margins`.
    """

    def __init__(self, example, title, margins):
        self.example = example
        self.title = title
        self.margins = margins
        self.parts = example.parts()
        slots = {name: values[np.newaxis] for name, values in example.slots.items()}
        self._visible = keras.ops.convert_to_numpy(visible_slots(slots))[0]
        num_slots, self._num_columns = self._visible.shape
        rows = np.arange(num_slots)
        self._row_tops = rows + _STREAM_GAP * (rows >= self._num_columns)
        self._labels = [_shortened(token) for token in example.tokens]

    @property
    def width(self):
        """float. In cells."""
        grid = self.margins.left + self._num_columns + self.margins.right
        return max(grid, _TITLE_CHARACTER * len(self.title))

    @property
    def height(self):
        """float. In cells."""
        margins = self.margins
        return margins.title + margins.top + self._row_tops[-1] + 1 + margins.bottom

    def draw(self, figure, place):
        """Draws the panel into a figure.

        Args:
            figure: matplotlib Figure.
            place: tuple of left, bottom, width and height, in shares of the figure.
        """
        margins = self.margins
        left, top = -margins.left, -margins.top - margins.title
        axes = figure.add_axes(place, xlim=(left, left + self.width), ylim=(top + self.height, top))
        axes.set_axis_off()
        self._draw_cells(axes)
        self._draw_document_borders(axes)
        self._number_chips(axes)
        self._head_rows(axes)
        self._head_columns(axes)
        self._name_streams(axes)
        if self.title:
            title = {"weight": "bold", "va": "top", "fontsize": _FONT_POINTS + 2}
            _write(axes, (left + 0.3, top + 0.3), self.title, **title)

    def _draw_cells(self, axes):
        """Draws the grid, what is seen of it, and beside each token the square of its part."""
        grid = _grid(self._row_tops, self._num_columns)
        style = {"facecolor": "none", "edgecolor": _GRID_COLOUR, "alpha": 0.35, "lw": 0.6}
        axes.add_patch(PathPatch(grid, **style))
        corners = {part: [] for part in self.parts}
        for row, column in np.argwhere(self._visible):
            corners[self.parts[column]].append((column, self._row_tops[row]))
        for slot, part in enumerate(self.parts):
            corners[part] += self._chip_corners(slot)
        # One path for all squares of a colour: an SVG holds it in a tenth of the space.
        for part, places in corners.items():
            axes.add_patch(PathPatch(_squares(places), fc=PART_COLOURS[part], ec="none"))

    def _chip_corners(self, slot):
        corners = [(-_HEADER, self._row_tops[slot])]
        if slot < self._num_columns:
            corners.append((slot, -_HEADER))
        return corners

    def _draw_document_borders(self, axes):
        """Sets documents apart, where there are several, by lines across the grid."""
        segment_ids = self.example.slots["segment_ids"]
        ends = self._row_tops[-1] + 1
        style = {"color": _GRID_COLOUR, "lw": 1.2}
        for slot in np.flatnonzero(np.diff(segment_ids)) + 1:
            # The query stream begins with a gap, which is border enough.
            if slot != self._num_columns:
                top = self._row_tops[slot]
                axes.plot([-_HEADER, self._num_columns], [top, top], **style)
            if slot < self._num_columns:
                axes.plot([slot, slot], [-_HEADER, ends], **style)

    def _number_chips(self, axes):
        """Writes the position of each token into its square."""
        positions = zip(
            self.example.slots["position_ids"], self.example.block_positions, strict=True
        )
        for slot, (position, block_position) in enumerate(positions):
            text = f"{position}·{block_position}" if block_position else str(position)
            style = {"color": "#ffffff", "ha": "center", "va": "center"}
            style["fontsize"] = min(_FONT_POINTS, _CHIP_POINTS / len(text))
            for left, top in self._chip_corners(slot):
                _write(axes, (left + 0.5, top + 0.52), text, **style)

    def _head_rows(self, axes):
        predictions = self.example.predictions
        for row, top in enumerate(self._row_tops):
            step = self.example.slots["query_step"][row]
            strength = 0.45 if step == 0 else 1
            left, middle = self._num_columns + 0.4, top + 0.5
            label = (-_HEADER - 0.3, middle)
            _write(axes, label, self._labels[row], ha="right", va="center")
            _write(axes, (left, middle), f"step {step}", va="center", alpha=strength)
            if row in predictions:
                text = f"→ {_shortened(predictions[row])}"
                _write(axes, (left + _STEP_LENGTH - 0.2, middle), text, va="center")

    def _head_columns(self, axes):
        bottom = self._row_tops[-1] + 1.4
        for column, seen_by in enumerate(self.example.seen_by()):
            place = {"ha": "center", "rotation": 90}
            middle = column + 0.5
            _write(axes, (middle, -_HEADER - 0.3), self._labels[column], va="bottom", **place)
            if seen_by != "all":
                _write(axes, (middle, bottom), seen_by, va="top", **place)

    def _name_streams(self, axes):
        place = {"ha": "right", "va": "bottom", "weight": "bold"}
        _write(axes, (-0.4, -0.35), "content stream", **place)
        if len(self._row_tops) > self._num_columns:
            top = self._row_tops[self._num_columns]
            _write(axes, (-0.4, top - 0.35), "query stream", **place)
        if any(text != "all" for text in self.example.seen_by()):
            place = (-0.4, self._row_tops[-1] + 1.4)
            _write(axes, place, "seen by steps", ha="right", va="top")


def _grid(row_tops, num_columns):
    """Makes one path of the lines around all cells."""
    edges = np.union1d(row_tops, row_tops + 1)
    lines = [[(0, edge), (num_columns, edge)] for edge in edges]
    # The streams stand apart, so each has vertical lines of its own.
    firsts = row_tops[np.diff(row_tops, prepend=-np.inf) > 1]
    lasts = row_tops[np.diff(row_tops, append=np.inf) > 1] + 1
    for first, last in zip(firsts, lasts, strict=True):
        lines += [[(column, first), (column, last)] for column in range(num_columns + 1)]
    return Path(np.reshape(lines, (-1, 2)), [Path.MOVETO, Path.LINETO] * len(lines))


def _squares(corners):
    """Makes one path of many squares, each a little smaller than its cell."""
    near, far = _CELL_MARGIN, 1 - _CELL_MARGIN
    outline = np.array([(near, near), (far, near), (far, far), (near, far), (near, near)])
    vertices = np.reshape(corners, (-1, 1, 2)) + outline
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(vertices.reshape(-1, 2), codes * len(vertices))


def _write(axes, place, text, *, fontsize=_FONT_POINTS, **style):
    # Tokens are the user's text: "$x$" is no formula.
    axes.text(*place, text, fontsize=fontsize, parse_math=False, **style)


def _length(texts):
    """Estimates the length of the longest of some labels, in cells.

    From the characters alone: it is the reader's fonts that an SVG is drawn in.
    """
    return max(
        sum(
            _WIDE_CHARACTER if _is_wide(character) else _CHARACTER for character in _shortened(text)
        )
        for text in texts
    )


def _is_wide(character):
    return character in _WIDE_LATIN or unicodedata.east_asian_width(character) in "WF"


def _shortened(token):
    return token if len(token) <= _LONGEST_LABEL else token[: _LONGEST_LABEL - 1] + "…"
