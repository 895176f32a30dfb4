"""The shipped tables against the normaliser and pre-tokeniser of Hugging Face's `tokenizers`."""

import functools
import gzip
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
ORIGINALS = {ord(mark): chr(code) for code, mark in bert_normalizer.stand_ins().items()}


@pytest.fixture(params=[True, False], ids=["uncased", "cased"])
def lowercase(request):
    return request.param


@functools.cache
def listed_characters():
    return frozenset(map(chr, normalization_differences.context_dependent_code_points()))


@functools.cache
def bert_normalizer_of(lowercase):
    return bert_normalizer.BertNormalizer(lowercase)


def words_found(texts, *, lowercase):
    """Returns the words of each text as the shipped table sets them apart."""
    normalized = bert_normalizer_of(lowercase)(tf.constant(texts)).numpy()
    return [text.decode("utf-8").translate(ORIGINALS).split() for text in normalized]


def words_expected(texts, *, lowercase):
    """Returns the words of each text as Hugging Face finds them."""
    normalize = tokenizers.normalizers.BertNormalizer(lowercase=lowercase).normalize_str
    pre_tokenize = tokenizers.pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    return [[word for word, _ in pre_tokenize(normalize(text))] for text in texts]


def test_shipped_tables_are_what_the_generator_writes():
    pytest.importorskip("dartsclone", reason="needs the extra `tables`, which is compiled")
    for name, content in normalization_table.generate_tables().items():
        shipped = (TABLES / name).read_bytes()
        if name.endswith(".gz"):
            # Compressed bytes may change with the version of zlib.
            content, shipped = gzip.decompress(content), gzip.decompress(shipped)
        assert content == shipped, f"{name}: run `python -m data_prep.normalization_table` again"


def test_every_code_point_between_letters_gives_hugging_faces_words(lowercase):
    reserved = range(
        bert_normalizer.FIRST_RESERVED_CODE_POINT, bert_normalizer.LAST_RESERVED_CODE_POINT + 1
    )
    codes = [code for code in code_points.all_code_points() if code not in reserved]
    texts = [
        " z ".join(f"a{chr(code)}b" for code in codes[start : start + 512])
        for start in range(0, len(codes), 512)
    ]
    found = words_found(texts, lowercase=lowercase)
    expected = words_expected(texts, lowercase=lowercase)
    for start, found_words, expected_words in zip(range(len(texts)), found, expected, strict=True):
        assert found_words == expected_words, f"among the 512 from U+{codes[start * 512]:04X}"


def test_reserved_code_points_pass_unchanged(lowercase):
    text = f"a{chr(bert_normalizer.FIRST_RESERVED_CODE_POINT)}b"
    text += f"{chr(bert_normalizer.LAST_RESERVED_CODE_POINT)}c"
    assert words_found([text], lowercase=lowercase) == [[text]]


def test_stand_ins_written_in_text_are_removed(lowercase):
    text = "a" + "".join(bert_normalizer.stand_ins().values()) + "b"
    assert words_found([text], lowercase=lowercase) == [["ab"]]


def test_bytes_that_are_not_utf8_pass_unchanged(lowercase):
    normalized = bert_normalizer.BertNormalizer(lowercase)(tf.constant([b"a\xffb\xe4\xb8"]))
    assert normalized.numpy()[0] == b"a\xffb\xe4\xb8"


def test_differences_page_is_up_to_date():
    assert DIFFERENCES.read_text(encoding="utf-8") == normalization_differences.page()


def test_each_listed_code_point_differs_beside_another_one():
    codes = normalization_differences.context_dependent_code_points()
    pairs = [(first, second) for first in codes for second in codes]
    texts = [f"a{chr(first)}{chr(second)}b" for first, second in pairs]
    found = words_found(texts, lowercase=True)
    expected = words_expected(texts, lowercase=True)
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
        for _ in range(20_000)
    ]
    assert words_found(texts, lowercase=True) == words_expected(texts, lowercase=True)


@hypothesis.settings(max_examples=200, deadline=None)
@hypothesis.given(
    texts=strategies.lists(strategies.text(max_size=40), min_size=1, max_size=8),
    lowercase=strategies.booleans(),
)
def test_any_text_gives_hugging_faces_words(texts, lowercase):
    excluded = listed_characters()
    reserved = chr(bert_normalizer.FIRST_RESERVED_CODE_POINT)
    for character in "".join(texts):
        hypothesis.assume(character not in excluded and character < reserved)
    assert words_found(texts, lowercase=lowercase) == words_expected(texts, lowercase=lowercase)
