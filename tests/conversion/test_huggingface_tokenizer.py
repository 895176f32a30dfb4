"""Tokenizers read from the files of `transformers`, and written for it."""

import dataclasses
import itertools
import json
import logging
import warnings

import pytest
import tokenizers

from mpnet_tf.conversion.huggingface_tokenizer import (
    has_tokenizer,
    read_tokenizer,
    write_tokenizer,
)
from mpnet_tf.data.added_tokens import AddedToken
from mpnet_tf.models import BertTokenizer, MPNetTokenizer, TransformerTokenizer
from tests.conversion.tokenizer_settings import (
    ROLES,
    VOCABULARIES,
    change_json,
    settings_of,
    write_json,
)

TEXTS = ["", "Ab \u00c9  <mask>b <MASK>", "\u4e2d\u4e2d[MASK] [mask]", "[CLS] </s><unk>[UNK] a ab"]
KINDS = ["mpnet", "bert"]


def auto_tokenizer(directory):
    """Loads a directory with `transformers`, in which nothing may be said."""
    transformers = pytest.importorskip("transformers")
    records = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = records.append
    transformers.logging.add_handler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    finally:
        transformers.logging.remove_handler(handler)
    assert not records, records[0].getMessage()
    return tokenizer


def assert_same_as_transformers(directory, theirs):
    ours = TransformerTokenizer.from_preset(str(directory))
    expected = theirs(TEXTS, add_special_tokens=False)["input_ids"]
    assert ours(TEXTS).to_list() == expected
    roles = [theirs.cls_token, theirs.pad_token, theirs.sep_token, theirs.mask_token]
    assert [*ours.roles.values()] == [*roles, theirs.unk_token]
    pair = theirs("a", "b")
    end = [ours.end_token_id]
    expected = [ours.start_token_id, *ours("a").numpy(), *end * ours.pair_separators]
    assert pair["input_ids"] == [*expected, *ours("b").numpy(), *end]
    assert ("token_type_ids" in pair) == ours.has_segment_ids


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "normalizer", list(itertools.product((True, False), (None, True, False), (True, False)))
)
def test_what_was_written_is_read_back_and_transformers_reads_the_same(tmp_path, kind, normalizer):
    lowercase, strip_accents, split_chinese = normalizer
    settings = settings_of(
        kind, lowercase=lowercase, strip_accents=strip_accents, split_chinese=split_chinese
    )
    write_tokenizer(settings, str(tmp_path), model_type=kind)
    assert read_tokenizer(str(tmp_path)) == settings
    theirs = auto_tokenizer(tmp_path)
    assert type(theirs).__name__ == {"mpnet": "MPNetTokenizer", "bert": "BertTokenizer"}[kind]
    assert theirs.model_max_length == 512
    assert_same_as_transformers(tmp_path, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_vocabulary_and_configuration_suffice(tmp_path, kind):
    settings = settings_of(kind, lowercase=False, strip_accents=True, split_chinese=False)
    # Its classes find only the tokens that have roles.
    added = [AddedToken(token) for token in VOCABULARIES[kind] if token in ROLES[kind].values()]
    settings = dataclasses.replace(settings, added_tokens=tuple(added))
    write_tokenizer(settings, str(tmp_path), model_type=kind)
    (tmp_path / "tokenizer.json").unlink()
    assert read_tokenizer(str(tmp_path)) == settings
    assert_same_as_transformers(tmp_path, auto_tokenizer(tmp_path))
    (tmp_path / "special_tokens_map.json").unlink()
    write_json(
        {"tokenizer_class": f"{settings_class(kind)}Fast"}, tmp_path / "tokenizer_config.json"
    )
    found = read_tokenizer(str(tmp_path))
    defaults = {"lowercase": True, "strip_accents": None, "split_chinese": True}
    assert found == dataclasses.replace(settings, model_max_length=None, **defaults)
    (tmp_path / "tokenizer_config.json").unlink()
    assert read_tokenizer(str(tmp_path)) == found


def settings_class(kind):
    return {"mpnet": "MPNetTokenizer", "bert": "BertTokenizer"}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_directories_that_transformers_writes_are_read(tmp_path, kind):
    transformers = pytest.importorskip("transformers")
    ids = {token: index for index, token in enumerate(VOCABULARIES[kind])}
    theirs = getattr(transformers, settings_class(kind))(ids, do_lower_case=False)
    theirs.add_tokens(["new", tokenizers.AddedToken("Old", normalized=False)])
    theirs.add_special_tokens({"extra_special_tokens": ["ENT"]})
    theirs.save_pretrained(tmp_path)
    assert not (tmp_path / "vocab.txt").exists()
    found = read_tokenizer(str(tmp_path))
    assert found.vocabulary == (*VOCABULARIES[kind], "new", "Old", "ENT")
    assert (found.lowercase, found.model_max_length) == (False, None)
    assert found.special_tokens == ROLES[kind]
    assert found.added_tokens[-3:] == (
        AddedToken("new", normalized=True, special=False),
        AddedToken("Old", special=False),
        AddedToken("ENT"),
    )
    assert_same_as_transformers(tmp_path, theirs)
    # Once more through our own files.
    again = tmp_path / "again"
    write_tokenizer(found, str(again), model_type=kind)
    assert read_tokenizer(str(again)) == found
    texts = ["anewOld ENTbold NEW"]
    expected = theirs(texts, add_special_tokens=False)["input_ids"]
    assert auto_tokenizer(again)(texts, add_special_tokens=False)["input_ids"] == expected
    assert TransformerTokenizer.from_preset(str(again))(texts).to_list() == expected


def test_real_vocabularies_give_the_ids_of_transformers(shared_data, tmp_path):
    path = shared_data / "vocab" / "bert-base-uncased-vocab.txt"
    tokens = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    lines = (shared_data / "corpus" / "wikitext2_valid.txt").read_text("utf-8").split("\n")[::4]
    for cls, kind, vocabulary in (
        (BertTokenizer, "bert", tokens),
        (MPNetTokenizer, "mpnet", ["<s>", "<pad>", "</s>", "<unk>", *tokens, "<mask>"]),
    ):
        written = cls(vocabulary)
        write_tokenizer(written.settings(), str(tmp_path / kind), model_type=kind)
        read = cls.from_preset(str(tmp_path / kind))
        assert type(read) is cls
        assert read.fingerprint == written.fingerprint
        theirs = auto_tokenizer(tmp_path / kind)
        expected = theirs(lines, add_special_tokens=False)["input_ids"]
        assert read(lines).to_list() == expected
    # The published layouts: specials first and the mask last, and BERT's.
    assert (read.start_token_id, read.pad_token_id, read.end_token_id) == (0, 1, 2)
    assert read.mask_token_id == 30526
    bert = BertTokenizer.from_preset(str(tmp_path / "bert"))
    assert [bert.pad_token_id, bert.unk_token_id, bert.start_token_id] == [0, 100, 101]
    assert [bert.end_token_id, bert.mask_token_id] == [102, 103]


def test_files_of_other_versions_are_read(tmp_path):
    settings = settings_of("mpnet")
    write_tokenizer(settings, str(tmp_path), model_type="mpnet")
    path = tmp_path / "tokenizer.json"
    contents = json.loads(path.read_text(encoding="utf-8"))
    # Early files have no type of the model, and sequences of one.
    del contents["model"]["type"]
    contents["normalizer"] = {"type": "Sequence", "normalizers": [contents["normalizer"]]}
    contents["truncation"] = {"max_length": 7, "strategy": "LongestFirst", "stride": 0}
    contents["added_tokens"][-1]["normalized"] = True
    # What version 4 made of MPNet's template.
    template = tokenizers.processors.TemplateProcessing(
        single="<s>:0 $A:0 </s>:0",
        pair="<s>:0 $A:0 </s>:0 </s>:0 $B:1 </s>:1",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    contents["post_processor"] = json.loads(template.__getstate__())
    write_json(contents, path)
    # Special tokens as dicts, and a limit that is none.
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    config |= {"mask_token": {"content": "<mask>", "lstrip": True}, "model_max_length": 10**30}
    write_json(config, tmp_path / "tokenizer_config.json")
    found = read_tokenizer(str(tmp_path))
    added = (*settings.added_tokens[:-1], AddedToken("<mask>", normalized=True))
    assert found == dataclasses.replace(settings, model_max_length=None, added_tokens=added)
    theirs = tokenizers.Tokenizer.from_file(str(path))
    theirs.no_truncation()
    ours = MPNetTokenizer.from_preset(str(tmp_path))
    for text in TEXTS:
        assert ours(text).numpy().tolist() == theirs.encode(text, add_special_tokens=False).ids


def test_bert_processing_is_read(tmp_path):
    write_tokenizer(settings_of("bert"), str(tmp_path), model_type="bert")
    processor = {"type": "BertProcessing", "cls": ["[CLS]", 3], "sep": ["[SEP]", 4]}
    change_json(tmp_path / "tokenizer.json", "post_processor", value=processor)
    assert read_tokenizer(str(tmp_path)) == settings_of("bert")
    change_json(tmp_path / "tokenizer.json", "post_processor", value=None)
    assert read_tokenizer(str(tmp_path)) == settings_of("bert")


def test_tokens_are_found_without_a_configuration(tmp_path):
    write_tokenizer(settings_of("mpnet"), str(tmp_path), model_type="mpnet")
    for name in ("tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        (tmp_path / name).unlink()
    assert read_tokenizer(str(tmp_path)) == settings_of("mpnet", model_max_length=None)


def test_other_packing_names_the_general_class(tmp_path):
    # BERT's tokens with an MPNet body, which has no segment ids.
    settings = settings_of("bert", has_segment_ids=False)
    write_tokenizer(settings, str(tmp_path), model_type="mpnet")
    assert read_tokenizer(str(tmp_path)) == settings
    assert_same_as_transformers(tmp_path, auto_tokenizer(tmp_path))


def test_directories_with_and_without_a_tokenizer_are_told_apart(tmp_path):
    assert not has_tokenizer(str(tmp_path))
    (tmp_path / "keras").mkdir()
    MPNetTokenizer(VOCABULARIES["mpnet"]).save_to_preset(str(tmp_path / "keras"))
    assert not has_tokenizer(str(tmp_path / "keras"))
    write_tokenizer(settings_of("bert"), str(tmp_path / "both"), model_type="bert")
    assert has_tokenizer(str(tmp_path / "both"))
    (tmp_path / "both" / "tokenizer.json").unlink()
    assert has_tokenizer(str(tmp_path / "both"))
    with pytest.raises(ValueError, match=r"has neither tokenizer\.json nor vocab\.txt"):
        read_tokenizer(str(tmp_path))


def test_added_tokens_of_a_vocabulary_get_their_ids(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARIES["bert"]), encoding="utf-8")
    size = len(VOCABULARIES["bert"])
    write_json({"y": size + 1, "x": size}, tmp_path / "added_tokens.json")
    write_json({"additional_special_tokens": ["x"]}, tmp_path / "tokenizer_config.json")
    found = read_tokenizer(str(tmp_path))
    assert found.vocabulary == (*VOCABULARIES["bert"], "x", "y")
    last = (AddedToken("x"), AddedToken("y", normalized=True, special=False))
    assert found.added_tokens[-2:] == last
