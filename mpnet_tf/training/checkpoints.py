"""Checkpoints of a run: all its state at a step, in one folder that appears whole or not at all."""

import json
import os
import re
import shutil

from mpnet_tf.data.manifest import hash_file

WEIGHTS_FILE = "model.weights.h5"
STATE_FILE = "state.json"
_NAME = re.compile(r"step-(\d{8})")


class Checkpoints:
    """The checkpoints of a run directory.

    Each is a folder `step-00001000` with the weights of the model and its optimizer, the states
    of the dropout generators, and a file that tells the step and the weights' checksum.

    Args:
        directory: str. Folder of the checkpoints; made when the first is saved.
        num_to_keep: int. Older ones are removed after each save.
    """

    def __init__(self, directory, num_to_keep):
        self._directory = directory
        self._num_to_keep = num_to_keep

    def save(self, model, step):
        """Saves a compiled model under the number of steps it has taken."""
        os.makedirs(self._directory, exist_ok=True)
        path = self._path(step)
        temporary = f"{path}.tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        os.makedirs(temporary)
        weights = os.path.join(temporary, WEIGHTS_FILE)
        model.save_weights(weights)
        with open(os.path.join(temporary, STATE_FILE), "w", encoding="utf-8") as file:
            json.dump({"step": step, "weights_sha256": hash_file(weights).sha256}, file)
        shutil.rmtree(path, ignore_errors=True)
        os.rename(temporary, path)
        for old_step in self._steps()[: -self._num_to_keep]:
            shutil.rmtree(self._path(old_step))

    def restore_newest(self, model):
        """Loads the newest checkpoint into a compiled, built model.

        Returns:
            int. The number of steps it had taken; 0 where there is no checkpoint.

        Raises:
            ValueError: if the checkpoint is damaged.
        """
        steps = self._steps()
        if not steps:
            return 0
        path = self._path(steps[-1])
        weights = os.path.join(path, WEIGHTS_FILE)
        with open(os.path.join(path, STATE_FILE), encoding="utf-8") as file:
            state = json.load(file)
        if hash_file(weights).sha256 != state["weights_sha256"]:
            raise ValueError(
                f"The checkpoint {path} is damaged: its weights do not have the checksum that was "
                "written with them. Remove it to go on from the one before."
            )
        model.load_weights(weights)
        return state["step"]

    def _steps(self):
        if not os.path.isdir(self._directory):
            return []
        matches = (_NAME.fullmatch(name) for name in os.listdir(self._directory))
        return sorted(int(match[1]) for match in matches if match)

    def _path(self, step):
        return os.path.join(self._directory, f"step-{step:08d}")

