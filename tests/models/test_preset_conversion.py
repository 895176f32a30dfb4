"""Whole conversions, as `mpnet-convert` makes them."""

import json

import keras_hub
import numpy as np
import pytest

from mpnet_tf.models import MPNetMaskedLM, MPNetTokenizer
from mpnet_tf.models.preset_conversion import convert
from tests.conversion import peer_models
from tests.conversion.peer_models import torch, transformers

WORDS = ["the", "cat", "sat", "on", "mat", "##s", "a", "dog", "ran", "into", "town", "."]
TOKENS = ["<s>", "<pad>", "</s>", "[UNK]", *WORDS, "<mask>"]
TEXTS = ["The cat sat on the mats.", "a dög <mask> into town"]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """A directory of `transformers` with a model, its pooler and its tokenizer."""
    path = tmp_path_factory.mktemp("theirs")
    peer_models.make_model("MPNetForMaskedLM", vocab_size=len(TOKENS)).save_pretrained(path)
    vocabulary = {token: index for index, token in enumerate(TOKENS)}
    transformers.MPNetTokenizer(vocabulary, model_max_length=150).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def preset(theirs, tmp_path_factory):
    path = tmp_path_factory.mktemp("ours") / "preset"
    convert(str(theirs), str(path), to="keras")
    return path


def logits_of(model, tokenizer, texts):
    encoded = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        return model(**encoded).logits.numpy()


def test_a_preset_loads_by_the_base_classes(preset, theirs):
    model = keras_hub.models.MaskedLM.from_preset(str(preset))
    tokenizer = keras_hub.models.Tokenizer.from_preset(str(preset))
    assert (type(model), type(tokenizer)) == (MPNetMaskedLM, MPNetTokenizer)
    source = transformers.AutoTokenizer.from_pretrained(theirs)
    expected = source(TEXTS, add_special_tokens=False)["input_ids"]
    assert tokenizer(TEXTS).to_list() == expected


def test_the_full_circle_through_files_keeps_every_bit(preset, theirs, tmp_path):
    convert(str(preset), str(tmp_path / "back"), to="huggingface")
    source, returned = (
        transformers.AutoModelForMaskedLM.from_pretrained(path)
        for path in (theirs, tmp_path / "back")
    )
    peer_models.assert_same_state(returned, source)
    first, second = (
        json.loads((path / "config.json").read_text()) for path in (theirs, tmp_path / "back")
    )
    assert first == second
    tokenizers = [
        transformers.AutoTokenizer.from_pretrained(path) for path in (theirs, tmp_path / "back")
    ]
    assert type(tokenizers[0]) is type(tokenizers[1])
    assert tokenizers[0](TEXTS, TEXTS[::-1]) == tokenizers[1](TEXTS, TEXTS[::-1])
    np.testing.assert_array_equal(
        logits_of(source, tokenizers[0], TEXTS), logits_of(returned, tokenizers[1], TEXTS)
    )


def test_a_bare_model_keeps_its_pooler(tmp_path):
    source = peer_models.make_model("MPNetModel")
    source.save_pretrained(tmp_path / "theirs")
    convert(str(tmp_path / "theirs"), str(tmp_path / "ours"), to="keras")
    convert(str(tmp_path / "ours"), str(tmp_path / "back"), to="huggingface")
    returned = transformers.MPNetModel.from_pretrained(tmp_path / "back")
    peer_models.assert_same_state(returned, source)


def test_a_masked_lm_becomes_a_sentence_embedder(preset, tmp_path):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    converted = convert(
        str(preset), str(tmp_path / "embedder"), to="sentence_transformers", pooling="cls"
    )
    assert converted.head_settings["pooling"] == "cls"
    model = sentence_transformers.SentenceTransformer(str(tmp_path / "embedder"), device="cpu")
    assert [type(module).__name__ for module in model] == ["Transformer", "Pooling", "Normalize"]
    np.testing.assert_allclose(np.linalg.norm(model.encode(TEXTS), axis=1), 1, atol=1e-5)


def test_a_run_is_converted_by_its_preset(preset, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "preset").symlink_to(preset)
    (run / "config.json").write_text("{}")
    convert(str(run), str(tmp_path / "back"), to="huggingface")
    assert (tmp_path / "back" / "model.safetensors").exists()


def test_a_model_card_comes_along(preset, tmp_path):
    (preset / "README.md").write_text("---\nlibrary_name: keras-hub\nlicense: mit\n---\n\n# Mine\n")
    convert(str(preset), str(tmp_path / "back"), to="huggingface")
    card = "---\nlibrary_name: transformers\nlicense: mit\n---\n\n# Mine\n"
    assert (tmp_path / "back" / "README.md").read_text() == card


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("nothing", {"to": "keras"}, r"'nothing', no such directory"),
        ("tests", {"to": "keras"}, r"'tests', a directory without these"),
        (None, {"to": "onnx"}, r"`to` must be one of keras, huggingface"),
        (
            None,
            {"to": "sentence_transformers", "task": "masked_lm"},
            r"`task` must be 'text_embedder'",
        ),
        (None, {"to": "huggingface", "task": "text_embedder"}, r"no text_embedder of the body"),
    ],
)
def test_what_cannot_be_is_told_and_leaves_nothing(source, options, message, preset, tmp_path):
    output = tmp_path / "output"
    with pytest.raises(ValueError, match=message):
        convert(source or str(preset), str(output), **options)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_there_is_left_alone(preset, theirs):
    with pytest.raises(ValueError, match=r"is there already"):
        convert(str(preset), str(theirs), to="huggingface")
