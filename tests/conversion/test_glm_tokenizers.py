"""The tokenizers in directories of GLM's authors, with the model beside them."""

import io
import json

import pytest
import sentencepiece
import tokenizers

from mpnet_tf.conversion.sources import read_foreign
from mpnet_tf.data.vocabulary import is_filler
from mpnet_tf.models import (
    BytePairTokenizer,
    GLMMaskedLM,
    GLMTokenizer,
    SentencePieceTokenizer,
    open_tokenizer,
)
from mpnet_tf.models.preset_conversion import convert
from tests.conversion.test_glm_checkpoint import GLM, save, save_directory

TEXT = ["the cat sat on the mat and the dog sat on the log", "a dog and a cat"] * 20
VOCABULARY_SIZE = 340


@pytest.fixture(scope="module")
def glm():
    return GLM(num_layers=1, vocabulary_size=VOCABULARY_SIZE)


@pytest.fixture(scope="module")
def sentencepiece_model():
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT), model_writer=written, vocab_size=20, minloglevel=2
    )
    return written.getvalue()


def converted_tokenizer(directory, tmp_path):
    """Converts a model to a preset and returns the tokenizer that the preset holds."""
    convert(directory, str(tmp_path / "preset"), to="keras")
    model = GLMMaskedLM.from_preset(str(tmp_path / "preset"))
    tokenizer = open_tokenizer(str(tmp_path / "preset"))
    assert tokenizer.vocabulary_size() == model.backbone.vocabulary_size == VOCABULARY_SIZE
    assert open_tokenizer(directory)(TEXT).to_list() == tokenizer(TEXT).to_list()
    return tokenizer


def test_sentencepiece_and_added_tokens(glm, sentencepiece_model, tmp_path):
    directory = tmp_path / "glm-large-chinese"
    directory.mkdir()
    save_directory(directory, glm)
    (directory / "cog-pretrain.model").write_bytes(sentencepiece_model)
    ids = {"<|endoftext|>": 20, "[SEP]": 21, "[CLS]": 22, "[MASK]": 23, "[UNK]": 24}
    ids |= {"<|startofpiece|>": 26, "<|endofpiece|>": 27, "[sMASK]": 28, "[gMASK]": 29}
    (directory / "added_tokens.json").write_text(json.dumps(ids))
    names = {"eos_token": "<|endoftext|>", "cls_token": "[CLS]", "mask_token": "[MASK]"}
    (directory / "tokenizer_config.json").write_text(json.dumps(names))
    tokenizer = converted_tokenizer(str(directory), tmp_path)
    assert isinstance(tokenizer, SentencePieceTokenizer)
    assert {token: tokenizer.token_to_id(token) for token in ids} == ids
    assert is_filler(tokenizer.id_to_token(25)) and is_filler(tokenizer.id_to_token(30))
    processor = sentencepiece.SentencePieceProcessor(model_proto=sentencepiece_model)
    assert tokenizer(TEXT).to_list() == processor.encode(TEXT)


def test_a_checkpoint_takes_a_sentencepiece_model(glm, sentencepiece_model, tmp_path):
    path = save(tmp_path / "mp_rank_00_model_states.pt", glm)
    vocabulary = tmp_path / "cog-pretrain.model"
    vocabulary.write_bytes(sentencepiece_model)
    tokenizer = read_foreign(path, vocabulary=str(vocabulary)).tokenizer
    assert len(tokenizer.tokens) == VOCABULARY_SIZE
    assert tokenizer.tokens.index("[gMASK]") == 20 + 9
    small = save(tmp_path / "small.pt", GLM(num_layers=1, vocabulary_size=29))
    with pytest.raises(ValueError, match=r"gives 30 tokens, where the model's table has 29"):
        read_foreign(small, vocabulary=str(vocabulary))


def test_byte_pairs(glm, tmp_path):
    directory = tmp_path / "glm-10b"
    directory.mkdir()
    save_directory(directory, glm)
    trained = tokenizers.ByteLevelBPETokenizer()
    trained.train_from_iterator(TEXT, vocab_size=280, special_tokens=["<|endoftext|>"])
    trained.save_model(str(directory))
    tokenizer = converted_tokenizer(str(directory), tmp_path)
    assert isinstance(tokenizer, BytePairTokenizer)
    assert tokenizer(TEXT).to_list() == [trained.encode(text).ids for text in TEXT]
    num_tokens = trained.get_vocab_size()
    assert tokenizer.token_to_id("<|startofpiece|>") == num_tokens
    assert tokenizer.token_to_id("[sMASK]") == num_tokens + 7


def test_berts_vocabulary_and_added_tokens(glm, tmp_path):
    directory = tmp_path / "glm-large"
    directory.mkdir()
    save_directory(directory, glm)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "dog", "##s"]
    (directory / "vocab.txt").write_text("\n".join(tokens) + "\n")
    ids = {"<|startofpiece|>": 9, "<|endofpiece|>": 10, "[gMASK]": 11, "[sMASK]": 12}
    (directory / "added_tokens.json").write_text(json.dumps(ids))
    (directory / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "GLMBertTokenizer", "do_lower_case": True})
    )
    tokenizer = converted_tokenizer(str(directory), tmp_path)
    assert isinstance(tokenizer, GLMTokenizer)
    assert tokenizer("The cats [gMASK]").numpy().tolist() == [5, 6, 8, 11]
    assert {token: tokenizer.token_to_id(token) for token in ids} == ids
