"""Filters one after the other."""

import itertools

import pytest

from data_prep.corpus_steps import CorpusSteps
from data_prep.filters.blocklist import BlocklistSettings
from data_prep.filters.document_filter import DocumentFilter
from data_prep.filters.language import LanguageSettings
from data_prep.filters.quality import QualitySettings
from data_prep.filters.repetition import RepetitionSettings
from data_prep.word_table import WordTable

PROSE = (
    "All people have the right to say what they think, and nobody may keep them from it. "
    "Where a court of law has to judge a case, it must hear both sides before it decides, and "
    "whoever is accused counts as innocent until the proof that he is guilty has been given. "
    "Children go to school without paying for it, and later to a university if they can follow."
)
FRENCH = (
    "Tout individu a droit à la liberté d'opinion et d'expression, ce qui implique le droit de ne "
    "pas être inquiété pour ses opinions et celui de chercher, de recevoir et de répandre, sans "
    "considérations de frontières, les informations et les idées par quelque moyen d'expression "
    "que ce soit. Toute personne a droit à une éducation gratuite, au moins pour les premiers ans."
)
TEXTS = [
    PROSE,
    "Too short.",
    f"{PROSE}\n{PROSE}",
    f"{PROSE} Win at the casino!",
    FRENCH,
    f"{FRENCH} Au casino!",
    "casino " * 60,
    "",
]


@pytest.fixture
def settings_of_filters(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("casino\n", encoding="utf-8")
    return {
        "quality": QualitySettings(min_stop_words=None),
        "repetition": RepetitionSettings(),
        "blocklist": BlocklistSettings(file=str(path)),
        "language": LanguageSettings(),
    }


def reasons_of(texts, **settings):
    return DocumentFilter(CorpusSteps(**settings)).reasons(texts, WordTable.of(texts))


def test_the_first_filter_that_objects_is_heard(settings_of_filters):
    assert reasons_of(TEXTS, **settings_of_filters) == [
        None,
        "too_few_words",
        "repeated_lines",
        "blocklisted",
        "other_language",
        "blocklisted",
        "top_2_gram",
        "too_few_words",
    ]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_filters_that_are_left_out_are_not_heard(settings_of_filters, count):
    alone = {
        name: reasons_of(TEXTS, **{name: settings})
        for name, settings in settings_of_filters.items()
    }
    for names in itertools.combinations(settings_of_filters, count):
        expected = [
            next(filter(None, reasons), None)
            for reasons in zip(*(alone[name] for name in names), strict=True)
        ]
        chosen = {name: settings_of_filters[name] for name in names}
        assert reasons_of(TEXTS, **chosen) == expected


def test_documents_do_not_depend_on_each_other(settings_of_filters):
    together = reasons_of(TEXTS, **settings_of_filters)
    apart = [reasons_of([text], **settings_of_filters)[0] for text in TEXTS]
    assert together == apart
    assert reasons_of([], **settings_of_filters) == []


def test_without_filters_all_documents_stay():
    assert reasons_of(TEXTS) == [None] * len(TEXTS)


def test_a_blocklist_that_cannot_be_used_is_refused_at_once():
    with pytest.raises(ValueError, match=r"`file` must name the blocklist"):
        DocumentFilter(CorpusSteps(blocklist=BlocklistSettings()))
