"""The directory that tells all about a run."""

import importlib.metadata
import json
import os
import platform

from mpnet_tf.training.config import PretrainingConfig, differing_keys

_RECORDED_LIBRARIES = ("tensorflow", "tensorflow-text", "keras", "keras-hub", "numpy")


class RunDirectory:
    """Paths and records of one pretraining run.

    Holds `config.json`, `environment.json`, `manifest.json` (that of the shards), `metrics.jsonl`,
    `checkpoints/`, `tensorboard/` and, at the end, `results.json`, `preset/`, `saved_model/` and
    `report.html`.

    Args:
        path: str. Made if it does not exist.
        config: `PretrainingConfig` of the run.

    Raises:
        ValueError: if the directory belongs to a run of another config.
        OSError: if it cannot be written.
    """

    def __init__(self, path, config):
        self.path = path
        config_path = self.file("config.json")
        if os.path.exists(config_path):
            with open(config_path, encoding="utf-8") as file:
                before = PretrainingConfig.from_dict(json.load(file))
            differing = differing_keys(before, config)
            if differing:
                raise ValueError(
                    f"{path} belongs to a run of another config; these settings differ: "
                    f"{', '.join(differing)}. Choose another run directory."
                )
            return
        os.makedirs(path, exist_ok=True)
        self.write_json("environment.json", environment(config.training.seed))
        self.write_json("config.json", config.to_dict())

    def file(self, name):
        """Returns the path of a file or folder of the run."""
        return os.path.join(self.path, name)

    def write_json(self, name, values):
        """Writes a JSON file, which appears whole or not at all."""
        path = self.file(name)
        with open(f"{path}.tmp", "w", encoding="utf-8") as file:
            json.dump(values, file, indent=2, sort_keys=True)
            file.write("\n")
        os.replace(f"{path}.tmp", path)


def environment(seed):
    """Describes what a run's numbers depend on besides its config and data."""
    return {
        "seed": seed,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "num_cores": os.cpu_count(),
        **{name: importlib.metadata.version(name) for name in _RECORDED_LIBRARIES},
    }
