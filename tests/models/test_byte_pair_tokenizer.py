"""`BytePairTokenizer` and the directories that it is read from, against `transformers`."""

import json

import pytest
import tensorflow as tf
import tokenizers

from mpnet_tf.conversion.byte_pair_files import read_byte_pairs
from mpnet_tf.data.vocabulary import is_filler
from mpnet_tf.models import BytePairTokenizer, open_tokenizer
from mpnet_tf.objectives.token_roles import TokenRoles

transformers = pytest.importorskip("transformers")

TEXT = [
    "The cat sat on the mat, and the dogs sat on the logs.",
    "A dog and a cat; 12 cats can't see 3 dogs.",
    "\u4eca\u5929\u5929\u6c14\u5f88\u597d caf\u00e9",
] * 20
# What GLM's program puts after GPT-2's tokens, in the order of the ids.
GLM_TOKENS = [
    "<|startofpiece|>",
    "<|endofpiece|>",
    "[CLS]",
    "[MASK]",
    "[SEP]",
    "[UNK]",
    "[gMASK]",
    "[sMASK]",
]
TEXTS = [
    "The cat [MASK] the dogs.",
    "cats\u5929\u6c14  [gMASK][sMASK]<|startofpiece|> A dog<|endofpiece|>",
    "",
    "<|endoftext|>caf\u00e9 \U0001f600\n\n 3 dogs  ",
]


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    """A directory with a small GPT-2 vocabulary, as `vocab.json` and `merges.txt`."""
    directory = tmp_path_factory.mktemp("gpt2")
    trained = tokenizers.ByteLevelBPETokenizer()
    trained.train_from_iterator(TEXT, vocab_size=330, special_tokens=["<|endoftext|>"])
    trained.save_model(str(directory))
    return directory


def reference(directory, added_tokens):
    """The tokenizer of `transformers`, with tokens of GLM's that take the space before them."""
    tokenizer = transformers.GPT2Tokenizer(
        vocab=str(directory / "vocab.json"), merges=str(directory / "merges.txt")
    )
    for token in added_tokens:
        added = tokenizers.AddedToken(token, lstrip="MASK]" in token, normalized=False)
        tokenizer.add_tokens([added], special_tokens=True)
    return tokenizer


def test_ids_are_those_of_tokenizers_with_glms_tokens(gpt2):
    tokenizer = open_tokenizer(str(gpt2))
    assert isinstance(tokenizer, BytePairTokenizer)
    theirs = reference(gpt2, GLM_TOKENS)
    assert tokenizer.get_vocabulary() == theirs.convert_ids_to_tokens(range(len(theirs)))
    expected = [theirs(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
    found = tokenizer(TEXTS)
    assert found.dtype == tf.int32
    assert found.to_list() == expected
    assert tokenizer(TEXTS[0]).numpy().tolist() == expected[0]
    texts = [text.decode("utf-8") for text in tokenizer.detokenize(found).numpy()]
    assert texts == [theirs.decode(row) for row in expected]
    assert tokenizer.detokenize(tokenizer("The cat")).numpy() == b"The cat"


def test_ids_of_real_text(gpt2, shared_data):
    lines = (shared_data / "corpus" / "wikitext2_valid.txt").read_text("utf-8").splitlines()
    theirs = reference(gpt2, GLM_TOKENS)
    expected = theirs(lines, add_special_tokens=False)["input_ids"]
    assert open_tokenizer(str(gpt2))(lines).to_list() == expected


def test_added_tokens_and_roles_of_the_directory_count(gpt2, tmp_path):
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).write_text((gpt2 / name).read_text("utf-8"), "utf-8")
    first = len(json.loads((gpt2 / "vocab.json").read_text("utf-8")))
    ids = {"[CLS]": first + 2, "[MASK]": first, "[UNK]": first + 3, "[SEP]": first + 4}
    (tmp_path / "added_tokens.json").write_text(json.dumps(ids))
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"eos_token": {"content": "[SEP]"}, "tokenizer_class": "GLMGPT2Tokenizer"})
    )
    settings = read_byte_pairs(str(tmp_path))
    assert settings.special_tokens["end_token"] == "[SEP]"
    tokenizer = BytePairTokenizer.from_settings(settings)
    assert {token: tokenizer.token_to_id(token) for token in ids} == ids
    assert is_filler(tokenizer.id_to_token(first + 1))
    assert tokenizer.end_token_id == first + 4
    assert tokenizer("a [MASK]").numpy()[-1] == first
    (tmp_path / "added_tokens.json").write_text(json.dumps({"[CLS]": 3}))
    with pytest.raises(ValueError, match=r"gives '\[CLS\]' the id 3, where ids from \d+ on"):
        read_byte_pairs(str(tmp_path))


def test_robertas_vocabulary_and_its_tokenizer_json(tmp_path):
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained = tokenizers.ByteLevelBPETokenizer()
    trained.train_from_iterator(TEXT, vocab_size=330, special_tokens=special)
    trained.save(str(tmp_path / "tokenizer.json"))
    tokenizer = open_tokenizer(str(tmp_path))
    assert tokenizer.roles == {
        "start_token": "<s>",
        "pad_token": "<pad>",
        "end_token": "</s>",
        "mask_token": "<mask>",
        "unk_token": "<unk>",
    }
    assert tokenizer.get_vocabulary()[-2:] == ["<|startofpiece|>", "<|endofpiece|>"]
    assert tokenizer(TEXT[:3]).to_list() == [trained.encode(text).ids for text in TEXT[:3]]
    assert tokenizer("a <mask>").numpy()[-2:].tolist() == [tokenizer.token_to_id("a"), 4]


def test_a_graph_is_refused_and_told_what_to_do(gpt2):
    tokenizer = open_tokenizer(str(gpt2))
    with pytest.raises(ValueError, match=r"no TensorFlow op.*Make token ids beforehand"):
        tf.data.Dataset.from_tensor_slices(TEXTS).batch(2).map(tokenizer)


def test_roles_for_objectives(gpt2):
    tokenizer = open_tokenizer(str(gpt2))
    roles = TokenRoles.from_tokenizer(tokenizer)
    pieces = [piece for piece in tokenizer.get_vocabulary() if len(piece) > 1]
    flags = dict(zip(tokenizer.get_vocabulary(), roles.is_continuation, strict=True))
    assert {flags[piece] for piece in pieces if piece.startswith("\u0120")} == {False}
    assert flags["at"] and not flags["."] and not flags["[CLS]"]
    special = {tokenizer.id_to_token(index) for index in roles.is_special.nonzero()[0]}
    assert special == {"<|endoftext|>", *GLM_TOKENS}


def test_preset_holds_the_tokenizer(gpt2, tmp_path):
    tokenizer = open_tokenizer(str(gpt2))
    tokenizer.save_to_preset(str(tmp_path))
    loaded = open_tokenizer(str(tmp_path))
    assert isinstance(loaded, BytePairTokenizer)
    assert loaded.fingerprint == tokenizer.fingerprint
    assert loaded(TEXTS).to_list() == tokenizer(TEXTS).to_list()


def test_damaged_files_are_named(tmp_path):
    (tmp_path / "vocab.json").write_text("{")
    (tmp_path / "merges.txt").write_text("")
    with pytest.raises(ValueError, match="has a tokenizer that cannot be read"):
        read_byte_pairs(str(tmp_path))
