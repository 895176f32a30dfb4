"""Documents that hold evaluation texts, beside a loop over their words."""

import random
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.contamination import ContaminationIndex, ContaminationSettings
from data_prep.word_table import WordTable

SMALL = ContaminationSettings(ngram_words=4, min_words=2)
# Few words, so that stretches of them meet by chance.
TEXTS = st.lists(st.lists(st.sampled_from("ab"), max_size=9).map(" ".join), max_size=5)
BENCHMARKS = ("glue/*/*.tsv", "squad/*.json", "stsb/*.csv")


def words_of(text):
    return re.findall(r"[^\W_]+", text.lower())


def ngrams_of(text, n):
    words = words_of(text)
    return {tuple(words[place : place + n]) for place in range(len(words) - n + 1)}


def wanted_ngrams(texts, chosen):
    """Returns what is looked for, a short text being one n-gram."""
    wanted = set()
    for text in texts:
        for form in {text, text.replace(" n't", "n't")}:
            num_words = len(words_of(form))
            if num_words >= chosen.min_words:
                wanted |= ngrams_of(form, min(chosen.ngram_words, num_words))
    return wanted


def contaminated_by_loop(documents, wanted, chosen):
    found = []
    for document in documents:
        lengths = range(chosen.min_words, chosen.ngram_words + 1)
        held = set().union(*(ngrams_of(document, n) & wanted for n in lengths))
        found.append(len(held) >= chosen.min_shared)
    return found


def contaminated(index, documents):
    return index.contaminated(WordTable.of(documents)).tolist()


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS, st.integers(1, 4), st.integers(0, 3), st.integers(1, 3))
def test_documents_are_those_that_share_ngrams(texts, documents, min_words, more, min_shared):
    chosen = ContaminationSettings(
        ngram_words=min_words + more, min_words=min_words, min_shared=min_shared
    )
    index = ContaminationIndex(texts, chosen)
    wanted = wanted_ngrams(texts, chosen)
    assert contaminated(index, documents) == contaminated_by_loop(documents, wanted, chosen)
    assert index.num_ngrams == len(wanted)
    num_words = [len(words_of(text)) for text in texts]
    assert index.num_texts == sum(number >= min_words for number in num_words)
    assert index.num_texts_too_short == sum(number < min_words for number in num_words)


@settings(max_examples=50, deadline=None)
@given(TEXTS, TEXTS)
def test_decisions_do_not_depend_on_what_else_is_read(texts, documents):
    index = ContaminationIndex(texts, SMALL)
    apart = [found for text in documents for found in contaminated(index, [text])]
    assert contaminated(index, documents) == apart
    assert contaminated(index, documents[::-1]) == apart[::-1]


def test_words_are_compared_and_nothing_between_them():
    index = ContaminationIndex(["The cat, sat"], SMALL)
    assert contaminated(index, ["It said: THE\n«cat» -- sat!", "the cats sat"]) == [True, False]


def test_no_ngram_reaches_from_a_document_into_the_next():
    index = ContaminationIndex(["a b c d", "e f"], SMALL)
    assert contaminated(index, ["a b", "c d e", "f"]) == [False, False, False]


def test_parted_contractions_are_found_as_people_write_them():
    index = ContaminationIndex(["we ca n't say", "do n't"], SMALL)
    assert contaminated(index, ["If we can't say so", "We ca n't say", "don't", "we can"]) == [
        True,
        True,
        True,
        False,
    ]


def test_no_evaluation_texts_contaminate_nothing():
    assert contaminated(ContaminationIndex([], SMALL), ["a b c d e", ""]) == [False, False]
    assert contaminated(ContaminationIndex(["a b c d"], SMALL), []) == []


def test_index_of_files_reads_all(tmp_path):
    (tmp_path / "a.txt").write_text("one two three four five\nsix seven\n", encoding="utf-8")
    (tmp_path / "b.tsv").write_text("1\teight nine\nx y\n", encoding="utf-8")
    index = ContaminationIndex.of_files(
        ContaminationSettings(
            evaluation_files=(str(tmp_path / "*.txt"), str(tmp_path / "b.tsv")),
            ngram_words=4,
            min_words=2,
        )
    )
    assert (index.num_texts, index.num_texts_too_short, index.num_ngrams) == (4, 0, 5)
    assert contaminated(index, ["seven six", "six seven", "eight nine", "two three four five"]) == [
        False,
        True,
        True,
        True,
    ]


def test_index_needs_files_with_long_texts(tmp_path):
    with pytest.raises(ValueError, match=r"`evaluation_files` must name files\. Received: none"):
        ContaminationIndex.of_files(ContaminationSettings())
    path = tmp_path / "a.txt"
    path.write_text("one two three\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"No text of .*a\.txt has 8 words; lower `min_words`"):
        ContaminationIndex.of_files(ContaminationSettings(evaluation_files=(str(path),)))


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"min_words": 0}, r"`min_words` must be from 1 to `ngram_words`\. Received: min_words=0,"),
        ({"min_words": 14}, r"`min_words` must be .*min_words=14, ngram_words=13"),
        ({"min_shared": 0}, r"`min_shared` must be at least 1\. Received: min_shared=0"),
    ],
)
def test_settings_out_of_range_are_refused(chosen, message):
    with pytest.raises(ValueError, match=message):
        ContaminationSettings(**chosen)


@pytest.fixture(scope="module")
def benchmark_index(shared_data):
    files = tuple(str(shared_data / pattern) for pattern in BENCHMARKS)
    return ContaminationIndex.of_files(ContaminationSettings(evaluation_files=files))


@pytest.fixture(scope="module")
def clean_documents(shared_data):
    text = (shared_data / "corpus" / "abc.txt").read_text(encoding="utf-8")
    return [document for document in text.split("\n\n") if document.strip()][:300]


def read_benchmark_texts(shared_data):
    """Reads the texts by hand: the last column of CoLA, the first of SST-2, and so on."""
    columns = {"CoLA": [3], "SST-2": [0], "RTE": [1, 2], "stsb": [5, 6]}
    texts = {name: set() for name in columns}
    for path in [*shared_data.glob("glue/*/*.tsv"), *shared_data.glob("stsb/*.csv")]:
        name = path.parent.name
        for line in path.read_text(encoding="utf-8").split("\n"):
            cells = line.split("\t")
            texts[name].update(cells[column] for column in columns[name] if column < len(cells))
    return {name: sorted(found) for name, found in texts.items()}


def disturb(text, rng):
    """Changes case, whitespace and punctuation, but no word."""
    text = "".join(letter.upper() if rng.random() < 0.3 else letter for letter in text)
    marks = [" ", "\n", ", ", ' "', " -- ", "; "]
    return "".join(rng.choice(marks) if character == " " else character for character in text)


def test_planted_benchmark_texts_are_found(shared_data, benchmark_index, clean_documents):
    assert not any(contaminated(benchmark_index, clean_documents))
    rng = random.Random(0)
    for texts in read_benchmark_texts(shared_data).values():
        chosen = rng.sample(texts, 400)
        planted = []
        for text in chosen:
            words = rng.choice(clean_documents).split(" ")
            middle = len(words) // 2
            planted.append(
                # Of words that are in no text, lest a longer one be there by chance.
                " ".join([*words[:middle], "zz.", disturb(text, rng), "Zz", *words[middle:]])
            )
        num_words = np.array([len(words_of(text)) for text in chosen])
        # All that are long enough, and none of the others.
        np.testing.assert_array_equal(contaminated(benchmark_index, planted), num_words >= 8)


def test_film_reviews_that_quote_benchmarks_are_those_of_a_loop(shared_data, benchmark_index):
    text = (shared_data / "corpus" / "movie_reviews.txt").read_text(encoding="utf-8")
    reviews = [review for review in text.split("\n\n") if review.strip()][:400]
    chosen = ContaminationSettings()
    # SST-2 was cut from reviews as these.
    wanted = wanted_ngrams(read_benchmark_texts(shared_data)["SST-2"], chosen)
    expected = contaminated_by_loop(reviews, wanted, chosen)
    assert any(expected)
    assert contaminated(benchmark_index, reviews) == expected
