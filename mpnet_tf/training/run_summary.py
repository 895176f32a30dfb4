"""What a run's directory tells of it, read without changing anything there."""

import dataclasses
import json
import os

from mpnet_tf.data.manifest import MANIFEST_FILE, Manifest, read_manifest
from mpnet_tf.training.callbacks import read_metrics
from mpnet_tf.training.checkpoint_files import (
    CheckpointDamageError,
    check_hashes,
    list_checkpoints,
    read_record,
)
from mpnet_tf.training.config import PretrainingConfig

_CONFIG_FILE = "config.json"
# Of the directories with a config, that of a run alone has it.
_ENVIRONMENT_FILE = "environment.json"
_OUTPUTS = ("shards", "preset", "saved_model", "report.html", "tensorboard")


@dataclasses.dataclass(frozen=True)
class CheckpointSummary:
    """One checkpoint of a run.

    Args:
        step: int.
        heldout_loss: float or None. None, too, where it cannot be read.
        size_bytes: int or None. Of all its files; None where it cannot be read.
        damage: str or None. What is wrong with it; None where it is whole.
    """

    step: int
    heldout_loss: float | None
    size_bytes: int | None
    damage: str | None


@dataclasses.dataclass(frozen=True)
class RunSummary:
    """What is known of a run.

    Args:
        config: `PretrainingConfig`.
        environment: dict. Seed, machine and versions of libraries.
        manifest: `Manifest` of the shards, or None before the first step.
        history: list of dicts, the records of `metrics.jsonl`, oldest first.
        results: dict or None. The figures of a run that has come to its end.
        origin: dict or None. The trained weights that the run was begun from.
        checkpoints: tuple of `CheckpointSummary`, by step.
        outputs: dict from what a run may leave to its path, where it is there.
    """

    config: PretrainingConfig
    environment: dict
    manifest: Manifest | None
    history: list[dict]
    results: dict | None
    origin: dict | None
    checkpoints: tuple[CheckpointSummary, ...]
    outputs: dict[str, str]

    @property
    def steps_done(self):
        """int. Steps up to the last record."""
        return self.history[-1]["step"] if self.history else 0

    @property
    def resumes_at(self):
        """int. The step that the run goes on from when it is started again."""
        return max((point.step for point in self.checkpoints if point.damage is None), default=0)

    @property
    def tokens_seen(self):
        """int. Text tokens of all batches up to the last record, on average, specials included."""
        if self.results is not None:
            return self.results["tokens_seen"]
        return round(sum(r["tokens_per_second"] * r["seconds"] for r in self.history))

    @property
    def training_seconds(self):
        """float. Time that the steps took, evaluations left out."""
        return sum(record["seconds"] for record in self.history)

    @property
    def best_record(self):
        """dict or None. The record of the lowest held-out loss."""
        return min(self.history, key=lambda record: record["heldout_loss"], default=None)


def is_run(path):
    """Tells whether a path is the directory of a run that was begun."""
    return all(
        os.path.isfile(os.path.join(path, name)) for name in (_CONFIG_FILE, _ENVIRONMENT_FILE)
    )


def read_run(directory, *, verify_checksums=True):
    """Reads what a run's directory tells; the run may be going on meanwhile.

    Args:
        directory: str, of which `is_run` holds.
        verify_checksums: bool. Whether to read every checkpoint to compare its checksums.

    Returns:
        `RunSummary`.

    Raises:
        ValueError: if a file is damaged, or of a config that this version does not know.
        OSError: if a file cannot be read.
    """

    def file(name):
        return os.path.join(directory, name)

    outputs = {name: file(name) for name in _OUTPUTS if os.path.exists(file(name))}
    return RunSummary(
        config=PretrainingConfig.from_dict(_read_json(file(_CONFIG_FILE))),
        environment=_read_json(file(_ENVIRONMENT_FILE)),
        manifest=read_manifest(directory) if os.path.exists(file(MANIFEST_FILE)) else None,
        history=_read_history(file("metrics.jsonl")),
        results=_read_json_if_there(file("results.json")),
        origin=_read_json_if_there(file("warm_start.json")),
        checkpoints=tuple(
            _checkpoint_summary(step, folder, verify_checksums=verify_checksums)
            for step, folder in list_checkpoints(file("checkpoints")).items()
        ),
        outputs=outputs,
    )


def _checkpoint_summary(step, folder, *, verify_checksums):
    try:
        record = read_record(folder, step)
        size_bytes = sum(file["size"] for file in record["files"].values())
    except CheckpointDamageError as error:
        return CheckpointSummary(step, None, None, str(error))
    damage = None
    if verify_checksums:
        try:
            check_hashes(folder, record)
        except CheckpointDamageError as error:
            damage = str(error)
    return CheckpointSummary(step, record["heldout_loss"], size_bytes, damage)


def _read_history(path):
    try:
        return read_metrics(path)
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def _read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None


def _read_json_if_there(path):
    return _read_json(path) if os.path.exists(path) else None
