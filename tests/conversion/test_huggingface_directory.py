"""Models of `transformers`, read and written, against `transformers` itself."""

import json
import os

import numpy as np
import pytest

from mpnet_tf.conversion.huggingface_directory import read_huggingface, write_huggingface
from mpnet_tf.conversion.pretrained_model import PretrainedModel
from mpnet_tf.models import make_backbone
from mpnet_tf.models.converted_model import model_from, pretrained_from
from mpnet_tf.models.task_models import make_task
from tests.conversion import peer_models
from tests.conversion.peer_models import torch, transformers

TOLERANCE = 1e-4
HEAD_SETTINGS = {
    "text_classifier": {"num_classes": peer_models.NUM_CLASSES},
    "token_classifier": {"num_classes": peer_models.NUM_CLASSES},
}


@pytest.fixture
def warnings(caplog):
    """What `transformers` says, which it keeps from the root logger."""
    transformers.utils.logging.enable_propagation()
    yield lambda: [record.getMessage() for record in caplog.records]
    transformers.utils.logging.disable_propagation()


@pytest.mark.parametrize("class_name", peer_models.CLASSES)
def test_a_read_model_gives_the_outputs_of_its_source(class_name, tmp_path):
    source = peer_models.make_model(class_name)
    source.save_pretrained(tmp_path)
    pretrained = read_huggingface(str(tmp_path))
    assert pretrained.task == peer_models.CLASSES[class_name]
    arrays = peer_models.inputs(source)
    ours = peer_models.our_outputs(model_from(pretrained), pretrained.task, arrays)
    theirs = peer_models.outputs(source, arrays)
    assert np.abs(theirs).max() > 0.5
    assert peer_models.largest_difference(ours, theirs, arrays) < TOLERANCE


@pytest.mark.parametrize(
    "class_name", [name for name in peer_models.CLASSES if name != "BertForPreTraining"]
)
def test_a_written_model_loads_without_a_warning_and_gives_its_outputs(
    class_name, tmp_path, warnings
):
    task = peer_models.CLASSES[class_name]
    body = "mpnet" if class_name.startswith("MPNet") else "bert"
    backbone = make_backbone(
        body,
        peer_models.VOCABULARY_SIZE,
        num_layers=2,
        num_heads=4,
        hidden_dim=32,
        intermediate_dim=48,
        max_sequence_length=peer_models.NUM_POSITIONS,
    )
    ours = make_task(task, backbone, **HEAD_SETTINGS.get(task, {}))
    generator = np.random.default_rng(3)
    for variable in ours.weights:
        variable.assign(variable + generator.normal(0, 0.2, variable.shape))
    write_huggingface(pretrained_from(ours), str(tmp_path))
    theirs, report = getattr(transformers, class_name).from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert not any(report.values()), report
    assert warnings() == []
    arrays = peer_models.inputs(theirs)
    difference = peer_models.largest_difference(
        peer_models.our_outputs(ours, task, arrays),
        peer_models.outputs(theirs.eval(), arrays),
        arrays,
    )
    assert difference < TOLERANCE


@pytest.mark.parametrize(
    ("class_name", "dtype"),
    [
        *((class_name, "float32") for class_name in peer_models.CLASSES),
        ("MPNetForMaskedLM", "bfloat16"),
        ("BertForPreTraining", "float16"),
    ],
)
def test_a_full_circle_keeps_every_bit(class_name, dtype, tmp_path):
    source = peer_models.make_model(class_name, classifier_dropout=None)
    source.to(getattr(torch, dtype)).save_pretrained(tmp_path / "theirs")
    pretrained = read_huggingface(str(tmp_path / "theirs"))
    back = pretrained_from(
        model_from(pretrained),
        carried_config=pretrained.carried_config,
        carried_tensors=pretrained.carried_tensors,
    )
    os.mkdir(tmp_path / "ours")
    write_huggingface(back, str(tmp_path / "ours"))
    returned = type(source).from_pretrained(tmp_path / "ours", dtype="auto")
    peer_models.assert_same_state(returned, source)
    config = source.config.to_dict() | {"_name_or_path": str(tmp_path / "ours")}
    assert returned.config.to_dict() == config


def save_with(tmp_path, change_tensors=None, **config_changes):
    """Saves a masked language model with some tensors or entries of its config changed."""
    from safetensors.numpy import load_file, save_file

    peer_models.make_model("MPNetForMaskedLM").save_pretrained(tmp_path)
    if change_tensors is not None:
        path = tmp_path / "model.safetensors"
        tensors = dict(load_file(path))
        change_tensors(tensors)
        save_file(tensors, path, metadata={"format": "pt"})
    path = tmp_path / "config.json"
    config = json.loads(path.read_text()) | config_changes
    path.write_text(json.dumps(config))
    return str(tmp_path)


def test_names_of_older_versions_are_known(tmp_path):
    expected = read_huggingface(save_with(tmp_path)).weights

    def age(tensors):
        for name in list(tensors):
            if "LayerNorm" in name:
                array = tensors.pop(name)
                name = name.replace("weight", "gamma").replace("bias", "beta")
                tensors[name] = array
        tensors["lm_head.decoder.bias"] = tensors.pop("lm_head.bias")
        tensors["lm_head.decoder.weight"] = tensors["mpnet.embeddings.word_embeddings.weight"]
        tensors["mpnet.embeddings.position_ids"] = np.arange(10)[None]

    weights = read_huggingface(save_with(tmp_path, age)).weights
    assert weights.keys() == expected.keys()
    for path, array in weights.items():
        np.testing.assert_array_equal(array, expected[path])


@pytest.mark.parametrize("num_parts", [1, 2])
def test_files_of_pytorch_hold_the_same(num_parts, tmp_path):
    path = save_with(tmp_path)
    expected = read_huggingface(path).weights
    (tmp_path / "model.safetensors").unlink()
    state = peer_models.make_model("MPNetForMaskedLM").state_dict()
    names = sorted(state)
    if num_parts == 1:
        torch.save(state, tmp_path / "pytorch_model.bin")
    else:
        weight_map = {}
        for part, some in enumerate((names[:20], names[20:])):
            file = f"pytorch_model-{part}.bin"
            torch.save({name: state[name] for name in some}, tmp_path / file)
            weight_map |= dict.fromkeys(some, file)
        index = tmp_path / "pytorch_model.bin.index.json"
        index.write_text(json.dumps({"weight_map": weight_map}))
    weights = read_huggingface(path).weights
    assert weights.keys() == expected.keys()
    for name, array in weights.items():
        np.testing.assert_array_equal(array, expected[name])


def test_a_directory_without_a_part_is_told(tmp_path):
    path = save_with(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-1.safetensors"}}))
    with pytest.raises(ValueError, match=r"files that are not there: model-1\.safetensors"):
        read_huggingface(path)
    index.write_text("{}")
    with pytest.raises(ValueError, match=r"must have a `weight_map`"):
        read_huggingface(path)
    index.unlink()
    with pytest.raises(ValueError, match=r"holds no model\.safetensors"):
        read_huggingface(path)


def test_a_file_that_is_cut_off_is_told(tmp_path):
    path = save_with(tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(ValueError, match=r"no whole safetensors file"):
        read_huggingface(path)


def drop_a_tensor(tensors):
    del tensors["lm_head.dense.bias"]


def add_a_tensor(tensors):
    tensors["mpnet.encoder.layer.2.intermediate.dense.weight"] = np.zeros((48, 32), "float32")


def cut_a_tensor(tensors):
    name = "mpnet.encoder.layer.1.output.dense.weight"
    tensors[name] = tensors[name][:, :40].copy()


def untie(tensors):
    embeddings = tensors["mpnet.embeddings.word_embeddings.weight"]
    tensors["lm_head.decoder.weight"] = embeddings + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop_a_tensor, r"1 tensors are missing: lm_head\.dense\.bias"),
        (add_a_tensor, r"no place in the model: mpnet\.encoder\.layer\.2\.intermediate"),
        (
            cut_a_tensor,
            r"mpnet\.encoder\.layer\.1\.output\.dense\.weight has shape \(32, 40\), where the "
            r"configuration asks for \(32, 48\)",
        ),
        (untie, r"lm_head\.decoder\.weight is not the copy of .*word_embeddings\.weight"),
    ],
)
def test_tensors_that_do_not_fit_are_named(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        read_huggingface(save_with(tmp_path, change))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "roberta"}, r"'roberta' cannot be converted\. Those of 'mpnet', 'bert'"),
        (
            {"architectures": ["MPNetForMultipleChoice"]},
            r"MPNetForMultipleChoice; those that can be: MPNetModel, .*MPNetForMaskedLM",
        ),
        ({"hidden_act": "relu"}, r"hidden_act='relu', where 'gelu' can be converted"),
        ({"vocab_size": 61}, r"word_embeddings\.weight has shape \(60, 32\).*\(61, 32\)"),
        ({"num_hidden_layers": 3}, r"16 tensors are missing: mpnet\.encoder\.layer\.2\."),
    ],
)
def test_configurations_that_do_not_fit_are_told(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        read_huggingface(save_with(tmp_path, **changes))


def test_a_config_without_sizes_is_told(tmp_path):
    path = save_with(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mpnet"}))
    with pytest.raises(ValueError, match=r"config\.json lacks vocab_size, num_hidden_layers"):
        read_huggingface(path)


@pytest.mark.parametrize("contents", ["", "{", "[1]"])
def test_a_damaged_config_is_told(tmp_path, contents):
    path = save_with(tmp_path)
    (tmp_path / "config.json").write_text(contents)
    with pytest.raises(ValueError, match=r"config\.json (cannot be read|must hold)"):
        read_huggingface(path)


def test_a_body_without_a_peer_is_refused(tmp_path):
    model = PretrainedModel(body="xlnet_style", task="masked_lm", settings={}, weights={})
    with pytest.raises(ValueError, match=r"no model of the body 'xlnet_style'.*'mpnet', 'bert'"):
        write_huggingface(model, str(tmp_path))


def test_a_setting_without_a_peer_is_refused(tmp_path):
    backbone = make_backbone(
        "mpnet",
        30,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=8,
        max_relative_distance=64,
    )
    with pytest.raises(ValueError, match=r"max_relative_distance=64"):
        write_huggingface(pretrained_from(backbone), str(tmp_path))
