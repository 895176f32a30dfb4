"""Sentences of a text, in scripts that write them with a full stop and in Chinese and Japanese.

Scripts with spaces are split by sentencex (MIT, in Rust, made for Wikipedia's translation tools),
which knows abbreviations of some 240 languages. It splits 60 to 100 MB a second; blingfire, which
splits 10, knows English alone; pysbd and syntok, alike good on English, split 0.2 and 1. In Chinese
and Japanese, where all of them part closing quotes from their sentences, rules of our own do it.
"""

# Letters and marks of other scripts are meant.
# ruff: noqa: RUF001

import dataclasses
import re

# Ideographs, kana, their marks and full-width forms.
_CJK = "\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff9f\U00020000-\U0003ffff"
_CJK_CHARACTER = re.compile(f"[{_CJK}]")
_LETTER = re.compile(r"[^\W\d_]")
_MIN_CJK_SHARE = 1 / 4
_CJK_LANGUAGES = frozenset({"zh", "ja", "yue", "wuu", "cmn", "lzh"})

_CLOSING = "\"'”’』」）】》〉〕)\\]"
# Stops, with the marks that close what they end. A decimal point is none, nor is one ellipsis sign:
# Chinese writes two.
_CJK_STOP = re.compile(
    f"(?:[。！？；｡!?]|……+|(?<=[{_CJK}])[.．](?![0-9A-Za-z.．]))[。！？；｡!?…{_CLOSING}]*"
)
# What goes on after a quotation: a comma, or Japanese "(he) said" and "called".
_GOES_ON = re.compile("\\s*(?:[，、：,:]|と|って|という)")

# "1." and "(a)" head what follows, and so does a lone initial: "M. Dupont".
_HEADS_NEXT = re.compile(r"\(?(?:\d{1,3}|[^\W\d_]|[ivxIVX]{1,5})[.)]")
_OTHER_BLANKS = re.compile(r"[^\S\n ]")
_LINE_END = re.compile("\n+")
_PARAGRAPH_END = re.compile(r"\n\s*\n")
_LINE_END_BETWEEN_CJK = re.compile(f"(?<=[{_CJK}])[ \t]*\n[ \t]*(?=[{_CJK}])")


@dataclasses.dataclass(frozen=True)
class SentenceSettings:
    """How texts are split into sentences.

    Args:
        language: str or None. ISO 639 code of the texts' language, whose abbreviations count. None
            for Chinese and Japanese rules where a quarter of the letters are of their scripts, and
            else English ones.
        lines_end_sentences: bool. Whether a line end ends a sentence, as in most corpora. False for
            texts broken into lines of one width, where only an empty line does.
    """

    language: str | None = None
    lines_end_sentences: bool = True


def split_sentences(
    text: str, language: str | None = None, *, lines_end_sentences: bool = True
) -> list[str]:
    """Splits a text into sentences.

    Args:
        text: str.
        language: str or None. See `SentenceSettings`.
        lines_end_sentences: bool. See `SentenceSettings`.

    Returns:
        List of str, none empty or with blanks around it. Joined, they are the text but for blanks
        between them.

    Raises:
        ValueError: if sentencex is not installed.
    """
    sentences = []
    for paragraph in (_LINE_END if lines_end_sentences else _PARAGRAPH_END).split(text):
        if _is_cjk(paragraph, language):
            sentences += _split_cjk(paragraph)
        else:
            sentences += _split_spaced(paragraph, language or "en")
    return sentences


def one_sentence_a_line(texts: list[str], settings: SentenceSettings) -> list[str]:
    """Puts each sentence of each text into a line of its own.

    Args:
        texts: list of str.
        settings: `SentenceSettings`.

    Returns:
        List of str, one for each text.

    Raises:
        ValueError: if sentencex is not installed.
    """
    return [
        "\n".join(
            _in_one_line(sentence)
            for sentence in split_sentences(
                text, settings.language, lines_end_sentences=settings.lines_end_sentences
            )
        )
        for text in texts
    ]


def _in_one_line(sentence: str) -> str:
    return " ".join(_LINE_END_BETWEEN_CJK.sub("", sentence).split())


def _is_cjk(text: str, language: str | None) -> bool:
    if text.isascii():
        return False
    if language is not None:
        return language.lower().partition("-")[0] in _CJK_LANGUAGES
    num_cjk = len(_CJK_CHARACTER.findall(text))
    return num_cjk > 0 and num_cjk >= len(_LETTER.findall(text)) * _MIN_CJK_SHARE


def _split_cjk(text: str) -> list[str]:
    pieces, start = [], 0
    for stop in _CJK_STOP.finditer(text):
        closes_quotation = stop[0][-1] in _CLOSING
        if closes_quotation and _GOES_ON.match(text, stop.end()):
            continue
        pieces.append(text[start : stop.end()].strip())
        start = stop.end()
    pieces.append(text[start:].strip())
    return [piece for piece in pieces if piece]


def _split_spaced(text: str, language: str) -> list[str]:
    try:
        import sentencex
    except ImportError as error:
        raise ValueError(
            "Splitting sentences needs sentencex. Install it by `pip install 'mpnet_tf[corpus]'`."
        ) from error
    sentences, start, end = [], 0, 0
    # sentencex 1.0.32 fails on blanks of several bytes.
    for piece in sentencex.segment(language, _OTHER_BLANKS.sub(" ", text)):
        end += len(piece)
        if not _HEADS_NEXT.fullmatch(piece.strip()):
            sentences.append(text[start:end].strip())
            start = end
    sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence]
