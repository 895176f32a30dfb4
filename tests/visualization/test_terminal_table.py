"""Tables for the terminal, and what stands in them."""

import io

import pytest
import rich.console

from mpnet_tf.visualization.terminal_table import bar, printable, size_text, terminal_table


def rendered(table, width=40):
    console = rich.console.Console(file=io.StringIO(), width=width)
    console.print(table)
    return console.file.getvalue().splitlines()


def test_cells_stand_as_they_are_and_flush():
    lines = rendered(
        terminal_table("words", [("token", "left"), ("n", "right")], [("[MASK]", "5"), ("a", "12")])
    )
    assert [line.split() for line in lines if line.strip("\u2500 ")] == [
        ["words"],
        ["token", "n"],
        ["[MASK]", "5"],
        ["a", "12"],
    ]
    assert lines[-1].index("2") == lines[-2].index("5")


def test_last_column_on_the_left_gives_way_and_others_do_not():
    rows = [("a long first cell", "much longer text " * 5)]
    lines = rendered(terminal_table("", [("what", "left"), ("text", "left")], rows))
    assert lines[-1].startswith("a long first cell   much longer")
    assert max(map(len, lines)) <= 40
    untitled = rendered(terminal_table("t", [("", "left"), ("", "left")], [("a", "b")]))
    assert [line.split() for line in untitled] == [["t"], ["a", "b"]]


@pytest.mark.parametrize(
    ("share", "width", "expected"),
    [(0, 4, ""), (1, 4, "\u2588" * 4), (0.5, 3, "\u2588\u258c"), (1e-9, 4, "\u258f")],
)
def test_bar_is_as_long_as_its_share(share, width, expected):
    assert bar(share, width) == expected


def test_every_character_shows():
    assert printable(" a\n\tb  c ") == "a b c"
    assert printable("bell\x07 \u4e2d\u200b") == "bell<U+0007> \u4e2d<U+200B>"


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1234, "1.2 kB"),
        (999_949, "1.0 MB"),
        (17_000_000, "17.0 MB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_sizes_are_short(size_bytes, expected):
    assert size_text(size_bytes) == expected
