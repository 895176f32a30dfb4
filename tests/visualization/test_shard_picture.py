"""The picture of lengths and vocabulary shows the numbers that were counted."""

import types

import numpy as np
import pytest
from matplotlib.patches import StepPatch

from mpnet_tf.data.length_counts import LengthCounts
from mpnet_tf.visualization.picture_file import write_picture
from mpnet_tf.visualization.shard_picture import shard_figure


def split(lengths, token_counts):
    return types.SimpleNamespace(
        lengths=LengthCounts.of(lengths), token_counts=np.array(token_counts)
    )


SPLITS = {
    "train": split([3, 3, 9, 200], [50, 0, 30, 20]),
    "heldout": split([5, 6], [1, 1, 0, 0]),
    "empty": split([], [0, 0, 0, 0]),
}


def test_lengths_and_shares_are_drawn(tmp_path):
    figure = shard_figure(SPLITS, row_length=128)
    lengths, coverage = figure.axes
    outlines = [patch for patch in lengths.patches if isinstance(patch, StepPatch)]
    labelled = {patch.get_label(): patch for patch in outlines}
    assert {"train", "heldout"} <= set(labelled) and "empty" not in labelled
    for name in ("train", "heldout"):
        values, edges, _ = labelled[name].get_data()
        expected, _ = np.histogram(
            np.repeat(SPLITS[name].lengths.lengths, SPLITS[name].lengths.counts), edges - 0.5
        )
        np.testing.assert_allclose(values, expected / expected.sum())
    assert "row of 128" in [text.get_text() for text in lengths.get_legend().get_texts()]
    curves = {line.get_label(): line for line in coverage.lines}
    np.testing.assert_array_equal(curves["train"].get_xdata(), [1, 2, 3, 4])
    np.testing.assert_allclose(curves["train"].get_ydata(), [0.5, 0.8, 1, 1])
    for name in ("a.svg", "b.svg"):
        write_picture(figure, tmp_path / name)
    assert (tmp_path / "a.svg").stat().st_size > 5000


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="no document to draw"):
        shard_figure({"empty": SPLITS["empty"]})
