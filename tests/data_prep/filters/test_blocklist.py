"""Words and phrases of lists, beside a search through lists of words."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from data_prep.filters.blocklist import Blocklist, BlocklistSettings
from data_prep.word_table import WordTable
from tests.data_prep.word_loop import words_of


def reasons_of(phrases, texts, **settings):
    return Blocklist(phrases, BlocklistSettings(**settings)).reasons(WordTable.of(texts))


def num_matches(phrases, text):
    words = words_of(text)
    different = {tuple(words_of(phrase)) for phrase in phrases}
    return sum(
        tuple(words[start : start + length]) in different
        for length in {len(phrase) for phrase in different}
        for start in range(len(words) - length + 1)
    )


TEXTS = st.lists(st.sampled_from(["a", "B", "ab", "中", "文", "1"]), max_size=12).map(" ".join)


@hypothesis_settings(max_examples=300, deadline=None)
@given(
    st.lists(TEXTS.filter(bool), min_size=1, max_size=4),
    st.lists(TEXTS, max_size=4),
    st.integers(1, 3),
    st.floats(0, 1),
)
def test_matches_are_those_of_a_search(phrases, texts, min_matches, min_share):
    expected = []
    for text in texts:
        count = num_matches(phrases, text)
        is_dropped = count >= min_matches and count / max(len(words_of(text)), 1) >= min_share
        expected.append("blocklisted" if is_dropped else None)
    found = reasons_of(phrases, texts, min_matches=min_matches, min_share=min_share)
    assert found == expected


@pytest.mark.parametrize(
    "text, is_dropped",
    [
        ("At the CASINO!", True),
        ("casinos and the occasional", False),
        ("Free money.", True),
        ("free - Money", True),
        ("money free, freemoney", False),
        ("free\nmoney", True),
        ("在线賭場網", True),
        ("賭 是 場", False),
    ],
)
def test_words_match_at_their_borders_in_any_case(text, is_dropped):
    reason = "blocklisted" if is_dropped else None
    assert reasons_of(["casino", "FREE money", "賭場"], [text]) == [reason]


def test_phrases_reach_into_no_other_document():
    assert reasons_of(["free money"], ["it is free", "money is not"]) == [None, None]


def test_thresholds_part_few_matches_from_many():
    texts = ["bad " + "good " * 9, "bad bad " + "good " * 8, "bad bad " + "good " * 9]
    assert reasons_of(["bad"], texts, min_matches=2) == [None, "blocklisted", "blocklisted"]
    assert reasons_of(["bad"], texts, min_matches=2, min_share=0.2) == [None, "blocklisted", None]


def test_files_have_comments_and_empty_lines(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("\ufeff# Not wanted:\ncasino\n\n  # nor this\n free money \n", encoding="utf-8")
    blocklist = Blocklist.of_file(BlocklistSettings(file=str(path)))
    texts = ["A casino.", "Free money!", "This is not wanted, nor this."]
    assert blocklist.reasons(WordTable.of(texts)) == ["blocklisted", "blocklisted", None]


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", r"The blocklist holds no word"),
        (b"# casino\n\n", r"The blocklist holds no word"),
        (b"casino\n***\n", r"entry without letters or digits: '\*\*\*'"),
        (b"caf\xe9\n", r"words\.txt is not UTF-8"),
    ],
)
def test_files_without_words_are_refused(tmp_path, content, message):
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        Blocklist.of_file(BlocklistSettings(file=str(path)))


def test_a_file_must_be_named():
    with pytest.raises(ValueError, match=r"`file` must name the blocklist\. Received: none"):
        Blocklist.of_file(BlocklistSettings())


@pytest.mark.parametrize(
    "values, message",
    [
        ({"min_matches": 0}, r"`min_matches` must be at least 1\. Received: min_matches=0"),
        ({"min_share": 5}, r"`min_share` must be from 0 to 1\. Received: min_share=5"),
    ],
)
def test_settings_out_of_range_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        BlocklistSettings(**values)
