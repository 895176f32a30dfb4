"""`TextPacker` against Hugging Face's `tokenizers` and `transformers`."""

import json
import os
import subprocess
import sys

import hypothesis
import keras
import numpy as np
import pytest
import tensorflow as tf
import tokenizers
from hypothesis import strategies

from mpnet_tf.conversion.huggingface_tokenizer import TOKENIZER_FILE, write_tokenizer
from mpnet_tf.models import BertTokenizer, MPNetTokenizer, TextPacker
from mpnet_tf.models.text_packer import kept_lengths

WORDS = list("abcdefghij")
VOCABULARIES = {
    "mpnet": ["<s>", "<pad>", "</s>", "[UNK]", *WORDS, "<mask>"],
    "bert": ["[PAD]", "[UNK]", *WORDS, "[CLS]", "[SEP]", "[MASK]"],
}


def tokenizer_of(kind):
    return {"mpnet": MPNetTokenizer, "bert": BertTokenizer}[kind](VOCABULARIES[kind])


@pytest.fixture(scope="module", params=["mpnet", "bert"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def directory(kind, tmp_path_factory):
    path = tmp_path_factory.mktemp(kind)
    write_tokenizer(tokenizer_of(kind).settings(), str(path), model_type=kind)
    return path


def expected_rows(tokenizer, inputs, length):
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length, **PADDING[tokenizer.token_to_id("<pad>") is None])
    encodings = tokenizer.encode_batch(inputs)
    return {
        "token_ids": [encoding.ids for encoding in encodings],
        "padding_mask": [encoding.attention_mask for encoding in encodings],
        "segment_ids": [encoding.type_ids for encoding in encodings],
    }


PADDING = {True: {"pad_id": 0, "pad_token": "[PAD]"}, False: {"pad_id": 1, "pad_token": "<pad>"}}


def rows(packed):
    return {name: value.numpy().tolist() for name, value in packed.items()}


def words(count):
    return " ".join(WORDS[index % len(WORDS)] for index in range(count))


def test_every_pair_of_lengths_is_cut_as_hugging_face_does(kind, directory):
    theirs = tokenizers.Tokenizer.from_file(str(directory / TOKENIZER_FILE))
    pairs = [(words(first), words(second)) for first in range(9) for second in range(9)]
    firsts, seconds = map(list, zip(*pairs, strict=True))
    for length in range(4, 17):
        packer = TextPacker(tokenizer_of(kind), length)
        for inputs, expected in (
            ((firsts, seconds), expected_rows(theirs, pairs, length)),
            (firsts, expected_rows(theirs, firsts, length)),
        ):
            if kind == "mpnet":
                del expected["segment_ids"]
            assert rows(packer(inputs)) == expected, length


@hypothesis.settings(max_examples=100, deadline=None)
@hypothesis.given(
    lengths=strategies.lists(
        strategies.tuples(strategies.integers(0, 40), strategies.integers(0, 40)), min_size=1
    ),
    room=strategies.integers(0, 50),
)
def test_kept_lengths_are_those_of_taking_off_one_token_at_a_time(lengths, room):
    first, second = np.array(lengths, dtype=np.int32).T
    kept = np.stack(kept_lengths(tf.constant(first), tf.constant(second), room), axis=1)
    expected = []
    for one, other in lengths:
        while one + other > room:
            # From the longer; from equally long ones the first.
            if one >= other:
                one -= 1
            else:
                other -= 1
        expected.append([one, other])
    # With room for an odd number of tokens the text that was longer keeps one more.
    odd = (room % 2 == 1) & (np.minimum(first, second) > room // 2) & (first > second)
    expected = np.where(odd[:, None], np.array(expected)[:, ::-1], expected)
    np.testing.assert_array_equal(kept, expected)


def test_real_pairs_are_packed_as_transformers_does(shared_data, tmp_path):
    transformers = pytest.importorskip("transformers")
    path = shared_data / "vocab" / "bert-base-uncased-vocab.txt"
    tokens = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    lines = (shared_data / "stsb" / "sts-dev.csv").read_text(encoding="utf-8").splitlines()
    firsts, seconds = map(list, zip(*(line.split("\t")[5:7] for line in lines), strict=True))
    firsts[:3], seconds[:3] = ["", "a  [MASK]", ""], ["", "", "<mask> [SEP] b"]
    for model_type, tokenizer in (
        ("bert", BertTokenizer(tokens)),
        ("mpnet", MPNetTokenizer(["<s>", "<pad>", "</s>", "<unk>", *tokens, "<mask>"])),
    ):
        write_tokenizer(tokenizer.settings(), str(tmp_path / model_type), model_type=model_type)
        theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / model_type)
        names = {"token_ids": "input_ids", "padding_mask": "attention_mask"}
        if model_type == "bert":
            names["segment_ids"] = "token_type_ids"
        for length in (8, 19, 64):
            arguments = {"truncation": True, "padding": "max_length", "max_length": length}
            expected = theirs(firsts, seconds, return_tensors="np", **arguments)
            found = TextPacker(tokenizer, length)((firsts, seconds))
            assert {names[name] for name in found} == set(expected)
            for name, value in found.items():
                np.testing.assert_array_equal(value, expected[names[name]])


def test_layout_by_hand():
    packer = TextPacker(tokenizer_of("bert"), 9)
    packed = rows(packer((["a b", ""], ["c", "d"])))
    cls, sep, a, b, c, d = 12, 13, 2, 3, 4, 5
    assert packed["token_ids"] == [
        [cls, a, b, sep, c, sep, 0, 0, 0],
        [cls, sep, d, sep, 0, 0, 0, 0, 0],
    ]
    assert packed["padding_mask"] == [[1] * 6 + [0] * 3, [1] * 4 + [0] * 5]
    assert packed["segment_ids"] == [[0] * 4 + [1, 1] + [0] * 3, [0, 0, 1, 1] + [0] * 5]
    assert rows(packer(["a", ""]))["token_ids"] == [
        [cls, a, sep, 0, 0, 0, 0, 0, 0],
        [cls, sep, 0, 0, 0, 0, 0, 0, 0],
    ]
    other = TextPacker(tokenizer_of("bert"), 9, pair_separators=2, has_segment_ids=False)
    packed = rows(other((["a b"], ["c"])))
    assert packed["token_ids"] == [[cls, a, b, sep, sep, c, sep, 0, 0]]
    assert set(packed) == {"token_ids", "padding_mask"}


def test_eager_tf_data_and_tf_function_agree(kind):
    packer = TextPacker(tokenizer_of(kind), 7)
    firsts, seconds = ["a b c d", "", "e", "f"], ["g", "h i j", "", "<mask> a"]
    expected = rows(packer((firsts, seconds)))
    pairs = tf.data.Dataset.from_tensor_slices((firsts, seconds))
    batches = list(pairs.batch(3).map(lambda *pair: packer(pair)))
    for name, values in expected.items():
        assert np.concatenate([batch[name] for batch in batches]).tolist() == values
    signature = [tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.string)]
    traced = tf.function(lambda *pair: packer(pair), input_signature=signature)
    assert rows(traced(tf.constant(firsts), tf.constant(seconds))) == expected
    singles = tf.data.Dataset.from_tensor_slices(firsts).batch(4).map(packer)
    assert rows(next(iter(singles))) == rows(packer(tf.constant(firsts)))
    for spec in singles.element_spec.values():
        assert (spec.shape[-1], spec.dtype) == (7, tf.int32)
    no_texts = packer((tf.zeros([0], tf.string), tf.zeros([0], tf.string)))
    assert {tuple(value.shape) for value in no_texts.values()} == {(0, 7)}


LOADING_PROGRAM = """
import json, sys
import tensorflow as tf
import tensorflow_text
loaded = tf.saved_model.load(sys.argv[1])
first, second = json.loads(sys.argv[2])
outputs = loaded.signatures["serving_default"](
    first=tf.constant(first), second=tf.constant(second)
)
assert not any(name.split(".")[0] in ("keras_hub", "mpnet_tf") for name in sys.modules)
print(json.dumps({name: value.numpy().tolist() for name, value in outputs.items()}))
"""


def test_saved_model_has_only_ops_that_stock_serving_has(tmp_path):
    packer = TextPacker(tokenizer_of("bert"), 8)
    specs = {
        "first": tf.TensorSpec([None], tf.string, name="first"),
        "second": tf.TensorSpec([None], tf.string, name="second"),
    }

    @tf.function
    def serve(first, second):
        return packer((first, second))

    module = tf.Module()
    module.serve = serve
    traced = serve.get_concrete_function(**specs)
    tf.saved_model.save(module, str(tmp_path), signatures=traced)
    graph = traced.graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    text_ops = {node.op for node in nodes if "Fast" in node.op or "TFText" in node.op}
    assert {name.removeprefix("TFText>") for name in text_ops} == {
        "FastBertNormalize",
        "FastWordpieceTokenizeWithOffsets",
    }
    texts = [["a b c d e", ""], ["f g h", "[MASK] i"]]
    output = subprocess.run(
        [sys.executable, "-c", LOADING_PROGRAM, str(tmp_path), json.dumps(texts)],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    ).stdout
    assert json.loads(output) == rows(packer(tuple(texts)))


def test_configuration_restores_the_layer():
    packer = TextPacker(tokenizer_of("mpnet"), 9, pair_separators=1, has_segment_ids=True)
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(packer))
    restored.tokenizer.set_vocabulary(VOCABULARIES["mpnet"])
    pair = (["a b c"], ["d"])
    assert rows(restored(pair)) == rows(packer(pair))
    assert isinstance(restored.tokenizer, MPNetTokenizer)


def test_symbolic_call_gives_shapes(kind):
    packer = TextPacker(tokenizer_of(kind), 6)
    texts = keras.KerasTensor((None,), dtype="string")
    for inputs in (texts, (texts, texts)):
        spec = packer.compute_output_spec(inputs)
        assert set(spec) == set(packer(["a"]))
        assert {(one.shape, one.dtype) for one in spec.values()} == {((None, 6), "int32")}


def test_misuse_is_refused():
    tokenizer = tokenizer_of("mpnet")
    with pytest.raises(ValueError, match=r"`sequence_length` must be at least 2.*length=1"):
        TextPacker(tokenizer, 1)
    with pytest.raises(ValueError, match=r"`pair_separators` must be at least 1.*separators=0"):
        TextPacker(tokenizer, 8, pair_separators=0)
    packer = TextPacker(tokenizer, 3)
    assert rows(packer(["a b"]))["token_ids"] == [[0, 4, 2]]
    with pytest.raises(ValueError, match=r"must be at least 4 for pairs\. .*sequence_length=3"):
        packer((["a"], ["b"]))
    with pytest.raises(ValueError, match=r"a tuple of two for pairs\. Received: a tuple of 3"):
        packer((["a"], ["b"], ["c"]))
    with pytest.raises(ValueError, match=r"shape \(batch_size,\).* Received: shape=\(1, 2\)"):
        packer([["a", "b"]])
    with pytest.raises(ValueError, match=r"shape=\(\)"):
        packer("a")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be as many on either side"):
        TextPacker(tokenizer, 8)((["a", "b"], ["c"]))
