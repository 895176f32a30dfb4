"""`SentencePieceTokenizer` against the `sentencepiece` library."""

import io
import random
import re
import subprocess
import sys

import hypothesis
import keras
import pytest
import sentencepiece
import tensorflow as tf
from hypothesis import strategies

from mpnet_tf.models import GLMTokenizer, SentencePieceTokenizer, TextPacker, open_tokenizer
from mpnet_tf.objectives.token_roles import TokenRoles

# As GLM's program numbers them after the 50,000 pieces of its Chinese model.
GLM_IDS = {
    "<|endoftext|>": 50000,
    "[SEP]": 50001,
    "[CLS]": 50002,
    "[MASK]": 50003,
    "[UNK]": 50004,
    "<|startofpiece|>": 50006,
    "<|endofpiece|>": 50007,
    "[sMASK]": 50008,
    "[gMASK]": 50009,
}

TEXT = [
    "the cat sat on the mat and the dog sat on the log",
    "a dog and a cat, 12 cats and 3 dogs; the End",
    "\u4eca\u5929\u5929\u6c14\u5f88\u597d\uff0c\u6211\u4eec\u53bb\u516c\u56ed",
    "\u660e\u5929\u5929\u6c14\u4e0d\u597d\uff0c\u4ed6\u4eec\u4e0d\u53bb\u516c\u56ed",
]


@pytest.fixture(scope="module")
def model():
    """A small SentencePiece model, as bytes."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT * 20),
        model_writer=written,
        vocab_size=44,
        minloglevel=2,
    )
    return written.getvalue()


@pytest.fixture(scope="module")
def tokenizer(model):
    return SentencePieceTokenizer(model)


def reference_ids(processor, texts, ids=None):
    """Ids as GLM's program gives them: between its tokens each stretch is cut by itself."""
    first = processor.get_piece_size() - 50000
    ids = ids or {token: index + first for token, index in GLM_IDS.items()}
    pattern = "(" + "|".join(map(re.escape, ids)) + ")"
    rows = []
    for text in texts:
        stretches = [stretch for stretch in re.split(pattern, text) if stretch]
        cut = ([ids[s]] if s in ids else processor.encode(s) for s in stretches)
        rows.append([token_id for stretch in cut for token_id in stretch])
    return rows


def with_tokens(lines, *, seed):
    """Puts GLM's tokens into lines at random places, with and without spaces beside them."""
    generator = random.Random(seed)
    changed = []
    for line in lines:
        for _ in range(generator.randint(0, 3)):
            place = generator.randint(0, len(line))
            token = generator.choice([*GLM_IDS, "[MAS", "MASK]"])
            space = " " * generator.randint(0, 2)
            line = f"{line[:place]}{space}{token}{line[place:]}"
        changed.append(line)
    return changed


def test_ids_of_glms_model_on_real_text(shared_data):
    path = str(shared_data / "vocab" / "cog-pretrain.model")
    tokenizer = open_tokenizer(path)
    processor = sentencepiece.SentencePieceProcessor(model_file=path)
    assert {token: tokenizer.token_to_id(token) for token in GLM_IDS} == GLM_IDS
    lines = [
        line
        for file in sorted(shared_data.glob("multilingual/*.txt"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    lines += (shared_data / "corpus" / "wikitext2_valid.txt").read_text("utf-8").splitlines()
    assert len(lines) > 4000
    assert tokenizer(lines).to_list() == processor.encode(lines)
    changed = with_tokens(lines, seed=4)
    ids = tokenizer(changed)
    assert ids.to_list() == reference_ids(processor, changed, GLM_IDS)


def test_text_comes_back(shared_data):
    path = str(shared_data / "vocab" / "cog-pretrain.model")
    tokenizer = open_tokenizer(path)
    processor = sentencepiece.SentencePieceProcessor(model_file=path)
    lines = (shared_data / "multilingual" / "cmn_hans.txt").read_text("utf-8").splitlines()
    ids = tokenizer(lines)
    found = [text.decode("utf-8") for text in tokenizer.detokenize(ids).numpy()]
    assert found == processor.decode(ids.to_list())
    known = [index for index, row in enumerate(ids.to_list()) if 0 not in row]
    assert len(known) > 0.9 * len(lines)
    # The model's normaliser makes full-width characters narrow and joins spaces.
    assert [found[i] for i in known] == [
        processor.normalize(lines[i])[1:].replace("\u2581", " ") for i in known
    ]


@hypothesis.given(
    strategies.lists(
        strategies.text(strategies.sampled_from("the catdo12,\u5929\u6c14 \u3000\n[]MASK\u0e01"))
        | strategies.sampled_from([*GLM_IDS]),
        max_size=6,
    ).map("".join)
)
@hypothesis.settings(max_examples=200, deadline=None)
def test_ids_of_any_text(tokenizer, model, text):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    assert tokenizer([text]).to_list() == reference_ids(processor, [text])


def test_detokenize_gives_the_text_around_special_tokens(tokenizer):
    texts = ["the cat [MASK] the dog", "[CLS]a dog<|endoftext|>", ""]
    found = tokenizer.detokenize(tokenizer(texts))
    expected = ["the cat[MASK]the dog", "[CLS]a dog<|endoftext|>", ""]
    assert [text.decode("utf-8") for text in found.numpy()] == expected
    assert tokenizer.detokenize(tokenizer("the dog")).numpy() == b"the dog"


def test_eager_tf_data_and_tf_function_agree(tokenizer):
    texts = ["the cat", "a [gMASK] dog", "", "\u5929\u6c14"]
    expected = tokenizer(texts).to_list()
    dataset = tf.data.Dataset.from_tensor_slices(texts).batch(3).map(tokenizer)
    assert [row for batch in dataset for row in batch.to_list()] == expected
    assert tf.function(tokenizer)(tf.constant(texts)).to_list() == expected
    assert tokenizer("the cat").numpy().tolist() == expected[0]


def test_bytes_that_are_not_utf8(tokenizer, model):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    texts = [b"cat \xff dog", b"cat\xe5\xa4dog", b"\xff"]
    expected = [processor.encode(text) for text in texts]
    assert tokenizer(texts).to_list() == expected
    mask = tokenizer.token_to_id("[MASK]")
    assert tokenizer([text + b"[MASK]" for text in texts]).to_list() == [
        [*row, mask] for row in expected
    ]


def test_roles_for_objectives(tokenizer):
    roles = TokenRoles.from_tokenizer(tokenizer)
    names = tokenizer.get_vocabulary()
    continuing = {name for name, flag in zip(names, roles.is_continuation, strict=True) if flag}
    assert {"s", "at", "o"} & continuing
    assert not any(name[0] in "\u2581,\u5929[<" for name in continuing)
    assert roles.span_start_token_id == tokenizer.token_to_id("<|startofpiece|>")
    assert roles.document_mask_token_id == tokenizer.token_to_id("[gMASK]")
    # Neither control pieces nor GLM's tokens are text; a row of the table without a token is.
    special = [name for name, flag in zip(names, roles.is_special, strict=True) if flag]
    assert set(special) == {"<unk>", "<s>", "</s>", *GLM_IDS}


def test_packer_ends_texts_as_glm_does(tokenizer):
    packed = TextPacker(tokenizer, sequence_length=8)(["the cat"])
    ids = tokenizer("the cat").numpy().tolist()
    row = [tokenizer.token_to_id("[CLS]"), *ids, tokenizer.token_to_id("<|endoftext|>")]
    padding = [tokenizer.token_to_id("<|endoftext|>")] * (8 - len(row))
    assert packed["token_ids"].numpy().tolist() == [[*row, *padding]]
    assert packed["padding_mask"].numpy().sum() == len(row)


def test_preset_holds_the_tokenizer(tokenizer, tmp_path):
    tokenizer.save_to_preset(str(tmp_path))
    texts = ["the cat [MASK]", "\u5929\u6c14"]
    for loaded in (
        SentencePieceTokenizer.from_preset(str(tmp_path)),
        open_tokenizer(str(tmp_path)),
    ):
        assert isinstance(loaded, SentencePieceTokenizer)
        assert loaded(texts).to_list() == tokenizer(texts).to_list()
        assert loaded.fingerprint == tokenizer.fingerprint
    with pytest.raises(ValueError, match="has a SentencePiece tokenizer, where GLMTokenizer is"):
        GLMTokenizer.from_preset(str(tmp_path))
    copy = SentencePieceTokenizer.from_config(tokenizer.get_config())
    with pytest.raises(ValueError, match="has no vocabulary"):
        copy(["a"])
    assert (
        keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(tokenizer)
        ).further_tokens
        == tokenizer.further_tokens
    )


def test_fingerprint_covers_model_and_tokens(model, tokenizer):
    other = SentencePieceTokenizer(model, further_tokens=[*tokenizer.further_tokens, "[dBLOCK]"])
    assert other.fingerprint != tokenizer.fingerprint


LOADING_SCRIPT = """
import sys
import tensorflow as tf
import tensorflow_text
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
assert not {"keras_hub", "mpnet_tf"} & set(sys.modules)
print(serve(tf.constant(["the cat [MASK]", ""]))["ids"].numpy().tolist())
"""


def test_saved_model_in_a_fresh_process(tokenizer, tmp_path):
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(texts):
        return {"ids": tokenizer(texts).to_tensor(-1)}

    module.tokenizer, module.serve = tokenizer, serve
    tf.saved_model.save(module, str(tmp_path), signatures=serve)
    command = [sys.executable, "-c", LOADING_SCRIPT, str(tmp_path)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    expected = tokenizer(["the cat [MASK]", ""]).to_tensor(-1).numpy().tolist()
    assert printed.strip() == str(expected)
    graph = serve.get_concrete_function().graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    custom = {node.op for node in nodes if node.op.startswith(("TFText", "Sentencepiece", "Py"))}
    # Stock TensorFlow Serving has linked it since its release 2.12.1.
    assert custom == {"SentencepieceTokenizeOp"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": b"none"}, "must be a SentencePiece model. Received: 4 bytes"),
        ({"further_tokens": ["[CLS]"]}, "lacks the special tokens"),
        ({"further_tokens": ["[X]", "[X]"]}, "appears 2 times"),
    ],
)
def test_bad_settings_are_refused(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        SentencePieceTokenizer(**{"model": model, **arguments})
