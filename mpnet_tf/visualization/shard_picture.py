"""How long documents are and how much of a vocabulary they use, as a picture."""

import numpy as np
from matplotlib.ticker import LogLocator, PercentFormatter

from mpnet_tf.data.length_counts import doubling_edges
from mpnet_tf.visualization.inline_svg import INK, new_figure, styled

_COLOURS = ("#3d8fd1", "#e0702a", "#3a9b6b", "#8a63c9")
_BINS_PER_DOUBLING = 4
_MOST_TICKS = 6
# A curve of more points looks the same.
_CURVE_POINTS = 400


def shard_figure(splits, *, row_length=None):
    """Draws how many documents have which length, and how many tokens make up most of the text.

    Args:
        splits: dict from split's name to `SplitStatistics`, each with a document at least.
        row_length: int or None. Marked among the lengths.

    Returns:
        matplotlib Figure with two Axes.

    Raises:
        ValueError: if there is no split with a document.
    """
    splits = {name: split for name, split in splits.items() if split.lengths.num_documents}
    if not splits:
        raise ValueError("There is no document to draw the length of.")
    with styled():
        figure = new_figure(9, 3.6)
        lengths = figure.add_axes(
            (0.08, 0.15, 0.4, 0.74), title="Documents by their tokens", xlabel="tokens"
        )
        coverage = figure.add_axes(
            (0.57, 0.15, 0.4, 0.74), title="Text that the most frequent tokens make up"
        )
        _draw_lengths(lengths, splits, row_length)
        _draw_coverage(coverage, splits)
    return figure


def _draw_lengths(axes, splits, row_length):
    edges = doubling_edges(
        min(split.lengths.quantile(0) for split in splits.values()),
        max(split.lengths.quantile(1) for split in splits.values()),
        bins_per_doubling=_BINS_PER_DOUBLING,
    )
    for colour, (name, split) in zip(_COLOURS, splits.items(), strict=False):
        # As shares, so that a small split shows beside a large one.
        shares = split.lengths.histogram(edges) / split.lengths.num_documents
        axes.stairs(shares, edges, fill=True, alpha=0.25, color=colour)
        axes.stairs(shares, edges, color=colour, linewidth=1.4, label=name)
    if row_length is not None:
        axes.axvline(
            row_length, color=INK, linestyle="--", linewidth=1, label=f"row of {row_length}"
        )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(LogLocator(base=2, numticks=_MOST_TICKS))
    axes.xaxis.set_major_formatter(lambda length, _: f"{length:,.0f}")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")


def _draw_coverage(axes, splits):
    for colour, (name, split) in zip(_COLOURS, splits.items(), strict=False):
        up_to = np.cumsum(np.sort(split.token_counts)[::-1])
        ranks = np.unique(np.geomspace(1, len(up_to), _CURVE_POINTS).astype(np.int64))
        axes.plot(ranks, up_to[ranks - 1] / up_to[-1], color=colour, linewidth=1.6, label=name)
    axes.axhline(0.99, color=INK, linestyle="--", linewidth=1, label="99%")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda rank, _: f"{rank:,.0f}")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("tokens, the most frequent first")
    axes.set_ylim(0, 1.02)
    axes.legend(fontsize="small", loc="lower right")
