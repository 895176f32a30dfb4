"""The page of results of fine-tuning."""

import pathlib

from mpnet_tf.finetuning.seed_figures import told
from mpnet_tf.visualization import html_parts
from mpnet_tf.visualization.inline_svg import inline_svg, styled
from mpnet_tf.visualization.report_style import STYLE
from mpnet_tf.visualization.task_pictures import SEED_COLOURS, new_axes


def write_finetuning_report(path, results, pictures):
    """Writes the page as one HTML file that needs no other.

    Args:
        path: str. The file.
        results: dict, as `run_finetuning` returns it.
        pictures: list of pairs of a matplotlib figure and a line of text on it, shown after the
            curves.
    """
    headline = results["headline_metric"]
    tiles = [
        html_parts.tile(name, told(figure), note=f"seeds: {len(results['runs'])}")
        for name, figure in results["metrics"].items()
    ]
    curves = [
        (_curves(results["runs"], "loss", "Training loss"), "Training loss over the epochs"),
        (_curves(results["runs"], headline, headline), f"{headline} over the epochs"),
    ]
    cards = [html_parts.card(inline_svg(figure, text)) for figure, text in [*curves, *pictures]]
    figures = {name: value for name, value in results.items() if name not in ("runs", "settings")}
    tables = [
        html_parts.table("Results", figures),
        html_parts.table("Settings", results["settings"]),
    ]
    title = f"Fine-tuning for {results['task']}"
    body = [
        f"<h1>{html_parts.escape(title)}</h1>",
        html_parts.grid(tiles, kind="tiles"),
        html_parts.section("How it went", "", content=html_parts.grid(cards)),
        html_parts.section("Everything in figures", "", content=html_parts.grid(tables)),
    ]
    page = html_parts.page(title, STYLE, body="\n".join(body))
    pathlib.Path(path).write_text(page, encoding="utf-8")


def _curves(runs, name, label):
    with styled():
        figure, axes = new_axes()
        for number, run in enumerate(runs):
            axes.plot(
                [record["epoch"] for record in run["history"]],
                [record[name] for record in run["history"]],
                marker="o",
                color=SEED_COLOURS[number % len(SEED_COLOURS)],
                label=f"seed {run['seed']}",
            )
        axes.set_xlabel("Epoch")
        axes.set_ylabel(label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(fontsize="small")
    return figure
