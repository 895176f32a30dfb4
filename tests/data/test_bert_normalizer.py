"""The shipped tables against the normaliser and pre-tokeniser of Hugging Face's `tokenizers`."""

import functools
import gzip
import itertools
import pathlib
import random

import hypothesis
import pytest
import tensorflow as tf
import tokenizers
from hypothesis import strategies

from data_prep import code_points, normalization_differences, normalization_table
from mpnet_tf.data import bert_normalizer

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TABLES = REPOSITORY / "mpnet_tf" / "data" / "normalization_tables"
DIFFERENCES = REPOSITORY / "docs" / "tokenizer_differences.md"


# Lowercase, strip accents, split Chinese: all there are, those of BERT's models first.
SETTINGS = [
    (True, True, True),
    (False, False, True),
    *((lowercase, not lowercase, True) for lowercase in (True, False)),
    *itertools.product((True, False), (True, False), (False,)),
]


@pytest.fixture(params=SETTINGS, ids=lambda settings: "".join("-+"[flag] for flag in settings))
def settings(request):
    return request.param


@functools.cache
def listed_characters():
    return frozenset(map(chr, normalization_differences.context_dependent_code_points()))


@functools.cache
def bert_normalizer_of(settings):
    return bert_normalizer.BertNormalizer(*settings)


@functools.cache
def originals(split_chinese):
    stand_ins = bert_normalizer.stand_ins(split_chinese)
    return {ord(mark): chr(code) for code, mark in stand_ins.items()}


def words_found(texts, settings):
    """Returns the words of each text as the shipped table sets them apart."""
    normalized = bert_normalizer_of(settings)(tf.constant(texts)).numpy()
    return [text.decode("utf-8").translate(originals(settings[2])).split() for text in normalized]


def words_expected(texts, settings):
    """Returns the words of each text as Hugging Face finds them."""
    lowercase, strip_accents, split_chinese = settings
    normalize = tokenizers.normalizers.BertNormalizer(
        lowercase=lowercase, strip_accents=strip_accents, handle_chinese_chars=split_chinese
    ).normalize_str
    pre_tokenize = tokenizers.pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    return [[word for word, _ in pre_tokenize(normalize(text))] for text in texts]


def assert_generated(name, content):
    shipped = (TABLES / name).read_bytes()
    if name.endswith(".gz"):
        # Compressed bytes may change with the version of zlib.
        content, shipped = gzip.decompress(content), gzip.decompress(shipped)
    assert content == shipped, f"{name}: run `python -m data_prep.normalization_table` again"


@pytest.mark.slow
def test_all_shipped_files_are_what_the_generator_writes():
    pytest.importorskip("dartsclone", reason="needs the extra `tables`, which is compiled")
    generated = normalization_table.generate_tables()
    assert set(generated) == {path.name for path in TABLES.iterdir()}
    for name, content in generated.items():
        assert_generated(name, content)


@pytest.mark.parametrize("lowercase", [True, False])
def test_shipped_tables_of_berts_models_are_what_the_generator_writes(lowercase):
    pytest.importorskip("dartsclone", reason="needs the extra `tables`, which is compiled")
    normalized = code_points.normalized_code_points(lowercase)
    spaces = normalization_table.spaces_around(set(normalized.values()))
    table = normalization_table.table_for(
        lowercase,
        strip_accents=lowercase,
        split_chinese=True,
        final_characters=spaces | bert_normalizer.stand_ins(),
    )
    name = bert_normalizer.table_name(lowercase, strip_accents=None, split_chinese=True)
    assert_generated(name, gzip.compress(table))


def test_accents_follow_the_case_where_nothing_is_said():
    for lowercase in (True, False):
        found = bert_normalizer.BertNormalizer(lowercase)
        assert (found.strip_accents, found.split_chinese) == (lowercase, True)
        text = found(tf.constant(["\u00c9\u4e2d"])).numpy()[0].decode("utf-8").strip()
        assert text == ("e" if lowercase else "\u00c9") + " \u4e2d"


def test_too_many_stand_ins_are_refused():
    with pytest.raises(ValueError, match=r"There are 3840 stand-ins for 3841 characters\."):
        bert_normalizer.assign_stand_ins(range(3841), split_chinese=True)
    assert len(bert_normalizer.assign_stand_ins(range(100_000), split_chinese=False)) == 100_000


def test_every_code_point_between_letters_gives_hugging_faces_words(settings):
    reserved = range(
        bert_normalizer.FIRST_RESERVED_CODE_POINT, bert_normalizer.LAST_RESERVED_CODE_POINT + 1
    )
    codes = [code for code in code_points.all_code_points() if code not in reserved]
    if settings not in SETTINGS[:2]:
        # The rest of the settings share most of their tables with the first two.
        codes = [code for code in codes if code < 0x3400 or code % 19 == 0]
    texts = [
        " z ".join(f"a{chr(code)}b" for code in codes[start : start + 512])
        for start in range(0, len(codes), 512)
    ]
    found = words_found(texts, settings)
    expected = words_expected(texts, settings)
    for start, found_words, expected_words in zip(range(len(texts)), found, expected, strict=True):
        assert found_words == expected_words, f"among the 512 from U+{codes[start * 512]:04X}"


def test_reserved_code_points_pass_unchanged(settings):
    text = f"a{chr(bert_normalizer.FIRST_RESERVED_CODE_POINT)}b"
    text += f"{chr(bert_normalizer.LAST_RESERVED_CODE_POINT)}c"
    assert words_found([text], settings) == [[text]]


def test_stand_ins_written_in_text_are_removed(settings):
    text = "a" + "".join(bert_normalizer.stand_ins(settings[2]).values()) + "b"
    assert words_found([text], settings) == [["ab"]]


def test_bytes_that_are_not_utf8_pass_unchanged(settings):
    normalized = bert_normalizer_of(settings)(tf.constant([b"a\xffb\xe4\xb8"]))
    assert normalized.numpy()[0] == b"a\xffb\xe4\xb8"


def test_differences_page_is_up_to_date():
    assert DIFFERENCES.read_text(encoding="utf-8") == normalization_differences.page()


def test_each_listed_code_point_differs_beside_another_one():
    codes = normalization_differences.context_dependent_code_points()
    pairs = [(first, second) for first in codes for second in codes]
    texts = [f"a{chr(first)}{chr(second)}b" for first, second in pairs]
    found = words_found(texts, (True, True, True))
    expected = words_expected(texts, (True, True, True))
    differing = set()
    for pair, found_words, expected_words in zip(pairs, found, expected, strict=True):
        if found_words != expected_words:
            differing.update(pair)
    assert sorted(differing) == sorted(codes)


def test_unlisted_combining_sequences_give_hugging_faces_words():
    listed = listed_characters()
    normalize = tokenizers.normalizers.NFD().normalize_str
    # Letters with marks, marks that are removed and marks of most classes: these are code points
    # which decompose or move in canonical order.
    moving = [
        chr(code)
        for code in code_points.all_code_points()
        if code < 0x20000
        and chr(code) not in listed
        and normalize(f"a\u0301{chr(code)}\u0334") != f"a\u0301{chr(code)}\u0334"
    ]
    generator = random.Random(20)
    texts = [
        "a" + "".join(generator.choices(moving, k=generator.randint(2, 6))) + "b"
        for _ in range(10_000)
    ]
    for settings in SETTINGS:
        assert words_found(texts, settings) == words_expected(texts, settings)


@hypothesis.settings(max_examples=200, deadline=None)
@hypothesis.given(
    texts=strategies.lists(strategies.text(max_size=40), min_size=1, max_size=8),
    settings=strategies.sampled_from(SETTINGS),
)
def test_any_text_gives_hugging_faces_words(texts, settings):
    excluded = listed_characters()
    reserved = chr(bert_normalizer.FIRST_RESERVED_CODE_POINT)
    for character in "".join(texts):
        hypothesis.assume(character not in excluded and character < reserved)
    assert words_found(texts, settings) == words_expected(texts, settings)
