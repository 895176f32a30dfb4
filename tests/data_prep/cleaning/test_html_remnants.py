"""Pieces of HTML in plain text."""

import html
import html.entities

import pytest

from data_prep.cleaning.html_remnants import remove_html_remnants


@pytest.mark.parametrize(
    ("text", "left", "count"),
    [
        ("one<br>two<br/>three<BR />four", "one\ntwo\nthree\nfour", 3),
        ("<p class='x'>A <b>bold</b> un<i>believ</i>able</p>", "\nA bold unbelievable\n", 6),
        ('see <a href="https://x.org/?a=1&b=2" target=_blank>here</a>.', "see here.", 2),
        ("<td>1</td><td nowrap>2</td>", " 1  2 ", 4),
        ("a<!-- hidden\n<p> -->b", "ab", 1),
        ("<script type=text/javascript>if (a < b) { x() }</script>rest", "rest", 1),
        ("<style>p { color: red }</style>", "", 1),
        ("<!DOCTYPE html><?xml version='1.0'?>x", "x", 2),
        ("<o:p></o:p>Word", "Word", 2),
        ('<input type="checkbox" checked> yes', " yes", 1),
        ("caf&eacute; &amp; th&#233; &#x263A; &nbsp;", "café & thé \u263a \xa0", 5),
        ("P&EACUTE;REZ", "PÉREZ", 1),
    ],
)
def test_removed(text, left, count):
    assert remove_html_remnants(text) == (left, count)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a < b and c > d",
        "if x<y or y>z",
        "if i<b and c>d",
        "mail <someone@example.org> or <https://example.org/a>",
        "std::vector<T> and Map<String, Integer>",
        "I <3 you, you <blush> liar",
        "<-- look here -->",
        "<!-- never closed",
        "AT&T, R&D; a & b; &notanentity; this&not that",
        "2 &lt 3",
    ],
)
def test_what_is_no_html_stays(text):
    assert remove_html_remnants(text) == (text, 0)


def test_entities_are_those_of_html():
    for name, character in html.entities.html5.items():
        if name.endswith(";") and len(name) <= 25:
            assert remove_html_remnants(f"&{name}") == (character, 1)
            assert html.unescape(f"&{name}") == character


def test_hostile_text_takes_time_in_proportion_to_its_length():
    for piece in ("<!--", "<script>", "<a href=", '<a title="', "<b ", "&#", "</", "<p x=1 "):
        text = piece * (200_000 // len(piece))
        remove_html_remnants(text)
