"""Pictures of how a run went, from the records of its `metrics.jsonl`."""

import math

from matplotlib.ticker import EngFormatter, MaxNLocator

from mpnet_tf.visualization.inline_svg import INK, new_figure, styled

_TRAINING = "#3d8fd1"
_HELD_OUT = "#e0702a"


def loss_figure(history, *, unigram_loss=None):
    """Draws the training and held-out loss over the steps.

    Args:
        history: list of dicts with `step` and any of `loss` and `heldout_loss`, in order.
        unigram_loss: float or None. Loss of the model that knows the tokens' frequencies alone,
            drawn as a dashed line.

    Returns:
        matplotlib Figure.
    """
    with styled():
        figure, axes = _new_axes("Loss (nats per predicted token)")
        _draw(axes, history, "loss", label="training", colour=_TRAINING)
        _draw(axes, history, "heldout_loss", label="held-out", colour=_HELD_OUT)
        if unigram_loss is not None:
            axes.axhline(
                unigram_loss, color=INK, linestyle="--", linewidth=1, label="unigram model"
            )
        axes.legend(fontsize="small")
    return figure


def accuracy_figure(history):
    """Draws the share of predicted tokens that are right, in training and held out.

    Args:
        history: list of dicts with `step` and any of `accuracy` and `heldout_accuracy`, in order.

    Returns:
        matplotlib Figure.
    """
    with styled():
        figure, axes = _new_axes("Accuracy of predicted tokens")
        _draw(axes, history, "accuracy", label="training", colour=_TRAINING)
        _draw(axes, history, "heldout_accuracy", label="held-out", colour=_HELD_OUT)
        axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g}%")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize="small")
    return figure


def learning_rate_figure(history):
    """Draws the learning rate over the steps.

    Args:
        history: list of dicts with `step` and `learning_rate`, in order.

    Returns:
        matplotlib Figure.
    """
    with styled():
        figure, axes = _new_axes("Learning rate")
        _draw(axes, history, "learning_rate", label="learning rate", colour=_TRAINING)
        axes.yaxis.set_major_formatter(lambda rate, _: f"{rate:.3g}")
        axes.set_ylim(bottom=0)
    return figure


def _new_axes(title):
    figure = new_figure(4.2, 3)
    axes = figure.add_axes((0.17, 0.16, 0.8, 0.74), title=title, xlabel="step")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    return figure, axes


def _draw(axes, history, name, *, label, colour):
    """Draws one figure of the records over their steps, leaving out records without it."""
    points = [
        (record["step"], record[name])
        for record in history
        if record.get(name) is not None and math.isfinite(record[name])
    ]
    # A few points need marks: one alone makes no line.
    marker = "o" if len(points) <= 40 else None
    steps = [step for step, _ in points]
    values = [value for _, value in points]
    axes.plot(steps, values, color=colour, label=label, linewidth=1.6, marker=marker, markersize=3)
