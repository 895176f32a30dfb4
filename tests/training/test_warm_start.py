"""Warm starts: the same weights from every source, and clear about what does not fit."""

import dataclasses
import json
import os
import re
import shutil

import numpy as np
import pytest

from mpnet_tf.data.batches import evaluation_batches
from mpnet_tf.models import MPNetTokenizer
from mpnet_tf.models.bodies import make_masked_lm
from mpnet_tf.models.wordpiece_tokenizer import TransformerTokenizer
from mpnet_tf.training.checkpoint_files import (
    CheckpointDamageError,
    list_checkpoints,
    read_arrays,
    read_record,
)
from mpnet_tf.training.checkpoints import Checkpoints
from mpnet_tf.training.evaluation import Evaluator
from mpnet_tf.training.pretraining import build_model, build_trainer, pretrain
from mpnet_tf.training.pretraining_data import open_data
from mpnet_tf.training.run_directory import RunDirectory
from mpnet_tf.training.schedule_free_adamw import take_averaged_weights
from mpnet_tf.training.trained_weights import read_trained_weights
from mpnet_tf.training.warm_start import open_warm_start, warm_start_of_run
from tests.tiny_run import VOCABULARY, prepare_tiny_shards, tiny_config
from tests.training.checkpoint_samples import DATA_FILE, INDEX_FILE, flip_a_bit

OBJECTIVES = {"mpnet": "plm", "glm": "glm"}
NEWEST = "checkpoints/step-00000004"
PATHS = {"preset": "preset", "run": "", "checkpoint": NEWEST}


def config_of(body, **sections):
    return tiny_config(
        **{
            "model": {"body": body},
            "objective": {"name": OBJECTIVES[body]},
            "training": {"steps": 4, "evaluate_every": 2},
            **sections,
        }
    )


@dataclasses.dataclass
class Finished:
    path: object
    config: object
    data: object
    weights: dict
    results: dict


def weights_of(model):
    return {variable.path: variable.value.numpy() for variable in model.weights}


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return prepare_tiny_shards(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module", params=OBJECTIVES)
def finished(request, shards, tmp_path_factory):
    """A run at its end, with its preset, of each of two bodies."""
    config = config_of(request.param)
    data = open_data(config, shards)
    path = tmp_path_factory.mktemp("run") / request.param
    model, results = pretrain(config, data, RunDirectory(str(path), config))
    preset = str(path / "preset")
    make_masked_lm(model.backbone, lm_head=model.lm_head).save_to_preset(preset)
    data.tokenizer.save_to_preset(preset)
    return Finished(path, config, data, weights_of(model), results)


@pytest.fixture(scope="module")
def old_run(tmp_path_factory):
    """The directory of an MPNet's run that stopped amid its way, made without training."""
    path = tmp_path_factory.mktemp("old") / "run"
    config = config_of("mpnet")
    shards = prepare_tiny_shards(tmp_path_factory.mktemp("old_data"))
    data = open_data(config, shards)
    RunDirectory(str(path), config).begin()
    RunDirectory(str(path), config).record_data(data.manifest)
    checkpoints = Checkpoints(str(path / "checkpoints"), num_to_keep=2, config=config.to_dict())
    for step in (2, 4):
        model = build_model(config_of("mpnet", training={"seed": step}), len(VOCABULARY))
        checkpoints.save(build_trainer(config, model).checkpoint_variables(), step)
    checkpoints.wait()
    preset = str(path / "preset")
    make_masked_lm(model.backbone, lm_head=model.lm_head).save_to_preset(preset)
    data.tokenizer.save_to_preset(preset)
    return path


@pytest.fixture
def own_run(old_run, tmp_path):
    """A copy of the run to damage."""
    return shutil.copytree(old_run, tmp_path / "own")


@pytest.mark.parametrize("kind", PATHS)
def test_a_new_run_begins_where_the_old_one_ended(finished, kind):
    """Every weight is the same bit for bit, and so the held-out loss of the first step is."""
    warm_start = open_warm_start(str(finished.path / PATHS[kind]))
    assert warm_start.source.kind == kind
    body = finished.config.model.body
    new = config_of(
        body,
        model={"body": body, "dropout": 0.3, "attention_dropout": 0.0, "initializer_stddev": 0.2},
        training={"seed": 77, "evaluate_every": 4},
    )
    warm_start.check_model(new.model)
    warm_start.check_tokenizer(finished.data.tokenizer)
    model = build_model(new, finished.data.tokenizer.vocabulary_size())
    changed = [
        path for path, value in weights_of(model).items() if (value != finished.weights[path]).any()
    ]
    assert len(changed) == len(finished.weights)
    warm_start.set_weights(model)
    found = weights_of(model)
    assert found.keys() == finished.weights.keys()
    for path, value in finished.weights.items():
        np.testing.assert_array_equal(found[path], value)

    training = finished.config.training
    batches = evaluation_batches(
        finished.data.heldout_rows,
        finished.data.objective,
        training.seed,
        batch_size=training.batch_size,
        max_batches=training.evaluation_batches,
    )
    evaluation = Evaluator(model, batches, finished.data.objective.names).evaluate()
    assert evaluation.num_predictions == finished.results["heldout_predictions"]
    assert evaluation.loss == pytest.approx(finished.results["heldout_loss"], rel=1e-6)


@pytest.mark.parametrize("kind", PATHS)
def test_what_is_known_of_the_weights(old_run, kind):
    source = read_trained_weights(str(old_run / PATHS[kind]))
    assert source.tokenizer.get_vocabulary() == VOCABULARY
    again = TransformerTokenizer.from_preset(source.tokenizer_path)
    assert again.get_vocabulary() == VOCABULARY
    assert source.model_settings.items() >= {"body": "mpnet", "num_layers": 1}.items()
    files = {
        "preset": ["model.weights.h5", "task.weights.h5"],
        "run": [DATA_FILE, INDEX_FILE],
        "checkpoint": [DATA_FILE, INDEX_FILE],
    }
    assert sorted(source.hashes) == files[kind]


def test_weights_take_the_dtype_of_the_model(old_run):
    warm_start = open_warm_start(str(old_run))
    config = config_of("mpnet", model={"dtype": "bfloat16"})
    warm_start.check_model(config.model)
    model = build_model(config, len(VOCABULARY))
    warm_start.set_weights(model)
    for variable in model.weights:
        assert variable.dtype == "bfloat16"
        expected = warm_start.source.weights[variable.path].astype("bfloat16")
        np.testing.assert_array_equal(variable.value.numpy(), expected)


def test_a_schedule_free_run_gives_its_average(tmp_path):
    """What the run itself would take from its optimizer at its end."""
    config = config_of("mpnet", optimizer={"name": "schedule_free_adamw", "schedule": "constant"})
    model = build_model(config, len(VOCABULARY))
    trainer = build_trainer(config, model)
    generator = np.random.default_rng(3)
    for _ in range(3):
        gradients = [generator.normal(size=v.shape) for v in model.trainable_variables]
        trainer.optimizer.apply(gradients, model.trainable_variables)
    checkpoints = Checkpoints(str(tmp_path), num_to_keep=1, config=config.to_dict())
    checkpoints.save(trainer.checkpoint_variables(), 3)
    checkpoints.wait()
    trained = weights_of(model)
    take_averaged_weights(trainer.optimizer, model)

    found = read_trained_weights(str(tmp_path / "step-00000003")).weights
    for path, expected in weights_of(model).items():
        # Three steps of up to 0.01 lie between what is trained and its average.
        assert np.abs(trained[path] - expected).max() > 1e-4
        np.testing.assert_allclose(found[path], expected, atol=1e-7)

    lacking = {
        name: variable
        for name, variable in trainer.checkpoint_variables().items()
        if not name.endswith("lm_head_bias_momentum")
    }
    checkpoints.save(lacking, 4)
    checkpoints.wait()
    message = r"has it for 23 of 24 weights. Begin from the run's preset"
    with pytest.raises(ValueError, match=message):
        read_trained_weights(str(tmp_path / "step-00000004"))


def test_settings_that_differ_are_listed(old_run):
    warm_start = open_warm_start(str(old_run / "preset"))
    other = config_of("mpnet", model={"num_layers": 4, "num_heads": 4, "max_sequence_length": 64})
    message = (
        r"model.num_layers: 4 in the config, 1 in the preset; model.num_heads: 4 in the config, "
        r"2 in the preset; model.max_sequence_length: 64 in the config, 32 in the preset\. Set "
        r"--config.model.num_layers=1 .*=32, .* A position table is not made longer or shorter"
    )
    with pytest.raises(ValueError, match=message):
        warm_start.check_model(other.model)
    with pytest.raises(ValueError, match=r"model.body: glm in the config, mpnet in the run\. Set"):
        open_warm_start(str(old_run)).check_model(config_of("glm").model)
    # Rows may be shorter than the table.
    shorter = config_of("mpnet", data={"sequence_length": 16})
    warm_start.check_model(shorter.model)


def test_another_vocabulary_is_refused(old_run, caplog):
    warm_start = open_warm_start(str(old_run / "preset"))
    tokens = list(VOCABULARY)
    tokens[5], tokens[6] = tokens[6], tokens[5]
    size = len(VOCABULARY)
    message = (
        rf"tokens: {size + 1} in the new run, {size} in the preset; token 5: {VOCABULARY[6]} in "
        rf"the new run, {VOCABULARY[5]} in the preset; lowercase: False in the new run, True .* "
        r"with --vocab=\S+/preset, or begin from text without --vocab"
    )
    with pytest.raises(ValueError, match=message):
        warm_start.check_tokenizer(MPNetTokenizer([*tokens, "zebra"], lowercase=False))
    with pytest.raises(ValueError, match=r"preset', with lowercase: False in the new run, True"):
        warm_start.check_tokenizer(MPNetTokenizer(VOCABULARY, lowercase=False))
    warm_start.check_tokenizer(MPNetTokenizer(VOCABULARY))
    assert not caplog.records


def test_a_run_whose_tokenizer_is_gone_still_knows_it_by_its_manifest(own_run, tmp_path, caplog):
    shutil.rmtree(own_run / "preset")
    warm_start = open_warm_start(str(own_run / NEWEST))
    assert warm_start.source.tokenizer is None
    warm_start.check_tokenizer(MPNetTokenizer(VOCABULARY))
    with pytest.raises(ValueError, match=r"with another vocabulary or casing. Use the voc"):
        warm_start.check_tokenizer(MPNetTokenizer([*VOCABULARY, "zebra"]))
    assert not caplog.records
    # Alone, a checkpoint tells nothing of it.
    alone = shutil.copytree(own_run / NEWEST, tmp_path / "alone")
    open_warm_start(str(alone)).check_tokenizer(MPNetTokenizer(VOCABULARY))
    (record,) = caplog.records
    assert re.search(r"alone does not tell the vocabulary of its weights", record.getMessage())


def test_weights_of_another_model_are_refused_and_change_nothing(old_run):
    warm_start = open_warm_start(str(old_run))
    model = build_model(config_of("mpnet"), len(VOCABULARY) + 1)
    before = weights_of(model)
    message = (
        r"with 2 that differ: embeddings/token_embedding/embeddings has shape \(\d+, 16\), not "
        r"\(\d+, 16\); lm_head/bias has shape .*Use the vocabulary and the settings of `model`"
    )
    with pytest.raises(ValueError, match=message):
        warm_start.set_weights(model)
    for path, value in weights_of(model).items():
        np.testing.assert_array_equal(value, before[path])
    model = build_model(config_of("glm"), len(VOCABULARY))
    with pytest.raises(ValueError, match=r"block_position_embedding/embeddings is missing.*left o"):
        warm_start.set_weights(model)


def test_what_is_no_source_of_weights(old_run, tmp_path):
    message = r"`init_from` must be a preset dir.*init_from='{}', {}"
    for path, found in (
        ("/no/such/place", "no directory"),
        (str(tmp_path), "a directory without any"),
        (str(old_run / "checkpoints"), "a directory without any"),
    ):
        with pytest.raises(ValueError, match=message.format(path, found)):
            open_warm_start(path)
    (tmp_path / "task.json").write_text('{"config": {"backbone": {"class_name": "Other"}}}')
    with pytest.raises(ValueError, match=r"one of the bodies mpnet, .* task.json is of something"):
        open_warm_start(str(tmp_path))


def test_a_damaged_checkpoint_is_told(own_run, caplog):
    flip_a_bit(own_run / NEWEST / DATA_FILE)
    with pytest.raises(ValueError, match=r"which is damaged: tensors.data.* is not as it was"):
        open_warm_start(str(own_run / NEWEST))
    found = read_trained_weights(str(own_run))
    (record,) = caplog.records
    assert re.search(r"step-00000004 is damaged: .*Using .*step-00000002", record.getMessage())
    before = own_run / "checkpoints" / "step-00000002"
    assert found.hashes == read_trained_weights(str(before)).hashes
    flip_a_bit(before / DATA_FILE)
    with pytest.raises(ValueError, match=r"must have a checkpoint that is whole.*step-00000002"):
        open_warm_start(str(own_run))


def test_a_damaged_preset_is_told(own_run):
    preset = own_run / "preset"
    os.rename(preset / "task.weights.h5", preset / "kept")
    with pytest.raises(ValueError, match=r"head's weights too.*which lacks task.weights.h5"):
        open_warm_start(str(preset))
    os.rename(preset / "kept", preset / "task.weights.h5")
    os.truncate(preset / "model.weights.h5", 3000)
    with pytest.raises(ValueError, match=r"must be a whole preset.*which cannot be loaded"):
        open_warm_start(str(preset))


def test_a_record_of_any_step_and_some_tensors_can_be_read(own_run):
    folder = str(own_run / NEWEST)
    assert list(list_checkpoints(str(own_run / "checkpoints"))) == [2, 4]
    assert read_record(folder)["step"] == 4
    arrays = read_arrays(folder, lambda name: name == "model/lm_head/bias")
    assert {name: array.shape for name, array in arrays.items()} == {
        "model/lm_head/bias": (len(VOCABULARY),)
    }
    os.truncate(own_run / NEWEST / INDEX_FILE, 20)
    with pytest.raises(CheckpointDamageError, match=r"\w"):
        read_arrays(folder, lambda name: True)


def begun(path, init_from=None):
    run = RunDirectory(str(path), config_of("mpnet"))
    if init_from is not None:
        warm_start_of_run(run, str(init_from))
    run.begin()
    return RunDirectory(str(path), config_of("mpnet"))


def test_the_run_directory_tells_what_it_was_begun_from(old_run, tmp_path):
    run = begun(tmp_path / "new", old_run)
    origin = json.loads((tmp_path / "new" / "warm_start.json").read_text())
    record = json.loads((old_run / NEWEST / "checkpoint.json").read_text())
    assert origin == {
        "path": str(old_run),
        "kind": "run",
        "weights": {name: file["sha256"] for name, file in record["files"].items()},
    }
    # Cut off before its first checkpoint, it begins again from the same.
    assert warm_start_of_run(run, str(old_run)) is not None
    # The same weights under another path.
    assert warm_start_of_run(run, str(old_run / NEWEST)) is not None


def test_another_start_of_a_run_is_refused(old_run, tmp_path):
    run = begun(tmp_path / "warm", old_run)
    with pytest.raises(ValueError, match=r"begun from other weights, once in .*/run\. Received"):
        warm_start_of_run(run, str(old_run / "preset"))
    with pytest.raises(ValueError, match=r"from the weights of .*Start it again with --init_from="):
        warm_start_of_run(run, None)
    run = begun(tmp_path / "cold")
    assert warm_start_of_run(run, None) is None
    with pytest.raises(ValueError, match=r"begun from random weights.*again without --init_from"):
        warm_start_of_run(run, str(old_run))


def test_a_run_with_a_checkpoint_reads_nothing_again(own_run, tmp_path):
    run = begun(tmp_path / "new", own_run)
    shutil.copytree(own_run / "checkpoints", tmp_path / "new" / "checkpoints")
    moved = shutil.move(own_run, tmp_path / "moved")
    assert run.has_checkpoint
    assert warm_start_of_run(run, str(own_run)) is None
    assert warm_start_of_run(run, None) is None
    assert warm_start_of_run(run, str(moved)) is None


def test_what_a_start_left_that_was_cut_off_does_not_count(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "warm_start.json").write_text("{}")
    run = begun(tmp_path / "new")
    assert run.origin is None
    assert sorted(os.listdir(run.path)) == ["config.json", "environment.json"]
