"""What a run's directory tells: as the run recorded it, whole or cut off."""

import json
import shutil

import pytest

from mpnet_tf.training.pretraining import pretrain
from mpnet_tf.training.pretraining_data import open_data
from mpnet_tf.training.run_directory import RunDirectory
from mpnet_tf.training.run_summary import is_run, read_run
from mpnet_tf.visualization.run_tables import run_tables
from tests.tiny_run import prepare_tiny_shards, records, tiny_config


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    config = tiny_config()
    run = RunDirectory(str(folder / "run"), config)
    pretrain(config, open_data(config, prepare_tiny_shards(folder)), run)
    return folder / "run"


@pytest.fixture
def run(finished_run, tmp_path):
    return shutil.copytree(finished_run, tmp_path / "copy")


def test_finished_run_tells_what_it_recorded(run):
    summary = read_run(run)
    results = json.loads((run / "results.json").read_text())
    history = records(run)
    assert summary.config == tiny_config()
    assert summary.history == history and summary.results == results
    assert (summary.steps_done, summary.resumes_at) == (12, 12)
    assert summary.tokens_seen == results["tokens_seen"]
    assert summary.training_seconds == results["training_seconds"]
    assert summary.best_record["heldout_loss"] == min(r["heldout_loss"] for r in history)
    assert [point.step for point in summary.checkpoints] == [9, 12]
    for point in summary.checkpoints:
        folder = run / "checkpoints" / f"step-{point.step:08d}"
        own = [path for path in folder.iterdir() if path.name != "checkpoint.json"]
        assert point.size_bytes == sum(path.stat().st_size for path in own)
        assert point.heldout_loss == history[point.step // 3 - 1]["heldout_loss"]
        assert point.damage is None
    assert list(summary.outputs) == ["tensorboard"]
    assert summary.manifest.splits["train"].num_documents > 0
    assert summary.origin is None
    assert run_tables(summary)


def test_run_that_was_cut_off(run):
    (run / "results.json").unlink()
    whole = read_run(run)
    # Steps and rates give the tokens too.
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(lines[:3]) + lines[3][:-5])
    cut_off = read_run(run)
    assert cut_off.results is None and cut_off.steps_done == 9
    assert cut_off.tokens_seen == pytest.approx(whole.tokens_seen * 9 / 12, abs=1)
    assert run_tables(cut_off)


def test_run_that_has_only_begun(run):
    for name in ("metrics.jsonl", "results.json", "manifest.json"):
        (run / name).unlink()
    shutil.rmtree(run / "checkpoints")
    summary = read_run(run)
    assert (summary.steps_done, summary.resumes_at, summary.tokens_seen) == (0, 0, 0)
    assert summary.manifest is None and summary.best_record is None
    assert run_tables(summary)


def test_damaged_checkpoints_are_told(run):
    (data,) = (run / "checkpoints" / "step-00000012").glob("*.data-*")
    content = bytearray(data.read_bytes())
    content[100] ^= 1
    data.write_bytes(content)
    summary = read_run(run)
    assert summary.checkpoints[1].damage == f"{data.name} is not as it was written"
    assert summary.resumes_at == 9
    assert read_run(run, verify_checksums=False).resumes_at == 12
    data.write_bytes(content[:-3])
    unread = read_run(run, verify_checksums=False).checkpoints[1]
    assert f"of {len(content)} bytes" in unread.damage and unread.size_bytes is None


@pytest.mark.parametrize("name", ["config.json", "environment.json", "metrics.jsonl"])
def test_damaged_file_is_named(run, name):
    (run / name).write_text("{broken\n")
    with pytest.raises(ValueError, match=name):
        read_run(run)


def test_only_a_run_is_one(run, tmp_path):
    assert is_run(run)
    # A preset has a config too.
    (tmp_path / "config.json").write_text("{}")
    assert not is_run(tmp_path) and not is_run(tmp_path / "nothing")
