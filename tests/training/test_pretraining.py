"""Runs: reproducible, resumable to the bit, recorded, and clear about what goes wrong."""

import glob
import json
import math
import os
import signal
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from data_prep.prepare import prepare_shards
from mpnet_tf.models import MPNetTokenizer
from mpnet_tf.training import input_watch, pretraining
from mpnet_tf.training.callbacks import PeriodicEvaluation
from mpnet_tf.training.evaluation import Evaluation
from mpnet_tf.training.preemption import PreemptionError
from mpnet_tf.training.pretraining import build_model, pretrain
from mpnet_tf.training.pretraining_data import open_data
from mpnet_tf.training.run_directory import RunDirectory
from tests.tiny_run import (
    VOCABULARY,
    figures,
    prepare_tiny_shards,
    records,
    saved_tensors,
    tiny_config,
    write_corpus,
)
from tests.training.checkpoint_samples import DATA_FILE, flip_a_bit

CONFIG = tiny_config()
STEPS, EVALUATE_EVERY = CONFIG.training.steps, CONFIG.training.evaluate_every


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return prepare_tiny_shards(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def data(shards):
    return open_data(CONFIG, shards)


@pytest.fixture(scope="module")
def unbroken(data, tmp_path_factory):
    """A run from start to end: its directory, its model's state and its results."""
    directory = tmp_path_factory.mktemp("run") / "unbroken"
    model, results = pretrain(CONFIG, data, RunDirectory(str(directory), CONFIG))
    return directory, model.get_weights(), results


def assert_ends_alike(directory, weights, results, unbroken):
    """Checks that every bit of a run's end is the unbroken one's, and so are its records."""
    expected_directory, expected_weights, expected_results = unbroken
    expected_state = saved_tensors(expected_directory, STEPS)
    assert {"optimizer/adamw/iteration", "trainer/trainer/batch_number"} <= expected_state.keys()
    state = saved_tensors(directory, STEPS)
    assert state.keys() == expected_state.keys()
    for name, expected in expected_state.items():
        np.testing.assert_array_equal(state[name], expected, err_msg=name)
    for found, expected in zip(weights, expected_weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert figures(directory) == figures(expected_directory)
    for results_of in (results, expected_results):
        assert results_of["training_seconds"] > 0
    assert {**results, "training_seconds": 0} == {**expected_results, "training_seconds": 0}


def test_a_run_that_was_cut_off_ends_as_the_unbroken_one(unbroken, data, tmp_path, monkeypatch):
    """Cut off in the middle of an interval, with dropout on."""
    assert CONFIG.model.dropout > 0 and CONFIG.model.attention_dropout > 0
    # A process that ends so would wait for its writing thread first.
    config = tiny_config(execution={"asynchronous_checkpoints": False})
    directory = tmp_path / "cut"
    run = RunDirectory(str(directory), config)

    def interrupt(callback, batch, logs=None):
        if logs["step"] == STEPS // 2 + 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(pretraining.ProgressDisplay, "on_train_batch_end", interrupt)
        pretrain(config, data, run)
    # Two runs of one seed: the same figures, to the last digit.
    assert figures(directory) == figures(unbroken[0])[:2]
    # A record that a run left which was cut off between record and checkpoint.
    with open(run.file("metrics.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps({"step": STEPS // 2 + EVALUATE_EVERY, "seconds": 1.0}) + "\n")

    model, results = pretrain(CONFIG, data, RunDirectory(str(directory), CONFIG))
    assert_ends_alike(directory, model.get_weights(), results, unbroken)


def test_a_run_that_is_told_to_stop_saves_at_that_step(
    unbroken, data, tmp_path, monkeypatch, caplog
):
    """First amid an interval, then at its last step, and after that the checkpoint is damaged."""
    directory = tmp_path / "stopped"
    handler = signal.getsignal(signal.SIGTERM)

    begin_batch = pretraining.ProgressDisplay.on_train_batch_begin

    def stop_after(step):
        def begin_and_stop(callback, batch, logs=None):
            begin_batch(callback, batch, logs)
            if int(callback.model.batch_number) == step - 1:
                os.kill(os.getpid(), signal.SIGTERM)

        with monkeypatch.context() as patch:
            patch.setattr(pretraining.ProgressDisplay, "on_train_batch_begin", begin_and_stop)
            with pytest.raises(PreemptionError, match=f"stopped at step {step}, which is saved"):
                pretrain(CONFIG, data, RunDirectory(str(directory), CONFIG))
        assert signal.getsignal(signal.SIGTERM) is handler

    stop_after(5)
    assert saved_tensors(directory, 5)["trainer/trainer/batch_number"] == 5
    assert [record["step"] for record in records(directory)] == [3]
    stop_after(9)
    assert figures(directory) == figures(unbroken[0])[:3]
    best = min(record["heldout_loss"] for record in records(directory))
    path = directory / "checkpoints" / "step-00000009"
    assert json.loads((path / "checkpoint.json").read_text())["heldout_loss"] >= best

    flip_a_bit(path / DATA_FILE)
    caplog.clear()
    # Steps of this size wait for their input whenever other work has the cores.
    monkeypatch.setattr(input_watch, "_WAIT_SHARE_TO_REPORT", 1.0)
    model, results = pretrain(CONFIG, data, RunDirectory(str(directory), CONFIG))
    (warning,) = caplog.messages
    assert "step-00000009 is damaged" in warning and warning.endswith("step-00000006 instead.")
    assert_ends_alike(directory, model.get_weights(), results, unbroken)


def test_a_finished_run_takes_no_step(unbroken, data, monkeypatch):
    directory, expected_weights, expected_results = unbroken
    before = records(directory)

    def refuse(*args, **kwargs):
        raise AssertionError("trained again")

    monkeypatch.setattr(keras.Model, "fit", refuse)
    model, results = pretrain(CONFIG, data, RunDirectory(str(directory), CONFIG))
    assert results == expected_results
    assert records(directory) == before
    for found, expected in zip(model.get_weights(), expected_weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    tensors = saved_tensors(directory, STEPS)
    for variable in model.trainable_variables:
        np.testing.assert_array_equal(variable.numpy(), tensors[f"model/{variable.path}"])


def test_each_evaluation_leaves_a_record(unbroken, data):
    directory, _, results = unbroken
    found = records(directory)
    assert [record["step"] for record in found] == list(range(3, STEPS + 1, EVALUATE_EVERY))
    for record in found:
        assert set(record) == {
            "step",
            "loss",
            "accuracy",
            "perplexity",
            "gradient_norm",
            "bad_steps",
            "heldout_loss",
            "heldout_accuracy",
            "learning_rate",
            "seconds",
            "tokens_per_second",
            "share_of_peak_flops",
            "input_wait_share",
        }
        assert all(math.isfinite(value) for value in record.values())
        assert 0 <= record["heldout_accuracy"] <= 1
        assert record["perplexity"] == pytest.approx(math.exp(record["loss"]))
        assert record["gradient_norm"] > 0 and record["bad_steps"] == 0
        assert 0 < record["share_of_peak_flops"] < 1 and 0 <= record["input_wait_share"] < 1
    assert found[-1]["heldout_loss"] < found[0]["heldout_loss"]
    # By hand: the rate that step 4 takes, 2 of the 10 steps that fall being done.
    assert found[0]["learning_rate"] == pytest.approx(0.01 * 9 / 10)
    assert found[-1]["heldout_loss"] == pytest.approx(results["heldout_loss"], abs=1e-6)
    assert found[-1]["heldout_accuracy"] == pytest.approx(results["heldout_accuracy"])


def test_tensorboard_shows_the_records(unbroken):
    directory, _, _ = unbroken
    (path,) = glob.glob(str(directory / "tensorboard" / "events.*"))
    shown = {
        event.step: tf.make_ndarray(value.tensor).item()
        for event in tf.compat.v1.train.summary_iterator(path)
        for value in event.summary.value
        if value.tag == "heldout_loss"
    }
    assert list(shown) == [record["step"] for record in records(directory)]
    expected = [record["heldout_loss"] for record in records(directory)]
    np.testing.assert_allclose(list(shown.values()), expected, rtol=1e-6)


def test_results_add_up(unbroken, data):
    directory, _, results = unbroken
    assert json.loads((directory / "results.json").read_text()) == results
    assert results["steps"] == STEPS
    places = STEPS * CONFIG.training.batch_size * CONFIG.data.sequence_length
    assert results["tokens_seen"] == pytest.approx(places * (1 - results["padding_share"]), abs=1)
    num_rows = STEPS * CONFIG.training.batch_size
    assert results["epochs_seen"] == pytest.approx(num_rows / data.rows.num_rows)
    for name in ("heldout", "unigram"):
        assert results[f"{name}_perplexity"] == pytest.approx(math.exp(results[f"{name}_loss"]))
    assert results["heldout_predictions"] > 20


def test_the_directory_tells_what_the_run_was(unbroken, shards):
    directory, _, _ = unbroken
    assert sorted(os.listdir(directory)) == [
        "checkpoints",
        "config.json",
        "environment.json",
        "manifest.json",
        "metrics.jsonl",
        "results.json",
        "tensorboard",
    ]
    config = json.loads((directory / "config.json").read_text())
    assert config == json.loads(json.dumps(CONFIG.to_dict()))
    environment = json.loads((directory / "environment.json").read_text())
    assert environment["seed"] == 5 and environment["keras"] == keras.__version__
    assert environment["tensorflow"] == tf.__version__
    with open(os.path.join(shards, "manifest.json"), encoding="utf-8") as file:
        assert json.loads((directory / "manifest.json").read_text()) == json.load(file)
    # Two are kept.
    assert sorted(os.listdir(directory / "checkpoints")) == ["step-00000009", "step-00000012"]


class FixedEvaluator:
    """Finds the loss that it was given."""

    def __init__(self, loss):
        self._loss = loss

    def evaluate(self):
        return Evaluation(self._loss, accuracy=0.5, num_predictions=9)


@pytest.mark.parametrize(
    ("loss", "heldout_loss", "message"),
    [
        (math.nan, 3.0, r"No step between 6 and 9 had a finite loss. Lower `optimizer.learning_"),
        (3.0, math.nan, r"held-out loss is no finite number at step 9: .* Lower `optimizer.learn"),
        (3.0, math.inf, r"held-out loss is no finite number at step 9: .* lengthen `optimizer.w"),
    ],
)
def test_weights_that_give_no_loss_end_the_run_before_they_are_saved(loss, heldout_loss, message):
    model = build_model(CONFIG, len(VOCABULARY))
    optimizer = keras.optimizers.SGD()
    evaluation = PeriodicEvaluation(
        FixedEvaluator(heldout_loss), tokens_per_step=1, flops_per_step=1, peak_flops=1
    )
    evaluation.set_model(
        types.SimpleNamespace(batch_number=tf.Variable(6), optimizer=optimizer, pretrainer=model)
    )
    evaluation.on_epoch_begin(2)
    with pytest.raises(ValueError, match=message):
        evaluation.on_epoch_end(2, {"step": 9.0, "loss": loss, "stop": 0.0, "bad_steps": 0.0})


def test_seed_decides_the_initial_weights():
    def weights(seed):
        return build_model(tiny_config(training={"seed": seed}), len(VOCABULARY)).get_weights()

    first, same, other = weights(1), weights(1), weights(2)
    assert all(np.array_equal(one, two) for one, two in zip(first, same, strict=True))
    assert not all(np.array_equal(one, two) for one, two in zip(first, other, strict=True))


def test_shards_without_a_held_out_document_are_refused(tmp_path):
    write_corpus(tmp_path / "corpus.txt", num_documents=3)
    prepare_shards(
        [str(tmp_path / "corpus.txt")],
        MPNetTokenizer(VOCABULARY),
        tmp_path / "shards",
        heldout_share=0.0,
    )
    with pytest.raises(ValueError, match=r"no document in its 'heldout' split. .*heldout_share"):
        open_data(CONFIG, str(tmp_path / "shards"))


def test_executions_that_pass_the_end_of_a_cut_interval_are_refused():
    config = tiny_config(
        execution={"steps_per_execution": 3}, training={"evaluate_every": 6, "steps": 12}
    )
    assert pretraining._stretches(3, config) == [(3, 3, 1), (6, 6, 1)]
    with pytest.raises(ValueError, match=r"must divide the steps that are left .* 2 from step 4"):
        pretraining._stretches(4, config)


def test_rows_that_micro_batches_cannot_share_are_refused():
    config = tiny_config(execution={"gradient_accumulation": 2})
    pretraining._check_micro_batches(config, 2)
    with pytest.raises(ValueError, match="times the devices, 4"):
        pretraining._check_micro_batches(config, 4)
