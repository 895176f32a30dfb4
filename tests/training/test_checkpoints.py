"""Checkpoints: all state comes back, old ones go, damaged or half-written ones never serve."""

import errno
import os

import keras
import numpy as np
import pytest

from mpnet_tf.training.checkpoints import STATE_FILE, WEIGHTS_FILE, Checkpoints
from tests.small_filesystem import fill_up, small_filesystem


def small_model(seed):
    """A compiled model with all kinds of state: dropout's generator and Adam's moments too."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((6,))
    hidden = keras.layers.Dropout(0.5)(keras.layers.Dense(5)(inputs))
    model = keras.Model(inputs, keras.layers.LayerNormalization()(hidden))
    model.compile(optimizer=keras.optimizers.AdamW(0.01), loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def train(model, num_steps):
    generator = np.random.default_rng(0)
    inputs, targets = generator.normal(size=(4, 6)), generator.normal(size=(4, 5))
    for _ in range(num_steps):
        model.train_on_batch(inputs, targets)


def state(model):
    return [variable.numpy() for variable in model.variables + model.optimizer.variables]


def assert_same_state(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "run" / "checkpoints"


def test_a_restored_model_goes_on_as_the_saved_one(directory):
    """With dropout on: the steps after it are the same only if its generators are."""
    model = small_model(1)
    train(model, 3)
    Checkpoints(str(directory), 2).save(model, 3)
    saved = state(model)
    train(model, 2)
    restored = small_model(2)
    train(restored, 1)
    assert Checkpoints(str(directory), 2).restore_newest(restored) == 3
    assert_same_state(state(restored), saved)
    train(restored, 2)
    assert_same_state(state(restored), state(model))


def test_the_newest_stay(directory):
    model = small_model(1)
    checkpoints = Checkpoints(str(directory), 2)
    states = {}
    for step in (5, 90, 100, 1000):
        train(model, 1)
        checkpoints.save(model, step)
        states[step] = state(model)
    assert sorted(os.listdir(directory)) == ["step-00000100", "step-00001000"]
    other = small_model(2)
    assert checkpoints.restore_newest(other) == 1000
    assert_same_state(state(other), states[1000])
    # Whoever removes the newest goes on from the one before.
    for name in os.listdir(directory / "step-00001000"):
        (directory / "step-00001000" / name).unlink()
    (directory / "step-00001000").rmdir()
    assert checkpoints.restore_newest(other) == 100
    assert_same_state(state(other), states[100])


def test_without_a_checkpoint_nothing_changes(directory):
    model = small_model(1)
    before = state(model)
    checkpoints = Checkpoints(str(directory), 2)
    assert checkpoints.restore_newest(model) == 0
    assert not directory.exists()
    directory.mkdir(parents=True)
    # What a process that was killed left behind is no checkpoint.
    (directory / ".step-00000009.unfinished-77").mkdir()
    (directory / "step-9").mkdir()
    assert checkpoints.restore_newest(model) == 0
    assert_same_state(state(model), before)


def test_damaged_weights_are_refused(directory):
    checkpoints = Checkpoints(str(directory), 2)
    model = small_model(1)
    checkpoints.save(model, 7)
    path = directory / "step-00000007" / WEIGHTS_FILE
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    before = state(model)
    with pytest.raises(ValueError, match=r"step-00000007 is damaged: .* Remove it to go on from"):
        checkpoints.restore_newest(model)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="is damaged"):
        checkpoints.restore_newest(model)
    assert_same_state(state(model), before)


@pytest.mark.parametrize("content", [None, "", '{"step": 7}', "[]"])
def test_a_damaged_or_missing_state_is_refused(directory, content):
    checkpoints = Checkpoints(str(directory), 2)
    model = small_model(1)
    checkpoints.save(model, 7)
    path = directory / "step-00000007" / STATE_FILE
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=r"step-00000007 is damaged: .* Remove it to go on from"):
        checkpoints.restore_newest(model)


@pytest.mark.parametrize("name", ["save_weights", "after the weights"])
def test_a_failure_leaves_what_was_there(directory, monkeypatch, name):
    checkpoints = Checkpoints(str(directory), 1)
    model = small_model(1)
    checkpoints.save(model, 7)
    before = (directory / "step-00000007" / WEIGHTS_FILE).read_bytes()

    def fail(path, *args, **kwargs):
        if name == "save_weights":
            with open(path, "wb") as file:
                file.write(before[: len(before) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if name == "save_weights":
        monkeypatch.setattr(model, "save_weights", fail)
    else:
        monkeypatch.setattr("mpnet_tf.training.checkpoints.hash_file", fail)
    with pytest.raises(OSError, match=r"Cannot write .*step-00000008: No space left on device\."):
        checkpoints.save(model, 8)
    assert os.listdir(directory) == ["step-00000007"]
    assert (directory / "step-00000007" / WEIGHTS_FILE).read_bytes() == before


def test_an_interrupt_leaves_what_was_there(directory, monkeypatch):
    checkpoints = Checkpoints(str(directory), 1)
    model = small_model(1)
    checkpoints.save(model, 7)

    def interrupt(path, *args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(model, "save_weights", interrupt)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(model, 8)
    assert os.listdir(directory) == ["step-00000007"]


@pytest.mark.parametrize("free_bytes", [0, 16384])
def test_a_full_disk_leaves_what_was_there(tmp_path, free_bytes):
    """No room at all, or for half a checkpoint, in the midst of which HDF5 would crash."""
    model = small_model(1)
    with small_filesystem(tmp_path / "disk") as disk:
        checkpoints = Checkpoints(str(disk / "checkpoints"), 1)
        checkpoints.save(model, 7)
        assert (disk / "checkpoints" / "step-00000007" / WEIGHTS_FILE).stat().st_size > 16384
        fill_up(disk, but_bytes=free_bytes)
        with pytest.raises(OSError, match=r"Cannot write .*step-00000008: No space left on dev"):
            checkpoints.save(model, 8)
        assert os.listdir(disk / "checkpoints") == ["step-00000007"]
        assert checkpoints.restore_newest(model) == 7
