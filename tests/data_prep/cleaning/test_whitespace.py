"""Blanks and line ends."""

import re

import pytest
from hypothesis import given, settings, strategies

from data_prep.cleaning.whitespace import normalize_whitespace


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("", ""),
        (" \n\n ", ""),
        ("one  two\t\tthree", "one two three"),
        ("  first \n second  \nthird", "first\nsecond\nthird"),
        ("paragraph\n\n\n\n \nparagraph\n\nlast\n\n", "paragraph\n\nparagraph\n\nlast"),
        ("«\xa0oui\xa0»\u2009!\u3000ok", "« oui » ! ok"),
        ("\u3000\u3000段落。\n\u3000次。", "段落。\n次。"),
    ],
)
def test_normalized(text, normalized):
    assert normalize_whitespace(text) == normalized


BLANKS = "\t \xa0\u1680\u2002\u2009\u202f\u205f\u3000"


@given(strategies.text(alphabet="ab" + BLANKS + "\n" * 3))
@settings(max_examples=500)
def test_is_what_splitting_gives(text):
    lines = [" ".join(re.split(f"[{BLANKS}]+", line)).strip(" ") for line in text.split("\n")]
    assert normalize_whitespace(text) == re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    assert normalize_whitespace(normalize_whitespace(text)) == normalize_whitespace(text)
