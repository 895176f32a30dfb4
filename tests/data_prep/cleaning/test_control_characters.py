"""Characters that show nothing."""

import re
import unicodedata

import pytest
from hypothesis import given, settings, strategies

from data_prep.cleaning.control_characters import remove_control_characters
from tests.data_prep.cleaning.hard_texts import texts

FLAG_OF_WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"


@pytest.mark.parametrize(
    ("text", "left", "count"),
    [
        ("", "", 0),
        ("plain\ttext\n", "plain\ttext\n", 0),
        ("a\x00b\x07c\x7f", "abc", 3),
        ("a\x80b\x9fc", "abc", 2),
        ("one\r\ntwo\rthree\x0cfour\x0bfive\x85six\u2028seven\u2029eight", None, 7),
        ("soft\xadhyphen zero\u200bwidth \ufeffbom word\u2060joiner", None, 4),
        ("\u202eright to left\u202c \u200fmark\u200e \u2066isolate\u2069", None, 6),
        ("note\ufff9 object\ufffc no\ufffe \ufdd0 \U0001ffff \ud800", "note object no   ", 6),
        ("lost \ufffd\ufffd\ufffd letters \ufffd", "lost \ufffd letters \ufffd", 2),
        # Joiners: not in Latin; in Persian, Malayalam and emoji.
        ("a\u200cb\u200dc", "abc", 2),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", None, 0),
        ("\u0d05\u0d35\u0d28\u0d4d\u200d", None, 0),
        ("\U0001f469\u200d\U0001f4bb \u2764\ufe0f\u200d\U0001f525", None, 0),
        ("\U0001f469\u200d", "\U0001f469", 1),
        ("\u0645\u200c\u200c\u200d", "\u0645\u200c", 2),
        # Tags: in flags, not hidden in text.
        (f"{FLAG_OF_WALES}!", f"{FLAG_OF_WALES}!", 0),
        ("hidden\U000e0041\U000e0042\U000e007f", "hidden", 3),
    ],
)
def test_what_is_removed(text, left, count):
    cleaned, removed = remove_control_characters(text)
    assert removed == count
    if left is not None:
        assert cleaned == left
    elif count == 0:
        assert cleaned == text


def test_line_ends_become_line_feeds():
    text = "1\r\n2\r3\x0c4\x0b5\x856\u20287\u20298"
    assert remove_control_characters(text)[0] == "1\n2\n3\n4\n5\n6\n7\n8"


@given(strategies.one_of(texts(), strategies.text()))
@settings(max_examples=500, deadline=None)
def test_none_is_left_and_nothing_else_is_lost(text):
    cleaned, _ = remove_control_characters(text)
    cleaned.encode("utf-8")
    for character in cleaned:
        if character not in "\n\t":
            assert unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
    assert not re.search(
        "[\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]|\ufffd\ufffd", cleaned
    )
    assert remove_control_characters(cleaned) == (cleaned, 0)

    def shown(text):
        return [
            character
            for character in text
            if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")
            and character not in "\ufffc\ufffd"
        ]

    assert shown(cleaned) == shown(text)


def test_real_text_loses_nothing_that_shows(shared_data):
    for path in sorted((shared_data / "multilingual").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        cleaned, count = remove_control_characters(text)
        assert len(text) - len(cleaned) == count
        hidden = {c for c in text if unicodedata.category(c) in ("Cc", "Cf")} - set("\n\t")
        assert bool(count) <= bool(hidden)
