"""Documents right within and right beyond each threshold, and rules beside loops."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from data_prep.filters.quality import QualitySettings, quality_reasons
from data_prep.word_table import WordTable

NO_RULES = dict.fromkeys(
    (
        "min_words",
        "max_words",
        "min_mean_word_length",
        "max_mean_word_length",
        "max_symbol_share",
        "max_bullet_share",
        "max_ellipsis_share",
        "min_alphabetic_share",
        "min_stop_words",
    )
)
PROSE = "We have the words that people write to each other. " * 6


def reasons_of(texts, settings=None):
    return quality_reasons(texts, WordTable.of(texts), settings or QualitySettings())


def reason_by(rule, text):
    """Judges a text by one rule, of Gopher's threshold or the given one."""
    name, value = rule if isinstance(rule, tuple) else (rule, getattr(QualitySettings(), rule))
    return reasons_of([text], QualitySettings(**{**NO_RULES, name: value}))[0]


def test_prose_stays_and_what_is_none_goes():
    texts = [PROSE, "", "The end.", "#### " * 60 + PROSE]
    assert reasons_of(texts) == [None, "too_few_words", "too_few_words", "symbols"]


@pytest.mark.parametrize(
    "rule, within, beyond, reason",
    [
        (("min_characters", 10), "a" * 10, "a" * 9, "too_few_characters"),
        (("max_characters", 10), "a" * 10, "a" * 11, "too_many_characters"),
        ("min_words", "word " * 50, "word " * 49, "too_few_words"),
        ("max_words", "word " * 100_000, "word " * 100_001, "too_many_words"),
        ("min_mean_word_length", "ab abcd", "ab abcd a", "short_words"),
        ("max_mean_word_length", "a" * 10 + " " + "b" * 10, "a" * 11, "long_words"),
        # One of ten words; a hash sign alone is a word, as whitespace has it.
        ("max_symbol_share", "word " * 9 + "#9", "word " * 8 + "#9", "symbols"),
        ("max_symbol_share", "word " * 9 + "on...", "word " * 9 + "on… on…", "symbols"),
        ("max_symbol_share", "word " * 16 + "#9 so...", "word " * 16 + "#9 #8 so...", "symbols"),
        ("max_bullet_share", "- a\n" * 9 + "b", "- a\n" * 10 + "b", "bullets"),
        ("max_bullet_share", " •a\n\n" * 9 + "b", " •a\n\n" * 10 + "b", "bullets"),
        ("max_bullet_share", "a * b - c", "* b", "bullets"),
        ("max_ellipsis_share", "a...\n" * 3 + "b\n" * 7, "a...\n" * 4 + "b\n" * 7, "ellipses"),
        ("max_ellipsis_share", "a… \n\n" * 3 + "b\n" * 7, "b\n\n" * 2 + "a ...", "ellipses"),
        ("max_ellipsis_share", "a... b\n" * 5, "a...", "ellipses"),
        ("min_alphabetic_share", "a b c d 1", "a b c 1", "few_letters"),
        ("min_alphabetic_share", "é (b) c3 中 ...", "é (b) c3 ...", "few_letters"),
        ("min_stop_words", "The end of it", "The end, the other end", "few_stop_words"),
        ("min_stop_words", "BE WITH", "Bees within", "few_stop_words"),
    ],
)
def test_thresholds_part_what_is_within_from_what_is_beyond(rule, within, beyond, reason):
    assert reason_by(rule, within) is None
    assert reason_by(rule, beyond) == reason
    assert reasons_of([beyond], QualitySettings(**NO_RULES)) == [None]


def test_the_first_broken_rule_is_told():
    text = "# " * 60
    order = ["short_words", "symbols", "few_letters", "few_stop_words"]
    rules = ["min_mean_word_length", "max_symbol_share", "min_alphabetic_share", "min_stop_words"]
    for place, reason in enumerate(order):
        left_out = dict.fromkeys(rules[:place])
        assert reasons_of([text], QualitySettings(**left_out)) == [reason]


def test_scripts_without_spaces_are_judged_by_their_characters():
    settings = QualitySettings(min_stop_words=None)
    chinese = "人人生而自由在尊严和权利上一律平等。"
    # 17 characters in a token: three times as many are more than 50 words.
    assert reasons_of([chinese * 3, chinese * 2], settings) == [None, "too_few_words"]
    assert reasons_of(["你好\n" * 25, "你好\n" * 24], settings) == [None, "too_few_words"]
    # 3 of 5 words are Chinese, and then 3 of 7.
    mixed = "共有 2024 个 tokens\n"
    assert reasons_of([mixed * 10, mixed * 9], settings) == [None, "too_few_words"]
    spaced = "共有 2024 个 tokens in English\n"
    assert reasons_of([spaced * 9, spaced * 8], settings) == [None, "too_few_words"]


def test_declarations_of_human_rights_stay(shared_data):
    settings = QualitySettings(min_stop_words=None, min_mean_word_length=2.0)
    paths = sorted((shared_data / "multilingual").glob("*.txt"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    assert reasons_of(texts, settings) == [None] * len(texts)


@pytest.mark.parametrize("name", ["cmn_hans", "cmn_hant", "jpn", "tha"])
def test_scripts_without_spaces_need_no_settings_but_for_stop_words(shared_data, name):
    text = (shared_data / "multilingual" / f"{name}.txt").read_text(encoding="utf-8")
    lines = text.split("\n")
    texts = ["\n".join(lines[start : start + 20]) for start in range(0, 80, 20)]
    assert reasons_of(texts, QualitySettings(min_stop_words=None)) == [None] * len(texts)
    assert set(reasons_of(texts)) == {"few_stop_words"}


def test_stop_words_may_be_of_another_language():
    settings = QualitySettings(**{**NO_RULES, "min_stop_words": 2}, stop_words=("der", "ÜBER"))
    assert reasons_of(["Der Wind über", "Der der"], settings) == [None, "few_stop_words"]


def words_with(pieces):
    return st.lists(st.sampled_from(pieces), max_size=30).map("".join)


@hypothesis_settings(max_examples=300, deadline=None)
@given(st.lists(words_with(["a", " ", "\n", "- ", "•", "*", "...", "…", ".", "#"]), max_size=4))
def test_line_rules_are_those_of_loops(texts):
    settings = QualitySettings(
        **{**NO_RULES, "max_symbol_share": 0.2, "max_bullet_share": 0.4, "max_ellipsis_share": 0.3}
    )
    assert reasons_of(texts, settings) == [loop_reason(text, settings) for text in texts]


def loop_reason(text, settings):
    num_words = max(len(text.split()), 1)
    lines = [line.strip() for line in text.split("\n") if line.strip()] or ["-"]
    num_ellipses = text.count("...") + text.count("…")
    num_bullets = sum(line[0] in "•*-" for line in lines) if text.strip() else 0
    num_endings = sum(line.endswith(("...", "…")) for line in lines)
    if max(text.count("#"), num_ellipses) / num_words > settings.max_symbol_share:
        return "symbols"
    if num_bullets / len(lines) > settings.max_bullet_share:
        return "bullets"
    return "ellipses" if num_endings / len(lines) > settings.max_ellipsis_share else None


def test_documents_do_not_depend_on_each_other(shared_data):
    texts = (shared_data / "corpus" / "abc.txt").read_text(encoding="utf-8").split("\n\n")[:300]
    texts += [PROSE, "你好" * 40, "", "- a\n" * 60]
    together = reasons_of(texts)
    assert together == [reason for text in texts for reason in reasons_of([text])]
    assert len(set(together)) > 2
    assert reasons_of([]) == []


def test_english_of_many_kinds_stays(shared_data):
    texts = []
    for path in sorted((shared_data / "corpus").glob("*.txt")):
        texts += [text for text in path.read_text(encoding="utf-8").split("\n\n") if text.strip()]
    reasons = reasons_of(texts)
    shares = {reason: reasons.count(reason) / len(texts) for reason in set(reasons) - {None}}
    # News in brief, 71 of 5,535, and reviews whose marks are tokens of their own, 26.
    assert shares.keys() == {"too_few_words", "few_letters"}
    assert 0.01 < shares["too_few_words"] < 0.015
    assert 0.004 < shares["few_letters"] < 0.006


@pytest.mark.parametrize(
    "values, message",
    [
        ({"min_words": -1}, r"`min_words` must be at least 0, or None\. Received: min_words=-1"),
        ({"min_words": 9, "max_words": 8}, r"`min_words` must not exceed `max_words`\. Received"),
        ({"min_characters": 2, "max_characters": 1}, r"`min_characters` must not exceed"),
        ({"max_mean_word_length": 2.0}, r"`min_mean_word_length` must not exceed"),
        ({"max_symbol_share": -0.1}, r"`max_symbol_share` must be at least 0, or None"),
        ({"max_bullet_share": 1.5}, r"`max_bullet_share` must be from 0 to 1, or None"),
        ({"max_ellipsis_share": -1}, r"`max_ellipsis_share` must be from 0 to 1, or None"),
        ({"min_alphabetic_share": 80}, r"from 0 to 1, or None\. Received: min_alphabetic_share=80"),
        ({"stop_words": ("the", "The")}, r"`min_stop_words` must not exceed the number of diff"),
        (
            {"stop_words": ("the", "isn't")},
            r"`stop_words` must be a word each.*Received: .isn't.",
        ),
        ({"stop_words": ("the", "...")}, r"`stop_words` must be a word each.*Received: '\.\.\.'"),
        ({"stop_words": ("的", "我们")}, r"one character in scripts without.*Received: '我们'"),
    ],
)
def test_settings_out_of_range_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        QualitySettings(**values)
