"""Documents right within and right beyond each threshold, and all rules beside loops."""

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from data_prep.filters.repetition import RepetitionSettings, repetition_reasons
from data_prep.word_table import WordTable
from tests.data_prep.filters.ngram_loop import repeated_share, top_share

NO_RULES = dict.fromkeys(
    (
        "max_line_share",
        "max_paragraph_share",
        "max_line_character_share",
        "max_paragraph_character_share",
        "max_top_shares",
        "max_repeated_shares",
    )
)


def reasons_of(texts, settings=None):
    return repetition_reasons(texts, WordTable.of(texts), settings or RepetitionSettings())


def reason_by(rule, text):
    """Judges a text by Gopher's threshold of one rule."""
    value = getattr(RepetitionSettings(), rule)
    return reasons_of([text], RepetitionSettings(**{**NO_RULES, rule: value}))[0]


def numbers(count, *, first):
    return [str(number) for number in range(first, first + count)]


@pytest.mark.parametrize(
    "rule, within, beyond, reason",
    [
        # 3 of 10 lines and 4 of 11 stood before.
        (
            "max_line_share",
            "a\n" * 4 + "b\nc\nd\ne\nf\ng",
            "a\n" * 5 + "b\nc\nd\ne\nf\ng",
            "_lines",
        ),
        ("max_line_share", "a\n\n \n\n b", "a\n\n \n\n a", "_lines"),
        ("max_paragraph_share", "a\n\nb\n\nc\na\n", "a\n\nb\n\n\n a", "_paragraphs"),
        ("max_paragraph_share", "a\nb\na", "a\n \nb\n\t\na", "_paragraphs"),
        # 2 of 10 characters and 3 of 11.
        ("max_line_character_share", "ab\nab\ncdefgh", "abc\nabc\ndefgh", "_line_characters"),
        (
            "max_paragraph_character_share",
            "ab\n\nab\n\ncd\n\nefgh",
            "abc\n\nabc\n\ncd\n\nefg",
            "_paragraph_characters",
        ),
    ],
)
def test_thresholds_of_lines(rule, within, beyond, reason):
    assert reason_by(rule, within) is None
    assert reason_by(rule, beyond) == f"repeated{reason}"


@pytest.mark.parametrize("n, percent", [(2, 20), (3, 18), (4, 16)])
def test_thresholds_of_top_ngrams(n, percent):
    largest = tuple(percent / 100 if size == n else 1.0 for size in (2, 3, 4))
    settings = RepetitionSettings(**{**NO_RULES, "max_top_shares": largest})
    texts = [*texts_around(n, percent)]
    assert reasons_of(texts, settings) == [None, f"top_{n}_gram"]


@pytest.mark.parametrize("n", range(5, 11))
def test_thresholds_of_repeated_ngrams(n):
    percent = 20 - n
    largest = tuple(percent / 100 if size == n else 1.0 for size in range(5, 11))
    settings = RepetitionSettings(**{**NO_RULES, "max_repeated_shares": largest})
    texts = [*texts_around(n, percent)]
    assert reasons_of(texts, settings) == [None, f"repeated_{n}_grams"]


def texts_around(n, percent):
    """Makes two texts of which an n-gram that stands there twice takes a share, and a bit more."""
    num_words = -(-2 * n * 100 // percent)
    for count in (num_words, num_words - 1):
        # All words are alike long.
        ngram = numbers(n, first=100)
        others = numbers(count - 2 * n, first=200)
        yield " ".join([*ngram, *others[:3], *ngram, *others[3:]])


def test_gopher_drops_documents_that_say_everything_again():
    text = " ".join(numbers(100, first=100))
    assert reasons_of([text, f"{text} {text}", ""]) == [None, "repeated_5_grams", None]


def test_none_leaves_a_rule_out():
    assert reasons_of(["a b c d e f\n\n" * 20], RepetitionSettings(**NO_RULES)) == [None]


LINES = st.lists(st.sampled_from(["a", " a", "bcd", "", " ", "ef\ng", "h"]), max_size=25)
# Stretches of 4 to 9 words, so that n-grams of all sizes are repeated.
STRETCHES = st.lists(st.sampled_from(["a", "bb", "中", "c d e f\n", "g h i\n\n"]), min_size=4)
SHARES = st.floats(0, 1)


@hypothesis_settings(max_examples=300, deadline=None)
@given(
    st.lists(LINES.map("\n".join), max_size=4),
    st.builds(RepetitionSettings, *(st.none() | SHARES for _ in range(4)), st.none(), st.none()),
)
def test_rules_of_lines_are_those_of_loops(texts, settings):
    assert reasons_of(texts, settings) == [loop_reason(text, settings) for text in texts]


@st.composite
def documents(draw):
    """Draws a text of a few stretches of words, each put there several times."""
    stretches = draw(st.lists(STRETCHES.map(" ".join), min_size=1, max_size=4))
    return " ".join(draw(st.lists(st.sampled_from(stretches), max_size=8)))


@hypothesis_settings(max_examples=200, deadline=None)
@given(
    st.lists(documents(), max_size=3),
    st.builds(
        RepetitionSettings,
        *(st.none() | SHARES for _ in range(4)),
        st.none() | st.tuples(*[SHARES] * 3),
        st.none() | st.tuples(*[SHARES] * 6),
    ),
)
def test_reasons_by_any_thresholds_are_those_of_loops(texts, settings):
    assert reasons_of(texts, settings) == [loop_reason(text, settings) for text in texts]


@hypothesis_settings(max_examples=100, deadline=None)
@given(documents())
def test_shares_that_are_just_reached_keep_a_document(text):
    shares = [*loop_figures(text).values()]
    # That of the top n-gram, which may overlap itself, is beyond 1 in some.
    settings = RepetitionSettings(*shares[:4], None, tuple(shares[7:]))
    assert reasons_of([text], settings) == [None]


def loop_figures(text):
    """Returns the share of a text that each rule looks at, in their order."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    of_lines, of_paragraphs = loop_shares(lines), loop_shares(paragraphs)
    return {
        "repeated_lines": of_lines[0],
        "repeated_paragraphs": of_paragraphs[0],
        "repeated_line_characters": of_lines[1],
        "repeated_paragraph_characters": of_paragraphs[1],
        **{f"top_{n}_gram": top_share(text, n) for n in (2, 3, 4)},
        **{f"repeated_{n}_grams": repeated_share(text, n) for n in range(5, 11)},
    }


def loop_reason(text, settings):
    limits = [*dataclasses.astuple(settings)[:4]]
    limits += settings.max_top_shares or [None] * 3
    limits += settings.max_repeated_shares or [None] * 6
    for (reason, share), limit in zip(loop_figures(text).items(), limits, strict=True):
        if limit is not None and share > limit:
            return reason
    return None


def loop_shares(parts):
    repeated = [part for place, part in enumerate(parts) if part in parts[:place]]
    num_characters = max(sum(map(len, parts)), 1)
    return len(repeated) / max(len(parts), 1), sum(map(len, repeated)) / num_characters


def test_documents_do_not_depend_on_each_other(shared_data):
    texts = (shared_data / "corpus" / "abc.txt").read_text(encoding="utf-8").split("\n\n")[:500]
    texts += ["so it goes " * 20, "你好" * 40, "", "a\nb\nc\n" * 9]
    together = reasons_of(texts)
    assert together == [reason for text in texts for reason in reasons_of([text])]
    assert len(set(together)) > 2
    assert reasons_of([]) == []


def test_english_of_many_kinds_stays(shared_data):
    texts = []
    for path in sorted((shared_data / "corpus").glob("*.txt")):
        texts += [text for text in path.read_text(encoding="utf-8").split("\n\n") if text.strip()]
    dropped = [reason for reason in reasons_of(texts) if reason]
    # 30 of 5,535, of which the King James Version's Genesis is one, and one for its lines.
    assert 0.004 < len(dropped) / len(texts) < 0.007
    assert 1 <= sum(reason.endswith("_gram") for reason in dropped) <= 10
    assert 15 <= sum(reason.endswith("_grams") for reason in dropped) <= 30


@pytest.mark.parametrize(
    "values, message",
    [
        (
            {"max_line_share": 30},
            r"`max_line_share` must be from 0 to 1, or None\. Received: max_l",
        ),
        ({"max_paragraph_character_share": -1}, r"`max_paragraph_character_share` must be from"),
        ({"max_top_shares": (0.2,)}, r"`max_top_shares` must be 3 shares from 0 to 1, for n-gr"),
        ({"max_top_shares": (20, 18, 16)}, r"3 shares from 0 to 1.* Received: max_top_shares=\(20"),
        ({"max_repeated_shares": (-1,) * 6}, r"`max_repeated_shares` must be 6 shares.* Received"),
    ],
)
def test_settings_out_of_range_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        RepetitionSettings(**values)
