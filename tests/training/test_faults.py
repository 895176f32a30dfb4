"""Runs that are broken and started again, as processes of the binary; `benchmarks/faults.py` more.

Whatever happens, a run ends with the bits of one that nothing happened to.
"""

import signal

import pytest

from benchmarks.fault_runs import Process, cut_back, differences, is_saving, newest_step
from tests.tiny_run import prepare_tiny_shards

pytestmark = pytest.mark.slow

SETTINGS = {
    "model.num_layers": 1,
    "optimizer.warmup_steps": 10,
    "training.steps": 40,
    "training.evaluate_every": 20,
    "training.evaluation_batches": 2,
}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts a process of a run in a directory; one that is done has the status 0."""
    shards = prepare_tiny_shards(tmp_path_factory.mktemp("data"))
    return lambda run, **options: Process(run, shards, settings=SETTINGS, **options)


@pytest.fixture(scope="module")
def unbroken(start, tmp_path_factory):
    run = tmp_path_factory.mktemp("unbroken") / "run"
    status, lines = start(run).finish()
    assert status == 0, lines
    return run


def test_a_run_killed_amid_checkpoints_ends_with_the_same_bits(start, unbroken, tmp_path):
    run = tmp_path / "run"
    kills_amid_a_save = 0
    for _ in range(2):
        process = start(run)
        assert process.wait_until_saved()
        assert process.wait_until_saving()
        process.kill()
        kills_amid_a_save += is_saving(run)
    assert 0 < newest_step(run) < SETTINGS["training.steps"]
    assert kills_amid_a_save
    status, lines = start(run).finish()
    assert status == 0, lines
    assert differences(run, unbroken) == []


def test_a_run_told_to_stop_leaves_with_75_and_ends_with_the_same_bits(start, unbroken, tmp_path):
    run = tmp_path / "run"
    process = start(run)
    assert process.wait_until_saved()
    process.send(signal.SIGTERM)
    status, lines = process.finish()
    assert status == 75
    assert lines[-1].endswith(f": stopped at step {newest_step(run)}, which is saved")
    assert start(run).finish()[0] == 0
    assert differences(run, unbroken) == []


def test_a_batch_without_a_finite_loss_is_named_and_skipped(start, unbroken, tmp_path):
    run = cut_back(unbroken, tmp_path / "run", step=30)
    status, lines = start(run, environment={"POISONED_BATCHES": "33"}).finish()
    assert status == 0
    (warning,) = [line for line in lines if "no finite number" in line]
    assert "step 34: " in warning
    assert warning.endswith(f"mpnet-show --run_dir={run} --batch=33")
    # The comparison tells that another batch was left out.
    assert any(name.startswith("checkpoint: model/") for name in differences(run, unbroken))
