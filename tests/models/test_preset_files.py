"""`from_preset` of models on a hub: `huggingface_hub` as it is, and a server on this machine."""

import json
import os

import numpy as np
import pytest

from mpnet_tf.models import (
    BertTokenizer,
    MPNetBackbone,
    MPNetMaskedLM,
    MPNetTextEmbedder,
    MPNetTokenizer,
)
from mpnet_tf.models.preset_conversion import convert
from mpnet_tf.models.preset_files import local_directory
from tests.conversion import peer_models
from tests.conversion.peer_models import torch, transformers
from tests.models.local_hub import local_hub, lose_network

sentence_transformers = pytest.importorskip("sentence_transformers")

NAME = "user/model"
WORDS = ["the", "cat", "sat", "on", "mat", "##s", "a", "dog", "ran", "into", "town", "."]
TOKENS = ["<s>", "<pad>", "</s>", "[UNK]", *WORDS, "<mask>"]
TEXTS = ["The cat sat on the mats.", "A dog <mask> into town"]
CLASSES = [MPNetBackbone, MPNetMaskedLM, MPNetTextEmbedder]
TOKENIZER_FILES = {"tokenizer.json", "tokenizer_config.json"}
SHARDED = {"max_shard_size": "20KB"}


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with local_hub(monkeypatch, tmp_path / "cache") as hub:
        yield hub


def save_masked_lm(path, *, form="safetensors", **settings):
    """Saves a model and its tokenizer by `transformers`, the weights in one form."""
    model = peer_models.make_model("MPNetForMaskedLM")
    model.save_pretrained(path, **settings)
    ids = {token: index for index, token in enumerate(TOKENS)}
    transformers.MPNetTokenizer(ids).save_pretrained(path)
    if form == "bin":
        use_torch_file(path)
    return model


def use_torch_file(folder):
    """Puts PyTorch's older form of the weights in the place of safetensors."""
    import safetensors.torch

    source = folder / "model.safetensors"
    torch.save(safetensors.torch.load_file(source), folder / "pytorch_model.bin")
    source.unlink()


def save_embedder(path, *, folder=""):
    """Saves an embedder by sentence-transformers, its body in a folder as older versions did."""
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    body = path / "body"
    peer_models.make_model("MPNetModel", vocab_size=len(TOKENS)).save_pretrained(body)
    ids = {token: index for index, token in enumerate(TOKENS)}
    transformers.MPNetTokenizer(ids).save_pretrained(body)
    torch.manual_seed(4)
    modules = [
        Transformer(str(body), max_seq_length=40),
        Pooling(32, pooling_mode="cls"),
        Dense(32, 20),
        Normalize(),
    ]
    model = sentence_transformers.SentenceTransformer(modules=modules, device="cpu")
    saved = path / "saved"
    model.save(str(saved))
    if folder:
        entries = json.loads((saved / "modules.json").read_text())
        entries[0]["path"] = folder
        (saved / "modules.json").write_text(json.dumps(entries))
        (saved / folder).mkdir()
        for file in [*saved.glob("*.json"), saved / "model.safetensors"]:
            if file.name not in ("modules.json", "config_sentence_transformers.json"):
                file.rename(saved / folder / file.name)
    return model, saved


def assert_same_weights(model, expected):
    assert type(model) is type(expected)
    for variable, other in zip(model.weights, expected.weights, strict=True):
        assert variable.path.split("/")[-1] == other.path.split("/")[-1]
        np.testing.assert_array_equal(variable, other)


@pytest.mark.parametrize("settings", [{}, SHARDED], ids=["whole", "in parts"])
def test_models_are_those_of_the_directory(hub, tmp_path, settings):
    peer = save_masked_lm(tmp_path / "peer", **settings)
    preset = hub.add(NAME, tmp_path / "peer")
    weights = {file.name for file in (tmp_path / "peer").glob("model*")}
    assert (len(weights) > 2) == (settings == SHARDED)
    ours = MPNetMaskedLM.from_preset(preset)
    assert sorted(hub.downloaded) == sorted({"config.json", *TOKENIZER_FILES, *weights})
    arrays = peer_models.inputs(peer)
    difference = peer_models.largest_difference(
        peer_models.our_outputs(ours, "masked_lm", arrays),
        peer_models.outputs(peer, arrays),
        arrays,
    )
    assert difference < 1e-4
    # No head of theirs begins with random weights.
    for cls in CLASSES:
        assert_same_weights(cls.from_preset(preset), cls.from_preset(str(tmp_path / "peer")))
    tokenizer = MPNetTokenizer.from_preset(preset)
    assert tokenizer.fingerprint == MPNetTokenizer.from_preset(str(tmp_path / "peer")).fingerprint
    ids = transformers.AutoTokenizer.from_pretrained(tmp_path / "peer")(
        TEXTS, add_special_tokens=False
    )
    assert tokenizer(TEXTS).to_list() == ids["input_ids"]


@pytest.mark.parametrize("folder", ["", "0_Transformer"])
@pytest.mark.parametrize("form", ["safetensors", "bin"])
def test_an_embedder_is_that_of_sentence_transformers(hub, tmp_path, folder, form):
    peer, saved = save_embedder(tmp_path, folder=folder)
    if form == "bin":
        use_torch_file(saved / folder)
        use_torch_file(saved / "2_Dense")
    preset = hub.add(NAME, saved)
    ours = MPNetTextEmbedder.from_preset(preset)
    assert_same_weights(ours, MPNetTextEmbedder.from_preset(str(saved)))
    encoded = peer.tokenize(TEXTS)
    inputs = {"token_ids": encoded["input_ids"], "padding_mask": encoded["attention_mask"]}
    embeddings = np.asarray(ours({name: tensor.numpy() for name, tensor in inputs.items()}))
    np.testing.assert_allclose(embeddings, peer.encode(TEXTS), atol=1e-5)
    # All that the library saved but its card.
    files = {str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file()}
    assert sorted(hub.downloaded) == sorted(files - {"README.md"})


def test_weights_come_in_one_form(hub, tmp_path):
    save_masked_lm(tmp_path)
    for name in ("pytorch_model.bin", "tf_model.h5", "model.onnx", "vocab.txt"):
        (tmp_path / name).write_text("not to be read")
    MPNetBackbone.from_preset(hub.add(NAME, tmp_path))
    assert sorted(hub.downloaded) == sorted({"config.json", "model.safetensors", *TOKENIZER_FILES})


@pytest.mark.parametrize("folder", ["", "0_Transformer"])
def test_weights_are_left_out_on_request(hub, tmp_path, folder):
    _, saved = save_embedder(tmp_path, folder=folder)
    directory = local_directory(hub.add(NAME, saved), weights=False)
    tokenizer = MPNetTokenizer.from_preset(os.path.join(directory, folder))
    assert tokenizer.get_vocabulary() == TOKENS
    assert not [name for name in hub.downloaded if name.endswith((".safetensors", ".bin"))]


@pytest.mark.parametrize("in_parts", [False, True])
def test_files_of_pytorch_are_read(hub, tmp_path, in_parts):
    save_masked_lm(tmp_path / "expected")
    save_masked_lm(tmp_path / "peer", form="bin")
    if in_parts:
        whole = tmp_path / "peer" / "pytorch_model.bin"
        tensors, weight_map = torch.load(whole), {}
        whole.unlink()
        for number in range(3):
            part, names = f"pytorch_model-{number}.bin", list(tensors)[number::3]
            torch.save({name: tensors[name] for name in names}, whole.with_name(part))
            weight_map |= dict.fromkeys(names, part)
        index = whole.with_name("pytorch_model.bin.index.json")
        index.write_text(json.dumps({"weight_map": weight_map}))
    ours = MPNetMaskedLM.from_preset(hub.add(NAME, tmp_path / "peer"))
    assert_same_weights(ours, MPNetMaskedLM.from_preset(str(tmp_path / "expected")))


def test_a_tokenizer_without_tokenizer_json_is_read(hub, tmp_path):
    save_masked_lm(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer_config.json").unlink()
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (tmp_path / "vocab.txt").write_text("\n".join(tokens))
    (tmp_path / "added_tokens.json").write_text(json.dumps({"ENT": len(tokens)}))
    tokenizer = BertTokenizer.from_preset(hub.add(NAME, tmp_path))
    assert tokenizer.get_vocabulary() == [*tokens, "ENT"]
    assert tokenizer(["the ENT cat"]).to_list() == [[5, len(tokens), 6]]


@pytest.mark.parametrize("names", [("vocab.json", "merges.txt"), ("cog-pretrain.model",)])
def test_vocabularies_of_other_kinds_are_brought(hub, tmp_path, names):
    (tmp_path / "config.json").write_text('{"model_type": "glm"}')
    for name in (*names, "added_tokens.json"):
        # A hub sends equal files only once.
        (tmp_path / name).write_text(f"{{}} {name}")
    local_directory(hub.add(NAME, tmp_path), weights=False)
    assert sorted(hub.downloaded) == sorted({"config.json", "added_tokens.json", *names})


def test_presets_of_keras_hub_s_format_load(hub, tmp_path):
    save_masked_lm(tmp_path / "peer")
    masked_lm = MPNetMaskedLM.from_preset(str(tmp_path / "peer"))
    masked_lm.save_to_preset(tmp_path / "preset")
    tokenizer = MPNetTokenizer.from_preset(str(tmp_path / "peer"))
    tokenizer.save_to_preset(tmp_path / "preset")
    preset = hub.add(NAME, tmp_path / "preset")
    assert_same_weights(MPNetMaskedLM.from_preset(preset), masked_lm)
    assert_same_weights(MPNetBackbone.from_preset(preset), masked_lm.backbone)
    assert_same_weights(MPNetTextEmbedder.from_preset(preset).backbone, masked_lm.backbone)
    assert MPNetTokenizer.from_preset(preset).fingerprint == tokenizer.fingerprint
    assert not [name for name in hub.downloaded if name.startswith(("model.saf", "pytorch"))]


def test_what_was_loaded_once_loads_without_a_network(hub, tmp_path, monkeypatch):
    _, saved = save_embedder(tmp_path, folder="0_Transformer")
    preset = hub.add(NAME, saved)
    before = MPNetTextEmbedder.from_preset(preset)
    num_requests = hub.num_requests
    lose_network(monkeypatch)
    assert_same_weights(MPNetTextEmbedder.from_preset(preset), before)
    assert hub.num_requests == num_requests


def test_without_a_network_the_error_says_so(hub, tmp_path, monkeypatch):
    save_masked_lm(tmp_path)
    preset = hub.add(NAME, tmp_path)
    lose_network(monkeypatch)
    for cls in (MPNetMaskedLM, MPNetTokenizer):
        message = "does not answer, and config.json of hf://user/model is not on this machine"
        with pytest.raises(ValueError, match=message):
            cls.from_preset(preset)


def test_a_tokenizer_brings_no_weights(hub, tmp_path):
    save_masked_lm(tmp_path)
    MPNetTokenizer.from_preset(hub.add(NAME, tmp_path))
    assert set(hub.downloaded) == {"config.json", *TOKENIZER_FILES}


def test_a_model_on_the_hub_is_converted(hub, tmp_path):
    saved = tmp_path / "saved"
    saved.mkdir()
    save_masked_lm(saved)
    convert(hub.add(NAME, saved), str(tmp_path / "preset"), to="keras")
    converted = MPNetMaskedLM.from_preset(str(tmp_path / "preset"))
    assert_same_weights(converted, MPNetMaskedLM.from_preset(str(saved)))


def test_what_another_program_left_in_the_cache_is_not_taken_for_all(hub, tmp_path, monkeypatch):
    _, saved = save_embedder(tmp_path)
    preset = hub.add(NAME, saved)
    # Knows nothing of the pooling, without which the embeddings would be others.
    transformers.AutoModel.from_pretrained(NAME)
    lose_network(monkeypatch)
    with pytest.raises(ValueError, match=r"and modules\.json of hf://user/model is not on this"):
        MPNetTextEmbedder.from_preset(preset)


def test_a_model_that_the_hub_does_not_show_is_refused(hub):
    message = r"`preset` must name a model .*'hf://user/none', for which it says: .*401 Client"
    for cls in (MPNetMaskedLM, MPNetTokenizer):
        with pytest.raises(ValueError, match=message):
            cls.from_preset("hf://user/none")


def test_a_name_that_cannot_be_is_refused(hub):
    with pytest.raises(ValueError, match=r"form 'hf://\{org\}/\{model\}'.*preset=hf://a/b/c"):
        MPNetMaskedLM.from_preset("hf://a/b/c")


def test_a_repository_without_a_model_is_refused(hub, tmp_path):
    with pytest.raises(ValueError, match=r"hf://user/model has no config\.json"):
        MPNetMaskedLM.from_preset(hub.add(NAME, tmp_path))


def test_weights_in_unknown_forms_are_refused(hub, tmp_path):
    save_masked_lm(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "tf_model.h5")
    with pytest.raises(ValueError, match=r"must have weights in one of .*preset='hf://user/model'"):
        MPNetMaskedLM.from_preset(hub.add(NAME, tmp_path))


def test_parts_that_the_hub_lacks_are_told(hub, tmp_path):
    save_masked_lm(tmp_path, **SHARDED)
    next(tmp_path.glob("model-00002-*")).unlink()
    with pytest.raises(ValueError, match=r"names files that are not there: model-00002"):
        MPNetMaskedLM.from_preset(hub.add(NAME, tmp_path))
