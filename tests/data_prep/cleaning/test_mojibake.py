"""Mojibake: planted in text of many languages, repaired or found; none seen in sound text."""

# ruff: noqa: RUF001

import pytest

from data_prep.cleaning.clean import CleaningSettings, clean_texts
from data_prep.cleaning.mojibake import count_signs, is_mojibake
from tests.data_prep.cleaning.hard_texts import MISREADINGS, paragraphs

LANGUAGES = ("eng", "fra", "spa", "fin", "rus", "tur")
# Boilerplate aside, so that what was repaired can be compared with what was meant.
SETTINGS = CleaningSettings(remove_boilerplate=False)


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("", 0),
        ("Plain text.", 0),
        ("Déjà vu à l’École: «œuvre», 5 £ – 10 °C", 0),
        ("Привет, мир! Объём 5 м² «да»; п’ять…", 0),
        ("lost \ufffd letters \ufffd", 2),
        ("Ïðèâåò ìèð âñåì", 2),
        ("DeclaraciГіn Universal", 2),
        ("锟斤拷锟斤拷", 2),
    ],
)
def test_signs(text, signs):
    assert count_signs(text) == signs


def test_few_signs_in_a_long_text_are_none():
    assert is_mojibake("a \ufffd b " * 3 + "a" * 500)
    assert not is_mojibake("a \ufffd b " * 3 + "a" * 600)
    assert not is_mojibake("a \ufffd b " * 2)


def test_question_marks_for_letters():
    assert is_mojibake("??????? ?? ?????????, 1948 ????? ?????")
    assert not is_mojibake("What? Why? How? Who would do that, and when did it all begin? Never?")
    assert not is_mojibake("?" * 19)


def outcomes(shared_data, misread, languages=LANGUAGES):
    """Returns the shares of misread paragraphs repaired exactly, found, and neither."""
    sound = [
        piece
        for language in languages
        for piece in paragraphs(shared_data / "multilingual" / f"{language}.txt")
    ]
    pairs = [(piece, misread(piece.encode("utf-8"))) for piece in sound]
    pairs = [(piece, broken) for piece, broken in pairs if broken != piece]
    meant = clean_texts([piece for piece, _ in pairs], SETTINGS).texts
    cleaned = clean_texts([broken for _, broken in pairs], SETTINGS)
    repaired = [text == wanted for text, wanted in zip(cleaned.texts, meant, strict=True)]
    found = [
        not is_repaired and reason == "mojibake"
        for is_repaired, reason in zip(repaired, cleaned.reasons, strict=True)
    ]
    assert len(pairs) > 60
    return sum(repaired) / len(pairs), sum(found) / len(pairs)


# What was measured on some 90 paragraphs each, less a little.
@pytest.mark.parametrize(
    ("misreading", "min_repaired", "min_repaired_or_found"),
    [
        ("latin-1", 1.0, 1.0),
        ("windows-1252", 0.98, 0.98),
        ("windows-1252 twice", 0.98, 0.98),
        # ftfy cannot undo that for some letters of French, Spanish and Turkish.
        ("windows-1251", 0.5, 0.95),
        ("windows-1252, undefined bytes lost", 0.65, 0.85),
        ("windows-1251, undefined bytes lost", 0.5, 0.95),
        # English paragraphs lost an apostrophe or two, which is too little to drop them for.
        ("ASCII, all else lost", 0.0, 0.94),
    ],
)
def test_planted_mojibake_is_repaired_or_found(
    shared_data, misreading, min_repaired, min_repaired_or_found
):
    repaired, found = outcomes(shared_data, MISREADINGS[misreading])
    print(f"{misreading}: {repaired:.3f} repaired exactly, {found:.3f} found")
    assert repaired >= min_repaired
    assert repaired + found >= min_repaired_or_found


def test_cyrillic_read_as_latin_1_is_found(shared_data):
    pieces = paragraphs(shared_data / "multilingual" / "rus.txt")
    broken = [piece.encode("cp1251").decode("latin-1") for piece in pieces]
    assert clean_texts(broken, SETTINGS).reasons == ["mojibake"] * len(pieces)


def test_sound_text_is_not_taken_for_mojibake(shared_data):
    pieces = []
    for folder, min_characters in (("multilingual", 600), ("corpus", 1500)):
        for path in sorted((shared_data / folder).glob("*.txt")):
            pieces += paragraphs(path, min_characters)
    cleaned = clean_texts(pieces, SETTINGS)
    assert len(pieces) > 5000
    assert cleaned.reasons == [None] * len(pieces)
    # One line of the news has "Â" for a dash that was lost.
    assert cleaned.counts["documents_repaired"] <= 1
