"""The page of results of a run."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping

from mpnet_tf.visualization import html_parts
from mpnet_tf.visualization.blanks import FilledSentence
from mpnet_tf.visualization.curves import accuracy_figure, learning_rate_figure, loss_figure
from mpnet_tf.visualization.inline_svg import inline_svg
from mpnet_tf.visualization.report_style import STYLE
from mpnet_tf.visualization.slot_example import SlotExample
from mpnet_tf.visualization.visibility_picture import visibility_figure


@dataclasses.dataclass(frozen=True)
class RunReport:
    """What a report tells of a run.

    Args:
        title: str.
        config: dict, nested. The resolved configuration; its sections become tables.
        environment: dict. Versions, seed and the like.
        manifest: dict. What is known of the data.
        history: list of dicts as in `metrics.jsonl`, in the order of `step`. A record may lack
            any of `loss`, `accuracy`, `learning_rate`, `heldout_loss`, `heldout_accuracy`.
        results: dict. `heldout_perplexity`, `unigram_perplexity`, `heldout_accuracy`,
            `heldout_predictions`, `unigram_loss` and `training_seconds` are shown in large print
            or in pictures where they are there; all of it is in a table.
        blanks: list of `FilledSentence`.
        examples: dict from the names of objectives to a `SlotExample` of each, a short one.
    """

    title: str
    config: dict
    environment: dict
    manifest: dict
    history: list[dict]
    results: dict
    blanks: list[FilledSentence]
    examples: dict[str, SlotExample]


def write_report(path, report):
    """Writes a report as one HTML file that needs no other; it is complete or not there.

    Args:
        path: str or path of the file, which is replaced if it exists.
        report: `RunReport`.

    Raises:
        OSError: if the file cannot be written.
    """
    path = pathlib.Path(path)
    unfinished = path.with_name(f".{path.name}.unfinished-{os.getpid()}")
    try:
        unfinished.write_text(report_html(report), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise OSError(f"Cannot write {path}: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def report_html(report):
    """Returns the page as str; the same report gives the same page."""
    parts = [
        f"<h1>{html_parts.escape(report.title)}</h1>",
        _summary(report.results),
        _curves(report.history, report.results),
    ]
    if report.blanks:
        parts.append(_blanks(report.blanks))
    if report.examples:
        parts.append(_visibility(report.examples))
    parts.append(_details(report))
    return html_parts.page(report.title, STYLE, body="\n".join(parts))


def _summary(results):
    """Makes the figures in large print, of those results that are there."""
    tiles = []
    perplexity, unigram = results.get("heldout_perplexity"), results.get("unigram_perplexity")
    if perplexity is not None:
        note = "on predicted tokens of text not trained on"
        tiles.append(_tile("Held-out perplexity", perplexity, note=note))
    if unigram is not None:
        note = "from the tokens' frequencies alone"
        if perplexity:
            note += f", {unigram / perplexity:.1f} times the model's"
        tiles.append(_tile("Unigram perplexity", unigram, note=note))
    if results.get("heldout_accuracy") is not None:
        count = html_parts.readable(results.get("heldout_predictions"))
        accuracy = f"{results['heldout_accuracy']:.1%}"
        tiles.append(_tile("Held-out accuracy", accuracy, note=f"of {count} predicted tokens"))
    if results.get("training_seconds") is not None:
        minutes, seconds = divmod(round(results["training_seconds"]), 60)
        duration = f"{minutes} min {seconds} s"
        tiles.append(_tile("Training time", duration, note="from the first step to the last"))
    return html_parts.grid(tiles, kind="tiles")


def _tile(name, value, *, note):
    return html_parts.tile(name, html_parts.readable(value), note=note)


def _curves(history, results):
    pictures = [
        (
            loss_figure(history, unigram_loss=results.get("unigram_loss")),
            "Training and held-out loss over the steps, and the unigram model's loss",
        ),
        (accuracy_figure(history), "Training and held-out accuracy over the steps"),
        (learning_rate_figure(history), "Learning rate over the steps"),
    ]
    cards = [html_parts.card(inline_svg(figure, text)) for figure, text in pictures]
    return html_parts.section("How training went", "", content=html_parts.grid(cards))


def _blanks(sentences):
    text = (
        "Sentences of held-out text with a word or two left out, and the likeliest tokens for each "
        "blank with their probabilities. The word that stood there is marked where it is among "
        "them."
    )
    cards = [html_parts.card(_sentence(sentence)) for sentence in sentences]
    content = html_parts.grid(cards, kind="sentences")
    return html_parts.section("Filling blanks", text, content=content)


def _sentence(sentence):
    first, *others = sentence.text.split(sentence.mask_token)
    text = html_parts.escape(first)
    for number, other in enumerate(others, start=1):
        text += f'<span class="gap">{number}</span>{html_parts.escape(other)}'
    blanks = [
        _guesses(number, word, guesses)
        for number, (word, guesses) in enumerate(
            zip(sentence.words, sentence.guesses, strict=True), start=1
        )
    ]
    return f'<p class="sentence">{text}</p><div class="blanks">{"".join(blanks)}</div>'


def _guesses(number, word, guesses):
    items = []
    for guess in guesses:
        kind = "right" if guess.token == word else "other"
        items.append(
            f'<li class="{kind}" style="--share: {guess.score:.1%}">'
            f"<span>{html_parts.escape(guess.token)}</span><span>{guess.score:.1%}</span></li>"
        )
    return (
        f'<div><span class="muted">{number}: <b>{html_parts.escape(word)}</b></span>'
        f'<ol class="guesses">{"".join(items)}</ol></div>'
    )


def _visibility(examples):
    text = (
        "One sentence as the model meets it in training. A row shows which slots it sees. The "
        "number in a square is the position in the text, and after a dot the place in a blank; "
        "steps say how far the prediction has come."
    )
    figure = visibility_figure(list(examples.values()), list(examples))
    picture = inline_svg(figure, "Which slots of the sentence see which")
    content = html_parts.card(picture, kind="wide")
    return html_parts.section("Who sees whom", text, content=content)


def _details(report):
    """Makes the tables: results, data, environment, and one for each section of the config."""
    sections = {
        name: values for name, values in report.config.items() if isinstance(values, Mapping)
    }
    single = {name: value for name, value in report.config.items() if name not in sections}
    tables = [("Results", report.results), ("Data", report.manifest)]
    tables += [("Environment", report.environment), ("Configuration", single)]
    tables += [(f"Configuration: {name}", values) for name, values in sections.items()]
    cards = [html_parts.table(heading, values) for heading, values in tables if values]
    return html_parts.section("Everything in figures", "", content=html_parts.grid(cards))
