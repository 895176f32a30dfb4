"""The page of results of fine-tuning."""

import dataclasses
import pathlib

import numpy as np

from mpnet_tf.finetuning.classification_metrics import confusion_matrix
from mpnet_tf.finetuning.seed_figures import told
from mpnet_tf.finetuning.text_task import TextTask
from mpnet_tf.visualization import html_parts
from mpnet_tf.visualization.inline_svg import INK, inline_svg, new_figure, styled
from mpnet_tf.visualization.report_style import STYLE

_COLOURS = ("#3d8fd1", "#e0702a", "#3a9d5d", "#a05cc2", "#c2a13a")


@dataclasses.dataclass(frozen=True)
class FinetuningReport:
    """What the page tells.

    Args:
        task: `TextTask`.
        results: dict, as `run_text_finetuning` returns it.
        targets: sequence of str or float. The labels of the examples evaluated on.
        answers: sequence of str or float. What the best seed's model says of them.
    """

    task: TextTask
    results: dict
    targets: tuple
    answers: list


def write_finetuning_report(path, report):
    """Writes the page as one HTML file that needs no other.

    Args:
        path: str. The file.
        report: `FinetuningReport`.
    """
    task, results = report.task, report.results
    tiles = [
        html_parts.tile(name, told(figure), note=f"over {len(results['runs'])} seeds")
        for name, figure in results["metrics"].items()
    ]
    pictures = [
        (_curves(results["runs"], "loss", "Training loss"), "Training loss over the epochs"),
        (
            _curves(results["runs"], task.headline_metric, task.headline_metric),
            f"{task.headline_metric} over the epochs",
        ),
    ]
    if task.kind == "classification":
        matrix = confusion_matrix(report.targets, report.answers, task.class_names)
        pictures.append(
            (_matrix_figure(matrix, task.class_names), "Which class is taken for which")
        )
    else:
        pictures.append((_scatter(report), "Scores given and scores predicted"))
    cards = [html_parts.card(inline_svg(figure, text)) for figure, text in pictures]
    figures = {name: value for name, value in results.items() if name not in ("runs", "settings")}
    tables = [
        html_parts.table("Results", figures),
        html_parts.table("Settings", results["settings"]),
    ]
    title = f"Fine-tuning for {task.name}"
    body = [
        f"<h1>{html_parts.escape(title)}</h1>",
        html_parts.grid(tiles, kind="tiles"),
        html_parts.section("How it went", "", content=html_parts.grid(cards)),
        html_parts.section("Everything in figures", "", content=html_parts.grid(tables)),
    ]
    page = html_parts.page(title, STYLE, body="\n".join(body))
    pathlib.Path(path).write_text(page, encoding="utf-8")


def _axes(width=5.2, height=3.6):
    figure = new_figure(width, height)
    return figure, figure.add_axes((0.14, 0.17, 0.82, 0.76))


def _curves(runs, name, label):
    with styled():
        figure, axes = _axes()
        for number, run in enumerate(runs):
            axes.plot(
                [record["epoch"] for record in run["history"]],
                [record[name] for record in run["history"]],
                marker="o",
                color=_COLOURS[number % len(_COLOURS)],
                label=f"seed {run['seed']}",
            )
        axes.set_xlabel("Epoch")
        axes.set_ylabel(label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(fontsize="small")
    return figure


def _matrix_figure(matrix, class_names):
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    with styled():
        figure, axes = _axes()
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
    return figure


def _scatter(report):
    with styled():
        figure, axes = _axes()
        axes.scatter(report.targets, report.answers, s=6, alpha=0.4, color=_COLOURS[0], lw=0)
        low, high = min(report.targets), max(report.targets)
        axes.plot([low, high], [low, high], color=INK, linestyle="--", linewidth=1)
        axes.set_xlabel("True score")
        axes.set_ylabel("Predicted score")
    return figure
