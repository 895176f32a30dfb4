"""`MPNetTokenizer` against Hugging Face's `tokenizers`, and what keras_hub asks of a tokenizer."""

import hashlib
import json
import os
import random
import subprocess
import sys

import hypothesis
import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf
import tokenizers
from hypothesis import strategies

from data_prep import normalization_differences
from mpnet_tf.models.mpnet_tokenizer import MPNetTokenizer

SPECIAL_TOKENS = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>"]
# Pieces that put the word splitting to the test: U+2E43 and U+2B820 are split off by TensorFlow
# Text and not by Hugging Face; white space, punctuation amid letters and private-use characters are
# never found in text.
PLAIN_PIECES = """
    a b c ab e x s mask unk . , ' # ## < > / [ ] don't a,b ##, <42> A \u00e9 \u4e2d \u03c3 ##\u03c3
    ##a ##b ##c ##bc ##e ##x ##s \u0e17 ##\u0e17 \u2e43 ##\u2e43 \U0002b820 ##\U0002b820
"""
PIECES = [*PLAIN_PIECES.split(), "a b", " a", "\U0010f000", "\U0010ff01x"]
VOCABULARY = [*SPECIAL_TOKENS[:5], *dict.fromkeys(PIECES), "<mask>"]


def hugging_face_tokenizer(vocabulary, *, lowercase):
    """Returns the pipeline of Hugging Face's `MPNetTokenizerFast`, without its template."""
    special = [token for token in vocabulary if token in SPECIAL_TOKENS]
    unknown = "[UNK]" if "[UNK]" in special else "<unk>"
    ids = {token: index for index, token in enumerate(vocabulary)}
    model = tokenizers.models.WordPiece(ids, unk_token=unknown, max_input_chars_per_word=100)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(
        [
            tokenizers.AddedToken(token, lstrip=token == "<mask>", normalized=False)
            for token in special
        ]
    )
    return tokenizer


def expected_ids(tokenizer, texts):
    # The fast kind leaves out the offsets, not the ids.
    encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    return [encoding.ids for encoding in encodings]


def assert_equal_ids(vocabulary, texts, *, lowercase):
    found = MPNetTokenizer(vocabulary, lowercase=lowercase)(texts).to_list()
    expected = expected_ids(hugging_face_tokenizer(vocabulary, lowercase=lowercase), texts)
    differing = [
        ascii(text) for text, *ids in zip(texts, found, expected, strict=True) if ids[0] != ids[1]
    ]
    assert not differing, f"{len(differing)} of {len(texts)} texts, first {differing[0]}"


def with_special_tokens(text, generator):
    """Puts one to three special tokens at random places of a text."""
    for _ in range(generator.randint(1, 3)):
        place = generator.randint(0, len(text))
        token = generator.choice(["", " "]) + generator.choice(SPECIAL_TOKENS)
        text = text[:place] + token + text[place:]
    return text


@pytest.fixture(scope="module")
def bert_vocabulary(shared_data):
    """MPNet's own vocabulary is BERT's between four tokens of its own and `<mask>`."""
    path = shared_data / "vocab" / "bert-base-uncased-vocab.txt"
    tokens = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    return ["<s>", "<pad>", "</s>", "<unk>", *tokens, "<mask>"]


@pytest.fixture(scope="module")
def real_lines(shared_data):
    paths = [*shared_data.glob("corpus/*.txt"), *shared_data.glob("multilingual/*.txt")]
    assert len(paths) >= 20
    return [line for path in sorted(paths) for line in path.read_bytes().decode().split("\n")]


@pytest.mark.parametrize("lowercase", [True, False])
def test_ids_of_real_text_are_hugging_faces(bert_vocabulary, real_lines, lowercase):
    assert_equal_ids(bert_vocabulary, real_lines, lowercase=lowercase)


@pytest.mark.parametrize("lowercase", [True, False])
def test_ids_of_real_text_with_special_tokens_are_hugging_faces(
    bert_vocabulary, real_lines, lowercase
):
    generator = random.Random(7)
    texts = [with_special_tokens(line, generator) for line in real_lines]
    assert_equal_ids(bert_vocabulary, texts, lowercase=lowercase)


@pytest.mark.parametrize("lowercase", [True, False])
def test_ids_of_other_scripts_are_hugging_faces_where_their_characters_have_pieces(
    shared_data, lowercase
):
    paths = sorted(shared_data.glob("multilingual/*.txt"))
    lines = [line for path in paths for line in path.read_text("utf-8").split("\n")]
    normalize = tokenizers.normalizers.BertNormalizer(lowercase=lowercase).normalize_str
    characters = sorted(set(normalize("".join(lines))) - {" "})
    pieces = [*characters, *(f"##{character}" for character in characters)]
    assert_equal_ids([*SPECIAL_TOKENS, *pieces], lines, lowercase=lowercase)


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("character", ["x", "\u0e17", "\U0002b820", "\u2e43"])
@pytest.mark.parametrize("length", [99, 100, 101, 400, 1001])
def test_words_are_unknown_from_101_characters_on(lowercase, character, length):
    texts = [f"a,{character * length}'b", f"<mask>{character * length}</s>"]
    assert_equal_ids(VOCABULARY, texts, lowercase=lowercase)


TEXTS = strategies.lists(
    strategies.one_of(
        strategies.text(max_size=6),
        strategies.sampled_from(
            [*SPECIAL_TOKENS, *PIECES, " ", "\n", "\u00a0", "\u200b", "E\u0301", "\u03a3", "\0"]
        ),
    ),
    max_size=12,
).map("".join)


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(texts=strategies.lists(TEXTS, min_size=1, max_size=8))
@pytest.mark.parametrize("lowercase", [True, False])
def test_ids_of_any_text_are_hugging_faces(small_tokenizers, lowercase, texts):
    found, expected, excluded = small_tokenizers[lowercase]
    hypothesis.assume(excluded.isdisjoint("".join(texts)))
    assert found(texts).to_list() == expected_ids(expected, texts)


@pytest.fixture(scope="module")
def small_tokenizers():
    excluded = set(map(chr, normalization_differences.context_dependent_code_points()))
    return {
        lowercase: (
            MPNetTokenizer(VOCABULARY, lowercase=lowercase),
            hugging_face_tokenizer(VOCABULARY, lowercase=lowercase),
            excluded,
        )
        for lowercase in (True, False)
    }


def test_vocabulary_with_the_other_unknown_token():
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", "a", "##b", "<mask>"]
    tokenizer = MPNetTokenizer(vocabulary)
    assert (tokenizer.unk_token, tokenizer.unk_token_id) == ("<unk>", 3)
    assert tokenizer("ab zz <unk> <mask>").numpy().tolist() == [4, 5, 3, 3, 6]
    assert_equal_ids(vocabulary, ["[UNK] ab<unk>z"], lowercase=True)


def test_ids_and_tokens_of_the_vocabulary():
    tokenizer = MPNetTokenizer(VOCABULARY)
    ids = [tokenizer.start_token_id, tokenizer.pad_token_id, tokenizer.end_token_id]
    ids += [tokenizer.unk_token_id, tokenizer.mask_token_id]
    assert ids == [0, 1, 2, 4, len(VOCABULARY) - 1]
    assert tokenizer.special_tokens == SPECIAL_TOKENS
    assert tokenizer.special_token_ids == [0, 1, 2, 3, 4, len(VOCABULARY) - 1]
    assert tokenizer.get_vocabulary() == VOCABULARY
    assert tokenizer.vocabulary_size() == len(VOCABULARY)
    for index, token in enumerate(VOCABULARY):
        assert tokenizer.token_to_id(token) == index
        assert tokenizer.id_to_token(index) == token
    continuations = [token[:2] == "##" for token in VOCABULARY]
    np.testing.assert_array_equal(tokenizer.continuation_flags, continuations)


def test_detokenize_joins_pieces():
    tokenizer = MPNetTokenizer(VOCABULARY)
    texts = ["abc <mask> don", "a , b"]
    joined = tokenizer.detokenize(tokenizer(["ABC<mask> b", "a,b"]))
    assert [text.decode() for text in joined.numpy()] == ["abc <mask> b", texts[1]]
    assert tokenizer.detokenize(tokenizer("abx")).numpy() == b"abx"


def test_eager_tf_data_and_tf_function_agree():
    tokenizer = MPNetTokenizer(VOCABULARY)
    texts = ["ab<mask>c", "", "<mask> A,b", "\u2e43a"]
    expected = tokenizer(texts).to_list()
    assert [row.numpy().tolist() for row in map(tokenizer, texts)] == expected
    batches = tf.data.Dataset.from_tensor_slices(texts).batch(2).map(tokenizer)
    assert [row for batch in batches for row in batch.to_list()] == expected
    elements = tf.data.Dataset.from_tensor_slices(texts).map(tokenizer)
    assert [row.tolist() for row in elements.as_numpy_iterator()] == expected
    traced = tf.function(tokenizer, input_signature=[tf.TensorSpec([None], tf.string)])
    assert traced(tf.constant(texts)).to_list() == expected
    assert batches.element_spec.dtype == tf.int32


LOADING_PROGRAM = """
import json, sys
import tensorflow as tf
import tensorflow_text
loaded = tf.saved_model.load(sys.argv[1])
texts = tf.constant(json.loads(sys.argv[2]))
outputs = loaded.signatures["serving_default"](texts=texts)
assert not any(name.split(".")[0] in ("keras_hub", "mpnet_tf") for name in sys.modules)
print(json.dumps({name: value.numpy().tolist() for name, value in outputs.items()}))
"""

# Those of TensorFlow Text which stock TensorFlow Serving has linked since its release 2.12.1.
SERVED_TEXT_OPS = {"FastBertNormalize", "FastWordpieceTokenizeWithOffsets"}


def test_saved_model_in_a_fresh_process_gives_the_same_ids(tmp_path):
    tokenizer = MPNetTokenizer(VOCABULARY)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="texts")])
    def serve(texts):
        ids = tokenizer(texts)
        return {"token_ids": ids.values, "row_splits": ids.row_splits}

    module = tf.Module()
    module.serve = serve
    tf.saved_model.save(module, str(tmp_path), signatures=serve)
    operations = {
        node.op
        for function in serve.get_concrete_function().graph.as_graph_def().library.function
        for node in function.node_def
    } | {operation.type for operation in serve.get_concrete_function().graph.get_operations()}
    text_ops = {name for name in operations if "Fast" in name or name.startswith("TFText>")}
    assert {name.removeprefix("TFText>") for name in text_ops} == SERVED_TEXT_OPS

    texts = ["ab <mask>\u2e43", "", "A\u0301b\u4e2d</s>"]
    output = subprocess.run(
        [sys.executable, "-c", LOADING_PROGRAM, str(tmp_path), json.dumps(texts)],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    ).stdout
    expected = tokenizer(texts)
    assert json.loads(output) == {
        "token_ids": expected.values.numpy().tolist(),
        "row_splits": expected.row_splits.numpy().tolist(),
    }


@pytest.mark.parametrize("load", [MPNetTokenizer, keras_hub.tokenizers.Tokenizer])
def test_preset_of_a_model_holds_the_tokenizer(tmp_path, load):
    tokenizer = MPNetTokenizer(VOCABULARY, lowercase=False)
    config = {"module": MPNetTokenizer.backbone_cls.__module__, "class_name": "MPNetBackbone"}
    config |= {"config": {}, "registered_name": "mpnet_tf>MPNetBackbone"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    tokenizer.save_to_preset(str(tmp_path))
    assert_same_tokenizer(load.from_preset(str(tmp_path)), tokenizer)


def test_preset_of_the_tokenizer_alone_is_loaded(tmp_path):
    tokenizer = MPNetTokenizer(VOCABULARY, lowercase=False)
    tokenizer.save_to_preset(str(tmp_path))
    assert_same_tokenizer(MPNetTokenizer.from_preset(str(tmp_path)), tokenizer)
    assert MPNetTokenizer.from_preset(str(tmp_path), lowercase=True).lowercase


def test_configuration_and_assets_restore_the_tokenizer(tmp_path):
    tokenizer = MPNetTokenizer(VOCABULARY, lowercase=False, name="text")
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(tokenizer))
    tokenizer.save_assets(str(tmp_path))
    restored.load_assets(str(tmp_path))
    assert_same_tokenizer(restored, tokenizer)
    assert restored.name == "text"


def assert_same_tokenizer(found, expected):
    assert isinstance(found, MPNetTokenizer)
    assert found.fingerprint == expected.fingerprint
    text = "AB<mask>\u00c9x"
    assert found(text).numpy().tolist() == expected(text).numpy().tolist()


def test_fingerprint_is_stable_and_covers_vocabulary_and_case(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("".join(f"{token}\n" for token in VOCABULARY), encoding="utf-8")
    fingerprint = MPNetTokenizer(VOCABULARY).fingerprint
    # Worked out here, so that it cannot change between releases unnoticed: shards record it.
    encoded = json.dumps({"lowercase": True, "vocabulary": VOCABULARY}).encode()
    assert fingerprint == hashlib.sha256(encoded).hexdigest()
    assert MPNetTokenizer(str(path)).fingerprint == fingerprint
    exchanged = [*VOCABULARY[:6], VOCABULARY[7], VOCABULARY[6], *VOCABULARY[8:]]
    others = [MPNetTokenizer(VOCABULARY, lowercase=False), MPNetTokenizer(exchanged)]
    assert len({fingerprint, *(other.fingerprint for other in others)}) == 3


def test_special_tokens_are_found_beside_bytes_that_are_not_utf8():
    tokenizer = MPNetTokenizer(VOCABULARY)
    ids = tokenizer(tf.constant([b"a\xff <mask>b\xfe"])).to_list()
    assert ids == [[tokenizer.unk_token_id, tokenizer.mask_token_id, tokenizer.unk_token_id]]


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        (["<s>", "<pad>", "</s>", "[UNK]"], r"vocabulary: .*lacks .* of MPNet \(<mask>\)"),
        ([*VOCABULARY, "a"], r"vocabulary: token 'a' appears 2 times"),
        ([], r"vocabulary: the vocabulary is empty"),
    ],
)
def test_bad_vocabulary_is_refused(vocabulary, message):
    with pytest.raises(ValueError, match=message):
        MPNetTokenizer(vocabulary)


def test_misuse_is_refused():
    tokenizer = MPNetTokenizer(VOCABULARY)
    with pytest.raises(ValueError, match=r"`inputs` must have rank 0 or 1\. Received: shape="):
        tokenizer.tokenize([["a", "b"]])
    with pytest.raises(ValueError, match=r"`id` must be in \[0, \d+\]\. Received: id=-1"):
        tokenizer.id_to_token(-1)
    with pytest.raises(ValueError, match=r"`token` must be in the vocabulary\. .*token='zz'"):
        tokenizer.token_to_id("zz")
    with pytest.raises(ValueError, match=r"no vocabulary\. Pass it"):
        MPNetTokenizer().tokenize("a")
