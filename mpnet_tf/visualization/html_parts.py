"""Pieces of HTML pages. All text that comes in is escaped here and nowhere else."""

import html
import math
from collections.abc import Mapping, Sequence


def escape(value):
    """Writes any value as text that is safe in HTML, within attributes too."""
    return html.escape(str(value))


def page(title, style, *, body):
    """Makes a page that needs no other file and runs no script.

    Args:
        title: str.
        style: str. The style sheet.
        body: str. HTML of what stands in `<main>`.

    Returns:
        str.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def section(heading, text, *, content):
    """Makes a section.

    Args:
        heading: str.
        text: str. What the reader sees there; may be empty.
        content: str. HTML.

    Returns:
        str.
    """
    introduction = f'<p class="muted">{escape(text)}</p>\n' if text else ""
    return f"<section>\n<h2>{escape(heading)}</h2>\n{introduction}{content}\n</section>"


def card(content, *, kind="plain"):
    """Puts HTML on a card; `kind` names a class of the style sheet."""
    return f'<div class="card {kind}">{content}</div>'


def grid(cards, *, kind="even"):
    """Lays out cards side by side, as many as there is room for."""
    return f'<div class="grid {kind}">\n' + "\n".join(cards) + "\n</div>"


def tile(name, value, *, note):
    """Makes a card with one figure in large print."""
    return card(
        f'<span class="name">{escape(name)}</span><b>{escape(value)}</b>'
        f"<span>{escape(note)}</span>",
        kind="tile",
    )


def table(heading, values):
    """Makes a card with a table of names and values.

    Args:
        heading: str, may be empty.
        values: dict. Values that are dicts themselves give rows with names joined by dots.

    Returns:
        str.
    """
    rows = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(readable(value))}</td></tr>'
        for name, value in flattened(values)
    )
    title = f"<h3>{escape(heading)}</h3>" if heading else ""
    return card(f"{title}<table>\n{rows}\n</table>")


def flattened(values, prefix=""):
    """Lists the leaves of nested dicts as pairs of dotted name and value."""
    pairs = []
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            pairs.extend(flattened(value, f"{prefix}{name}."))
        else:
            pairs.append((f"{prefix}{name}", value))
    return pairs


def readable(value):
    """Writes a value for readers: numbers to four digits, lists with commas, nothing as a dash."""
    if value is None or (isinstance(value, (Mapping, Sequence)) and len(value) == 0):
        return "\u2013"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(readable(item) for item in value)
    return str(value)
