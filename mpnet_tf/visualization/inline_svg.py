"""Figures as SVG elements that take their ink from the page they stand in."""

import html
import io
import re
import warnings

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Text, axes and grids. In a page it becomes the page's own text colour, light or dark, so no
# mark of a picture may have just this colour.
INK = "#1c2430"

_STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titleweight": "bold",
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "font.size": 10,
    "font.sans-serif": ["DejaVu Sans"],
    # Text stays text: the reader's fonts know more scripts than matplotlib's.
    "svg.fonttype": "none",
}


def styled():
    """Returns the context in which all figures are made and saved."""
    return matplotlib.rc_context(_STYLE)


def new_figure(width_inches, height_inches):
    """Makes a figure that belongs to no window and no global state; call it within `styled`."""
    figure = Figure(figsize=(width_inches, height_inches), layout="none")
    FigureCanvasAgg(figure)
    return figure


def inline_svg(figure, description):
    """Turns a figure into an `<svg>` element to put in a page.

    Args:
        figure: matplotlib Figure, drawn in `INK` and in colours that show on light and dark.
        description: str. What the picture shows, for those who cannot see it. Every picture of a
            page needs its own.

    Returns:
        str. The same figure always gives the same text.
    """
    buffer = io.StringIO()
    with styled(), warnings.catch_warnings():
        # It is the reader's fonts that count, not those here.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        # Ids depend on this, and must differ between the pictures of a page.
        matplotlib.rcParams["svg.hashsalt"] = description
        # Without a date the file does not change from one writing to the next.
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    # Only the view box stays, so that the page decides on the size.
    opening, rest = svg.split(">", 1)
    opening = re.sub(r' (width|height)="[^"]*"', "", opening)
    label = html.escape(description)
    return f'{opening} role="img" aria-label="{label}" class="figure">{rest}'
