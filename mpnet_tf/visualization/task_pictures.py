"""Pictures of what a fine-tuned model said."""

import numpy as np

from mpnet_tf.visualization.inline_svg import INK, new_figure, styled

SEED_COLOURS = ("#3d8fd1", "#e0702a", "#3a9d5d", "#a05cc2", "#c2a13a")


def new_axes(width=5.2, height=3.6):
    """Makes a matplotlib figure of so many inches with axes in it, and returns both."""
    figure = new_figure(width, height)
    return figure, figure.add_axes((0.14, 0.17, 0.82, 0.76))


def draw_confusion(matrix, class_names):
    """Draws how often each class is taken for which.

    Args:
        matrix: int array `(num_classes, num_classes)`. Examples by true and predicted class.
        class_names: sequence of str.

    Returns:
        The matplotlib figure and a line of text on it.
    """
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    with styled():
        figure, axes = new_axes()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.6, aspect="auto")
        axes.grid(False)
        for row, column in np.ndindex(matrix.shape):
            axes.text(
                column, row, f"{matrix[row, column]:,}", ha="center", va="center", color="#10161f"
            )
        axes.set_xticks(range(len(class_names)), class_names)
        axes.set_yticks(range(len(class_names)), class_names)
        axes.set_xlabel("Predicted")
        axes.set_ylabel("True")
    return figure, "Which class is taken for which"


def draw_scores(targets, answers):
    """Draws the scores that a model gave against those that were right.

    Args:
        targets, answers: sequences of float.

    Returns:
        The matplotlib figure and a line of text on it.
    """
    with styled():
        figure, axes = new_axes()
        axes.scatter(targets, answers, s=6, alpha=0.4, color=SEED_COLOURS[0], lw=0)
        axes.set_xlabel("True score")
        axes.set_ylabel("Predicted score")
        ends = [min(targets), max(targets)]
        axes.plot(ends, ends, color=INK, linestyle="--", linewidth=1)
    return figure, "Scores given and scores predicted"
