"""Sentences: cases by hand, and nothing lost between them."""

# ruff: noqa: RUF001

import re
import sys

import pytest
from hypothesis import given, settings, strategies

from data_prep.sentences import SentenceSettings, one_sentence_a_line, split_sentences

# Each list is the sentences of one text.
ENGLISH = [
    ["Dr. Smith went to Washington.", "He met Mr. Jones, e.g. at 3 p.m. on Monday."],
    ["The U.S. is big.", "It is 3.14 cm long."],
    ["J. K. Rowling wrote it.", "George W. Bush read it."],
    ["I live in the U.S.", "He does not."],
    ['"Hello there," he said.', '"Go away!" she cried.'],
    ["Wait... what happened?", "Nothing.", "What?!", "Really?"],
    ["He paid $3.5 million vs. $2 million.", "See Fig. 3 and No. 5.", "St. Louis is nice."],
    ["“Quote one.”", "“Quote two!”", "End."],
    ["Apple Inc. said so.", "1. First item.", "2. Second item.", "(a) Third."],
    ["in lower case .", "as reviews are .", "ok ?"],
    ["No full stop"],
]
OTHERS = [
    ("fr", ["M. Dupont est arrivé.", "Il a dit « Bonjour. »", "Puis il est parti."]),
    ("de", ["Am 3. Oktober 1990 war z. B. Dr. Müller da.", "Er kam am 5. Mai."]),
    ("es", ["¿Qué hora es?", "¡Vamos!", "El Sr. García llegó."]),
    ("ru", ["Г. Иванов родился в 1990 г. в Москве.", "Он ушел."]),
    ("hi", ["यह पहला वाक्य है।", "यह दूसरा है।"]),
]
CHINESE = [
    ["今天天气很好。", "我们去公园玩！", "你去吗？"],
    ["他说：“你好。”", "然后走了。"],
    ["「為什麼？」", "她問。", "『不知道。』", "（完。）", "今天3.5度。"],
    ["真的吗？！", "是的……", "也许吧。"],
    ["人人生而自由；", "在尊严和权利上一律平等。"],
    ["“走吧！”，他说。", "她没有动。"],
    ["我用Python 3.11写的。", "很好!", "GPT-4很强."],
    ["一个…两个。", "没有句号"],
    ["《真的？》", "他看了。"],
]
JAPANESE = [
    ["彼は「行くよ。」と言った。", "そして、走った！", "本当？"],
    ["「はい。」", "彼女は答えた。"],
    ["うん……", "そうだ。"],
]


@pytest.mark.parametrize("sentences", ENGLISH)
def test_english(sentences):
    assert split_sentences(" ".join(sentences)) == sentences
    assert split_sentences("  " + "\n".join(sentences) + "\n\n") == sentences


@pytest.mark.parametrize(("language", "sentences"), OTHERS)
def test_other_languages(language, sentences):
    assert split_sentences(" ".join(sentences), language) == sentences


@pytest.mark.parametrize("language", [None, "zh", "zh-Hant"])
@pytest.mark.parametrize("sentences", CHINESE)
def test_chinese(language, sentences):
    assert split_sentences("".join(sentences), language) == sentences
    assert split_sentences("\u3000\u3000" + "\n".join(sentences), language) == sentences


@pytest.mark.parametrize("language", [None, "ja"])
@pytest.mark.parametrize("sentences", JAPANESE)
def test_japanese(language, sentences):
    assert split_sentences("".join(sentences), language) == sentences


def test_script_is_told_line_by_line():
    text = "It works. So it does.\n很好。真的。"
    assert split_sentences(text) == ["It works.", "So it does.", "很好。", "真的。"]


def test_line_ends():
    text = "A heading\nA sentence that is\nbroken. Another.\n\nLast"
    assert split_sentences(text) == [
        "A heading",
        "A sentence that is",
        "broken.",
        "Another.",
        "Last",
    ]
    assert split_sentences(
        "A sentence that is\nbroken. Another.\n \nLast", lines_end_sentences=False
    ) == [
        "A sentence that is\nbroken.",
        "Another.",
        "Last",
    ]


def test_one_sentence_a_line():
    broken = SentenceSettings(lines_end_sentences=False)
    assert one_sentence_a_line(["One  here. Two\nthere.\n\nThree.", ""], broken) == [
        "One here.\nTwo there.\nThree.",
        "",
    ]
    assert one_sentence_a_line(["这是一个很长\n  的句子。好。"], broken) == [
        "这是一个很长的句子。\n好。"
    ]
    assert one_sentence_a_line(["One. Two"], SentenceSettings()) == ["One.\nTwo"]
    # In German a number is followed by a point where in English a sentence would end.
    german = "Am 3. Oktober kam er."
    assert one_sentence_a_line([german], SentenceSettings(language="de")) == [german]


PIECES = strategies.one_of(
    strategies.sampled_from(
        [
            "Dr. ",
            "M. ",
            "z. B. ",
            "U.S. ",
            "3.14",
            "e.g. ",
            "...",
            "……",
            ". ",
            "! ",
            "?”",
            "。",
            "」",
        ]
        + ["；", "“", "’", "(", ")", "\n", "\n\n", " ", "\u3000", "\xa0", "\u2028", "\x85", "\r\n"]
        + ["word ", "Word ", "1. ", "中文", "と", "सत्य।", "\ufeff", "\u200b", "é", "😀"]
    ),
    strategies.text(max_size=5),
)


@given(
    strategies.lists(PIECES).map("".join),
    strategies.sampled_from([None, "en", "fr", "de", "es", "ru", "tr", "hi", "zh", "ja", "xx"]),
    strategies.booleans(),
)
@settings(max_examples=1000, deadline=None)
def test_nothing_but_blanks_is_lost(text, language, lines_end_sentences):
    sentences = split_sentences(text, language, lines_end_sentences=lines_end_sentences)
    assert re.sub(r"\s", "", "".join(sentences)) == re.sub(r"\s", "", text)
    for sentence in sentences:
        assert sentence
        assert sentence == sentence.strip()
        assert not (lines_end_sentences and "\n" in sentence)


def test_real_text(shared_data):
    for path in sorted((shared_data / "multilingual").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        sentences = split_sentences(text)
        assert "".join("".join(sentences).split()) == "".join(text.split())
        # Thirty articles of one to three clauses, most on lines of their own.
        assert 80 <= len(sentences) <= 160, path
    for name in ("cmn_hans", "cmn_hant", "jpn"):
        text = (shared_data / "multilingual" / f"{name}.txt").read_text(encoding="utf-8")
        for sentence in split_sentences(text):
            assert not re.search("[。！？；][^。！？；」』”）)]", sentence)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencex", None)
    with pytest.raises(ValueError, match=r"needs sentencex.*pip install 'mpnet_tf\[corpus\]'"):
        split_sentences("One. Two.")
    assert split_sentences("一。二。") == ["一。", "二。"]
