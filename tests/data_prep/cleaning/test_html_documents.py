"""Text of HTML pages."""

import pytest

from data_prep.cleaning.html_documents import html_to_text

PAGE = """<!DOCTYPE html><html><head><title>Title</title><style>p {color: red}</style></head>
<body><nav><ul><li><a href="/">Home</a></li><li><a href="/about">About</a></li></ul></nav>
<main><article><h1>Heading</h1>
<p>First   paragraph with <b>bold</b>
words &amp; an entity, long enough to be the main part of a page.</p>
<p>Second paragraph.<br>After a break.</p><ol><li>1st item</li></ol>
<script>var x = "<p>no text</p>";</script><!-- a comment --></article></main>
<footer>All rights reserved</footer></body></html>"""


def lines(text):
    return [line for line in text.split("\n") if line.strip()]


def test_main_content():
    assert lines(html_to_text(PAGE)) == [
        "Heading",
        "First paragraph with bold words & an entity, long enough to be the main part of a page.",
        "Second paragraph.",
        "After a break.",
        "  1st item",
    ]


def test_whole_page():
    text = html_to_text(PAGE, main_content=False)
    assert [line.strip() for line in lines(text)][:3] == ["Home", "About", "Heading"]
    assert "All rights reserved" in text
    assert "no text" not in text
    assert "color" not in text


@pytest.mark.parametrize(
    "html", ["", " ", "<", "no markup at all", "<p>half \ud800", "\x00<p>\x00"]
)
def test_odd_pages(html):
    html_to_text(html).encode("utf-8")


def test_table_rows_are_lines():
    html = "<body><table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table></body>"
    assert [line.split() for line in lines(html_to_text(html))] == [["a", "b"], ["c", "d"]]
