"""Character offsets of tokens against those of Hugging Face's `tokenizers`."""

import json
import os
import random
import subprocess
import sys

import hypothesis
import pytest
import tensorflow as tf
import tokenizers
from hypothesis import strategies

from data_prep import code_points, normalization_differences
from mpnet_tf.data import bert_normalizer
from mpnet_tf.data.added_tokens import AddedToken
from mpnet_tf.models import BertTokenizer, TransformerTokenizer
from tests.models.wordpiece_reference import (
    BERTS_TOKENS,
    NORMALIZER_SETTINGS,
    berts_vocabulary,
    normalizer_arguments,
    reference_tokenizer,
    sampled_lines,
    special_added_tokens,
)

PIECES = """
    a b ab x mask pad . , [ ] < > ## ##a ##b ##x e ##e \u00e9 ##\u00e9 A ##A \u4e2d ##\u4e2d i
    \u0307 ##\u0307 \u1112 ##\u1161 ##\u11ab
"""
VOCABULARY = [*BERTS_TOKENS, *PIECES.split(), "<x>", "b a", "ENT", "\u00c9x", "\u4e2dx"]
OUTSIDE = VOCABULARY[-5:]
ADDED_TOKENS = [
    *(AddedToken(token) for token in BERTS_TOKENS),
    AddedToken("<x>", normalized=True),
    AddedToken("b a", normalized=True, special=False),
    AddedToken("ENT"),
    AddedToken("\u00c9x", normalized=True, special=False),
    AddedToken("\u4e2dx", special=False),
]


def spans_of(tokenizer, texts):
    found = tokenizer.tokenize_with_offsets(list(texts))
    return [list(zip(*row, strict=True)) for row in zip(*(f.to_list() for f in found), strict=True)]


def expected_spans(reference, texts):
    encodings = reference.encode_batch(list(texts), add_special_tokens=False)
    return [
        [(index, *span) for index, span in zip(encoding.ids, encoding.offsets, strict=True)]
        for encoding in encodings
    ]


def assert_equal_spans(tokenizer, reference, texts):
    found, expected = spans_of(tokenizer, texts), expected_spans(reference, texts)
    differing = [
        (ascii(text), [pair for pair in zip(*spans, strict=False) if pair[0] != pair[1]][:3])
        for text, *spans in zip(texts, found, expected, strict=True)
        if spans[0] != spans[1]
    ]
    assert not differing, f"{len(differing)} of {len(texts)} texts, first {differing[0]}"


@pytest.mark.parametrize(
    "settings", [(True, True, True), (False, False, True), (True, False, False)]
)
def test_spans_in_real_text_are_hugging_faces(shared_data, settings):
    lines = list(sampled_lines(shared_data))
    generator = random.Random(12)
    for index in range(0, len(lines), 3):
        place = generator.randint(0, len(lines[index]))
        token = " " * generator.randint(0, 2) + generator.choice(BERTS_TOKENS)
        lines[index] = lines[index][:place] + token + lines[index][place:]
    characters = sorted({character for line in lines for character in line if character.strip()})
    continuations = [f"##{character}" for character in characters]
    vocabulary = list(dict.fromkeys([*berts_vocabulary(shared_data), *characters, *continuations]))
    reference = reference_tokenizer(vocabulary, settings, special_added_tokens(BERTS_TOKENS))
    tokenizer = BertTokenizer(vocabulary, **normalizer_arguments(settings))
    assert_equal_spans(tokenizer, reference, lines)


def test_mask_of_mpnet_does_not_take_the_space_before_it():
    settings = (True, True, True)
    vocabulary = ["<s>", "<pad>", "</s>", "[UNK]", "a", "<mask>"]
    reference = reference_tokenizer(vocabulary, settings, special_added_tokens(["<mask>"]))
    tokenizer = TransformerTokenizer(vocabulary)
    assert expected_spans(reference, ["a  <mask>a"]) == [[(4, 0, 1), (5, 1, 9), (4, 9, 10)]]
    assert spans_of(tokenizer, ["a  <mask>a"]) == [[(4, 0, 1), (5, 3, 9), (4, 9, 10)]]


@pytest.mark.parametrize("settings", NORMALIZER_SETTINGS)
def test_every_code_point_between_letters_has_hugging_faces_spans(settings):
    reserved = range(
        bert_normalizer.FIRST_RESERVED_CODE_POINT, bert_normalizer.LAST_RESERVED_CODE_POINT + 1
    )
    # Hangul, Chinese and the private-use planes are long runs of the same kind.
    codes = [
        code
        for code in code_points.all_code_points()
        if code not in reserved and (code < 0x3100 or code % 37 == 0)
    ]
    texts = [
        " a ".join(f"a{chr(code)}b" for code in codes[start : start + 512])
        for start in range(0, len(codes), 512)
    ]
    reference = reference_tokenizer(VOCABULARY[:-5], settings, special_added_tokens(BERTS_TOKENS))
    tokenizer = BertTokenizer(VOCABULARY[:-5], **normalizer_arguments(settings))
    assert_equal_spans(tokenizer, reference, texts)


@pytest.fixture(scope="module")
def small_tokenizers():
    pairs = {}
    added = [
        tokenizers.AddedToken(token.content, normalized=token.normalized, special=token.special)
        for token in ADDED_TOKENS
    ]
    for settings in NORMALIZER_SETTINGS:
        arguments = normalizer_arguments(settings)
        tokenizer = BertTokenizer(VOCABULARY, added_tokens=ADDED_TOKENS, **arguments)
        reference = reference_tokenizer(VOCABULARY, settings, added, outside=OUTSIDE)
        pairs[settings] = (tokenizer, reference)
    return pairs


TEXTS = strategies.lists(
    strategies.one_of(
        strategies.text(max_size=4),
        strategies.sampled_from(
            [
                *VOCABULARY,
                *(" ", "\n", "\u00a0", "\0", "\u200b", "E\u0301", "\u0130", "\u03a3", "\uf900"),
                *("<X", "X>", "B A", "ent", "\ud55c", "\ue000", "\U0010ff00", "\U000f0000"),
                *("a" * 99, "\u00e9" * 101, "x" * 420),
            ]
        ),
    ),
    max_size=12,
).map("".join)


@hypothesis.settings(max_examples=100, deadline=None)
@hypothesis.given(
    texts=strategies.lists(TEXTS, min_size=1, max_size=6),
    settings=strategies.sampled_from(NORMALIZER_SETTINGS),
)
def test_spans_in_any_text_are_hugging_faces(small_tokenizers, texts, settings):
    excluded = set(map(chr, normalization_differences.context_dependent_code_points()))
    hypothesis.assume(excluded.isdisjoint("".join(texts)))
    tokenizer, reference = small_tokenizers[settings]
    assert spans_of(tokenizer, texts) == expected_spans(reference, texts)
    assert tokenizer.tokenize_with_offsets(texts)[0].to_list() == tokenizer(texts).to_list()


def test_spans_by_hand(small_tokenizers):
    tokenizer, _ = small_tokenizers[True, True, True]
    texts = [
        "\0a\u0301B\0 [MASK]\U0001f600",
        "",
        "\ud55c " + "a" * 101 + "<X>b",
        "\U0010ff00ENT ENT",
        " ",
    ]
    ids = {token: index for index, token in enumerate(VOCABULARY)}
    assert spans_of(tokenizer, texts) == [
        [(ids["ab"], 1, 4), (ids["[MASK]"], 6, 12), (ids["[UNK]"], 12, 13)],
        [],
        [
            *((ids[token], 0, 1) for token in ("\u1112", "##\u1161", "##\u11ab")),
            (ids["[UNK]"], 2, 103),
            (ids["<x>"], 103, 106),
            (ids["b"], 106, 107),
        ],
        [(ids["ENT"], 1, 4), (ids["ENT"], 5, 8)],
        [],
    ]


def test_eager_graph_and_empty_batches_agree(small_tokenizers):
    tokenizer, _ = small_tokenizers[True, True, True]
    texts = ["ab[MASK]<X> " + "a" * 200, "", "\u4e2da ENT", "a"]
    expected = spans_of(tokenizer, texts)
    batches = tf.data.Dataset.from_tensor_slices(texts).batch(3)
    batches = batches.map(tokenizer.tokenize_with_offsets)
    found = [
        list(zip(*row, strict=True))
        for batch in batches
        for row in zip(*(values.to_list() for values in batch), strict=True)
    ]
    assert found == expected
    for values in tokenizer.tokenize_with_offsets(tf.zeros([0], tf.string)):
        assert (values.to_list(), values.dtype) == ([], tf.int32)
    with pytest.raises(ValueError, match=r"`inputs` must have rank 1\. Received: shape=\(\)"):
        tokenizer.tokenize_with_offsets("a")


def test_bytes_that_are_not_utf8_do_no_harm(small_tokenizers):
    tokenizer, _ = small_tokenizers[True, True, True]
    texts = [b"a \xff\xe4\xb8 b", b"\xf4\x8f", b"\xbf\xbf b [SEP]\x80 a"]
    ids, starts, ends = tokenizer.tokenize_with_offsets(texts)
    assert ids.to_list() == tokenizer(texts).to_list()
    assert (starts.values.numpy() <= ends.values.numpy()).all()
    assert starts[0].numpy().tolist()[0] == 0 and ends[0].numpy().tolist()[-1] == 6


LOADING_PROGRAM = """
import json, sys
import tensorflow as tf
import tensorflow_text
loaded = tf.saved_model.load(sys.argv[1])
outputs = loaded.signatures["serving_default"](texts=tf.constant(json.loads(sys.argv[2])))
print(json.dumps({name: value.numpy().tolist() for name, value in outputs.items()}))
"""


def test_saved_model_has_only_ops_that_stock_serving_has(small_tokenizers, tmp_path):
    tokenizer, _ = small_tokenizers[True, True, True]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="texts")])
    def serve(texts):
        _, starts, ends = tokenizer.tokenize_with_offsets(texts)
        return {"starts": starts.to_tensor(-1), "ends": ends.to_tensor(-1)}

    module = tf.Module()
    module.serve = serve
    traced = serve.get_concrete_function()
    tf.saved_model.save(module, str(tmp_path), signatures=traced)
    graph = traced.graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    assert not {node.op for node in nodes if "PyFunc" in node.op}
    text_ops = {node.op for node in nodes if "Fast" in node.op or "TFText" in node.op}
    assert {name.removeprefix("TFText>") for name in text_ops} == {
        "FastBertNormalize",
        "FastWordpieceTokenizeWithOffsets",
    }
    texts = ["ab[MASK]", "\u00e9x<X>"]
    output = subprocess.run(
        [sys.executable, "-c", LOADING_PROGRAM, str(tmp_path), json.dumps(texts)],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    ).stdout
    expected = serve(tf.constant(texts))
    assert json.loads(output) == {name: value.numpy().tolist() for name, value in expected.items()}
