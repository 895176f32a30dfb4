"""Repair of Unicode: what ftfy itself makes of every text, called or not."""

# ruff: noqa: RUF001

import itertools

import ftfy
import pytest
from ftfy.badness import MOJIBAKE_CATEGORIES, badness
from hypothesis import given, settings

from data_prep.cleaning.mojibake import TELLTALE_CHARACTERS
from data_prep.cleaning.unicode_repair import REPAIRS, repair_unicode
from tests.data_prep.cleaning.hard_texts import MISREADINGS, paragraphs, texts


@pytest.mark.parametrize(
    ("broken", "repaired"),
    [
        ("l’Ã©tÃ©", "l’été"),
        ("donâ€™t", "don’t"),
        ("CafÃƒÂ© crÃƒÂ¨me", "Café crème"),
        ("РџСЂРёРІРµС‚", "Привет"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("\x1b[36;44mblue\x1b[0m", "blue"),
        ("\ud83d\ude00", "😀"),
        ("half \ud83d", "half \ufffd"),
        ("eﬃcient ﬂow", "efficient flow"),
        # What is no mistake stays.
        ("“curly” ‘quotes’ ＡＢＣ &eacute; e\u0301", "“curly” ‘quotes’ ＡＢＣ &eacute; e\u0301"),
        ("À la carte — 10 £, 5 °C, 2 × 3 «ok» ©", "À la carte — 10 £, 5 °C, 2 × 3 «ok» ©"),
        ("", ""),
    ],
)
def test_repairs(broken, repaired):
    assert repair_unicode(broken) == repaired


@given(texts(max_pieces=60))
@settings(max_examples=1500, deadline=None)
def test_repair_is_what_ftfy_makes_of_it(text):
    assert repair_unicode(text) == ftfy.fix_text(text, REPAIRS)


def test_repair_of_real_and_of_misread_text_is_what_ftfy_makes_of_it(shared_data):
    paths = sorted((shared_data / "multilingual").glob("*.txt"))
    pieces = [piece for path in paths for piece in paragraphs(path)]
    for path in (shared_data / "corpus").glob("*.txt"):
        pieces += paragraphs(path, min_characters=20_000)
    for piece in pieces:
        assert repair_unicode(piece) == ftfy.fix_text(piece, REPAIRS)
    for piece, misread in itertools.product(pieces[::5], MISREADINGS.values()):
        broken = misread(piece[:1000].encode("utf-8"))
        assert repair_unicode(broken) == ftfy.fix_text(broken, REPAIRS)


def test_each_sign_of_mojibake_holds_a_telltale_character():
    """All pairs of the characters that ftfy knows, in contexts that its patterns ask for."""
    characters = [
        character
        for category in MOJIBAKE_CATEGORIES.values()
        for character in expand_ranges(category)
        if character not in expand_ranges(TELLTALE_CHARACTERS)
    ]
    assert len(characters) > 150
    for context in ("{}{}", "a {}{} a", "a{}{}a", "{}a{}"):
        for first in characters:
            line = "\n".join(context.format(first, second) for second in characters)
            assert badness(line) == 0, (first, line)


def expand_ranges(members):
    """Returns the characters of a set in a regular expression, `a-z` written out."""
    expanded, index = [], 0
    while index < len(members):
        if members[index + 1 : index + 2] == "-" and index + 2 < len(members):
            expanded += map(chr, range(ord(members[index]), ord(members[index + 2]) + 1))
            index += 3
        else:
            expanded.append(members[index])
            index += 1
    return expanded
