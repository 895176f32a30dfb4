"""Tables for the terminal that look alike, and numbers and texts as they stand in them."""

import rich.box
from rich.table import Table
from rich.text import Text

_BAR = "\u2588"
# From nothing to seven eighths of a bar's last character.
_BAR_ENDS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589"


def terminal_table(title, columns, rows):
    """Makes a table without lines but that below its headings, where there are any.

    Args:
        title: str.
        columns: sequence of pairs of a heading and the side it is flush with, "left" or "right". A
            last column on the left takes the room that is there, and is cut where there is little.
        rows: iterable of sequences with a str for each column.

    Returns:
        `rich.table.Table`.
    """
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=rich.box.SIMPLE_HEAD,
        show_edge=False,
        show_header=any(heading for heading, _ in columns),
        padding=(0, 2, 0, 0),
    )
    # As `Text`, since a token such as [MASK] would be taken for an instruction to rich.
    rows = [[Text(cell) for cell in row] for row in rows]
    last = len(columns) - 1
    for place, (heading, side) in enumerate(columns):
        takes_room = 0 < place == last and side == "left"
        table.add_column(
            heading,
            justify=side,
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if takes_room else None,
            min_width=None if takes_room else max((row[place].cell_len for row in rows), default=0),
        )
    for row in rows:
        table.add_row(*row)
    return table


def bar(share, width):
    """Draws a share of a width in block characters.

    Args:
        share: float, 0 to 1. What is above 0 shows, however little.
        width: int. Characters that 1 takes.

    Returns:
        str, as long as it takes.
    """
    eighths = max(round(8 * share * width), share > 0)
    return (_BAR * (eighths // 8) + _BAR_ENDS[eighths % 8]).rstrip()


def printable(text):
    """Returns a text on one line in which every character shows.

    White space becomes a space; what cannot be printed becomes its code point, such as U+0007.
    """
    return "".join(
        character if character.isprintable() else f"<U+{ord(character):04X}>"
        for character in " ".join(text.split())
    )


def size_text(size_bytes):
    """Writes a size as people read it: 1,234 bytes as "1.2 kB"."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    size = float(size_bytes)
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 999.5 or unit == "TB":
            break
    return f"{size:.1f} {unit}"
