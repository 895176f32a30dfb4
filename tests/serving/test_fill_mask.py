"""Filling blanks: the same answers from a reference, the class and the exported model."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.serving.fill_mask import FillMask, export_fill_mask
from tests.serving.conftest import random_masked_lm

TEXTS = [
    "the <mask> sat on the <mask>.",
    "",
    "no <pad> blanks, only words",
    "<mask>s and été <mask> 猫",
    "the cat " * 30 + "<mask>",
    "a " + "<mask>" * 30,
]
MAX_SEQUENCE_LENGTH = 14
# TensorFlow Text's ops that TensorFlow Serving has linked since 2.12.
TEXT_OPS = {"FastBertNormalize", "FastWordpieceTokenizeWithOffsets"}

LOAD_AND_ANSWER = """
import json, pathlib, sys
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

directory, texts = sys.argv[1], json.loads(sys.argv[2])
saved_model = saved_model_pb2.SavedModel()
saved_model.ParseFromString(pathlib.Path(directory, "saved_model.pb").read_bytes())
graph = saved_model.meta_graphs[0].graph_def
nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
ops = sorted({node.op for node in nodes})
ops_of_no_core = [op for op in ops if op_def_registry.get(op) is None]

import tensorflow_text

model = tf.saved_model.load(directory)
answers = {
    name: {
        key: value.numpy().astype("S" if value.dtype == tf.string else value.numpy().dtype).tolist()
        for key, value in model.signatures[name](text=tf.constant(texts, tf.string)).items()
    }
    for name in model.signatures
}
assert not {"mpnet_tf", "keras_hub"} & set(sys.modules)
result = {"ops": ops, "ops_of_no_core": ops_of_no_core, "answers": answers}
print(json.dumps(result, default=bytes.decode))
"""


@pytest.fixture(scope="module")
def fresh_process(tmp_path_factory, masked_lm, tokenizer):
    """What a process that imports TensorFlow and TensorFlow Text alone finds in a moved export."""
    directory = tmp_path_factory.mktemp("export")
    export_fill_mask(masked_lm, tokenizer, directory / "new" / "model", top_k=3)
    os.rename(directory / "new", directory / "moved")
    run = subprocess.run(
        [sys.executable, "-c", LOAD_AND_ANSWER, directory / "moved" / "model", json.dumps(TEXTS)],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def decoded(tokens):
    """Turns a tensor of UTF-8 strings into a NumPy array of str."""
    return np.char.decode(tokens.numpy().astype("S"), "utf-8")


def expected_answers(text, masked_lm, tokenizer, *, top_k):
    """One text at a time, nothing padded, sorted in NumPy."""
    token_ids = tokenizer([text]).to_list()[0][: MAX_SEQUENCE_LENGTH - 2]
    token_ids = [tokenizer.start_token_id, *token_ids, tokenizer.end_token_id]
    places = [i for i, token_id in enumerate(token_ids) if token_id == tokenizer.mask_token_id]
    if not places:
        return []
    inputs = {
        "token_ids": np.array([token_ids]),
        "padding_mask": np.ones((1, len(token_ids)), np.int32),
        "mask_positions": np.array([places]),
    }
    if "segment_ids" in masked_lm.input:
        inputs["segment_ids"] = np.zeros_like(inputs["token_ids"])
    logits = masked_lm(inputs).numpy()[0].astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    answers = []
    for row in probabilities:
        order = [i for i in np.argsort(-row) if i not in tokenizer.special_token_ids][:top_k]
        answers.append([(tokenizer.id_to_token(int(i)), row[i]) for i in order])
    return answers


@pytest.mark.parametrize("body", ["mpnet", "bert", "glm"])
def test_agrees_with_a_reference_text_by_text(body, tokenizer):
    masked_lm = random_masked_lm(body)
    answers = FillMask(masked_lm, tokenizer, top_k=4)(TEXTS)
    tokens, scores = decoded(answers["tokens"]), answers["scores"].numpy()
    # Of the longest text's 30 blanks those within the position table count.
    assert answers["num_blanks"].numpy().tolist() == [2, 0, 0, 2, 0, 11]
    assert tokens.shape == scores.shape == (len(TEXTS), 11, 4)
    for row, text in enumerate(TEXTS):
        expected = expected_answers(text, masked_lm, tokenizer, top_k=4)
        for blank, guesses in enumerate(expected):
            assert tokens[row, blank].tolist() == [token for token, _ in guesses]
            # float32 sums over a dozen tokens, in another order where the row is padded.
            np.testing.assert_allclose(
                scores[row, blank], [score for _, score in guesses], atol=1e-5
            )
        assert (tokens[row, len(expected) :] == "").all()
        assert (scores[row, len(expected) :] == 0).all()


def test_special_tokens_are_never_answers_however_likely(masked_lm, tokenizer):
    bias = masked_lm.lm_head.bias
    original = bias.numpy()
    try:
        bias.assign(original + 200 * np.isin(np.arange(len(original)), tokenizer.special_token_ids))
        most = tokenizer.vocabulary_size() - len(tokenizer.special_token_ids)
        answers = FillMask(masked_lm, tokenizer, top_k=most)(["a <mask>"])
    finally:
        bias.assign(original)
    words = set(tokenizer.get_vocabulary()) - set(tokenizer.special_tokens)
    assert set(decoded(answers["tokens"])[0, 0]) == words
    # The special tokens took the probability: scores are shares of the whole vocabulary.
    assert answers["scores"].numpy().sum() < 1e-6


@pytest.mark.parametrize("texts", [[], [""], ["no blanks", "the cat"]])
def test_works_without_any_blank(masked_lm, tokenizer, texts):
    answers = FillMask(masked_lm, tokenizer, top_k=2)(texts)
    assert answers["num_blanks"].numpy().tolist() == [0] * len(texts)
    assert answers["tokens"].shape == answers["scores"].shape == (len(texts), 0, 2)


def test_a_fresh_process_answers_as_the_model_does(fresh_process, masked_lm, tokenizer):
    assert sorted(fresh_process["answers"]) == ["fill_mask", "serving_default"]
    expected = FillMask(masked_lm, tokenizer, top_k=3)(TEXTS)
    for answers in fresh_process["answers"].values():
        assert answers["tokens"] == decoded(expected["tokens"]).tolist()
        assert answers["num_blanks"] == expected["num_blanks"].numpy().tolist()
        np.testing.assert_allclose(answers["scores"], expected["scores"], atol=1e-5)


def test_a_body_with_segments_is_exported_like_any_other(tokenizer, tmp_path):
    masked_lm = random_masked_lm("bert")
    export_fill_mask(masked_lm, tokenizer, tmp_path / "model", top_k=3)
    signature = tf.saved_model.load(tmp_path / "model").signatures["fill_mask"]
    assert list(signature.structured_input_signature[1]) == ["text"]
    answers = signature(text=tf.constant(TEXTS))
    expected = FillMask(masked_lm, tokenizer, top_k=3)(TEXTS)
    assert answers["tokens"].numpy().tolist() == expected["tokens"].numpy().tolist()
    np.testing.assert_allclose(answers["scores"], expected["scores"], atol=1e-5)


def test_the_graph_holds_ops_of_stock_tensorflow_serving_alone(fresh_process):
    assert set(fresh_process["ops_of_no_core"]) <= TEXT_OPS
    assert not [op for op in fresh_process["ops"] if "PyFunc" in op]


def test_export_refuses_an_existing_directory(masked_lm, tokenizer, tmp_path):
    with pytest.raises(FileExistsError, match=r"`output_directory` must not exist.*Received"):
        export_fill_mask(masked_lm, tokenizer, tmp_path)


def test_a_failed_export_leaves_nothing(masked_lm, tokenizer, tmp_path, monkeypatch):
    def write_half(module, directory, *args, **kwargs):
        pathlib.Path(directory, "saved_model.pb").write_bytes(b"half")
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", write_half)
    with pytest.raises(OSError, match=r"Cannot write .*model: No space left on device"):
        export_fill_mask(masked_lm, tokenizer, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_refuses_arguments_that_do_not_fit(masked_lm, tokenizer):
    with pytest.raises(ValueError, match=r"`top_k` must be from 1 to 20.*top_k=21"):
        FillMask(masked_lm, tokenizer, top_k=21)
    with pytest.raises(ValueError, match=r"`top_k` must be from 1 to 20.*top_k=0"):
        FillMask(masked_lm, tokenizer, top_k=0)
    other = type(tokenizer)([*tokenizer.get_vocabulary(), "one"])
    with pytest.raises(ValueError, match=r"`vocabulary_size`, 25.*tokenizer with 26"):
        FillMask(masked_lm, other)
