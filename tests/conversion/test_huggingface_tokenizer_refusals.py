"""Tokenizers of `transformers` that cannot be honoured are refused, each with its reason."""

import pytest

from mpnet_tf.conversion.huggingface_tokenizer import read_tokenizer, write_tokenizer
from tests.conversion.tokenizer_settings import VOCABULARIES, change_json, settings_of, write_json

JSON = "tokenizer.json"
CONFIG = "tokenizer_config.json"


@pytest.mark.parametrize(
    ("name", "keys", "value", "message"),
    [
        (JSON, ["model", "type"], "BPE", r"tokenizer\.json has model\.type='BPE', where 'WordPie"),
        (JSON, ["model", "continuing_subword_prefix"], "@", r"subword_prefix='@', where '##' can"),
        (JSON, ["model", "max_input_chars_per_word"], 50, r"per_word=50, where 100 can be read"),
        (JSON, ["model", "unk_token"], "a", r"'a' as unk_token, where .* has '\[UNK\]'\. Make"),
        (JSON, ["normalizer", "clean_text"], False, r"clean_text=False, where True can be read"),
        (JSON, ["normalizer", "type"], "Lowercase", r"normalizer\.type='Lowercase', where 'Bert"),
        (JSON, ["normalizer"], None, r"normalizer\.type=None, where 'BertNormalizer' can be read"),
        (JSON, ["pre_tokenizer", "type"], "Whitespace", r"pre_tokenizer\.type='Whitespace', wh"),
        (JSON, ["post_processor", "type"], "ByteLevel", r"post_processor\.type='ByteLevel', whe"),
        (JSON, ["post_processor", "pair"], [], r"the template \[CLS\]:0 A:0 \[SEP\]:0 and , where"),
        (JSON, ["post_processor", "special_tokens", "[CLS]", "ids"], [9], r"id 9 for '\[CLS\]' in"),
        (JSON, ["added_tokens", 0, "single_word"], True, r"single_word=True for .* '\[PAD\]', wh"),
        (JSON, ["added_tokens", 0, "content"], "a", r"two ids of the token 'a': 6 and 0, where o"),
        (JSON, ["added_tokens", 0], {"id": 6, "content": "a"}, r"normalized=False for the .* 'a'"),
        (JSON, ["added_tokens", 0], {"id": 99, "content": "z"}, r"no token with the id 19 or two"),
        (JSON, ["model"], {"type": "WordPiece"}, r"subword_prefix=None"),
        (JSON, ["normalizer"], {"type": "BertNormalizer", "clean_text": True}, r"lacks the entry"),
        (CONFIG, ["do_lower_case"], False, r"config\.json has do_lower_case=False, where .*Make"),
        (CONFIG, ["strip_accents"], False, r"strip_accents=False, where the normalizer in"),
        (CONFIG, ["cls_token"], "a", r"special_tokens_map\.json has cls_token='\[CLS\]', where"),
    ],
)
def test_what_cannot_be_honoured_is_refused(tmp_path, name, keys, value, message):
    write_tokenizer(settings_of("bert"), str(tmp_path), model_type="bert")
    change_json(tmp_path / name, *keys, value=value)
    with pytest.raises(ValueError, match=message):
        read_tokenizer(str(tmp_path))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"tokenizer_class": "RobertaTokenizer"}, r"='RobertaTokenizer', where BertTokenizer,"),
        ({"do_basic_tokenize": False}, r"do_basic_tokenize=False, where only True"),
        ({"added_tokens_decoder": {"40": {"content": "z"}}}, r"gives 'z' the id 40, which does"),
        ({"mask_token": "<m>"}, r"vocab\.txt: the vocabulary lacks the special tokens <m>\."),
    ],
)
def test_bad_configuration_of_a_vocabulary_is_refused(tmp_path, config, message):
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(VOCABULARIES["bert"]), encoding="utf-8")
    names = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
    names |= {"unk_token": "[UNK]", "mask_token": "[MASK]"}
    write_json({**names, **config}, tmp_path / CONFIG)
    with pytest.raises(ValueError, match=message):
        read_tokenizer(str(tmp_path))


def test_vocabulary_without_known_tokens_is_refused(tmp_path):
    (tmp_path / "vocab.txt").write_text("a\nb\n[PAD]", encoding="utf-8")
    write_json({"cls_token": "a"}, tmp_path / CONFIG)
    message = r"lack pad_token, sep_token, mask_token, unk_token, and the vocabulary has not"
    with pytest.raises(ValueError, match=message):
        read_tokenizer(str(tmp_path))


def test_bad_arguments_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`model_type` must be one of mpnet, bert\. .*=gpt2"):
        write_tokenizer(settings_of("bert"), str(tmp_path), model_type="gpt2")
    with pytest.raises(ValueError, match=r"`special_tokens` must name start_token"):
        settings_of("bert", special_tokens={"start_token": "a"})
