"""Checkpoints of a run: all its state at a step, in one folder that appears whole or not at all."""

import json
import os
import re
import shutil

from mpnet_tf.data.manifest import hash_file
from mpnet_tf.data.output_directory import (
    appearing_directory,
    explained_write_errors,
    reserve_weights_space,
)

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
        path = self._path(step)
        with appearing_directory(path) as unfinished, explained_write_errors(path):
            weights = os.path.join(unfinished, WEIGHTS_FILE)
            reserve_weights_space(unfinished, model.variables + model.optimizer.variables)
            model.save_weights(weights)
            state = {
                "step": step,
                "weights_sha256": hash_file(weights).sha256,
                # Keras leaves these out of the weights file.
                "seed_states": [variable.numpy().tolist() for variable in _seed_states(model)],
            }
            with open(os.path.join(unfinished, STATE_FILE), "w", encoding="utf-8") as file:
                json.dump(state, file)
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
        try:
            with open(os.path.join(path, STATE_FILE), encoding="utf-8") as file:
                state = json.load(file)
            step, seed_states = state["step"], state["seed_states"]
            is_whole = hash_file(weights).sha256 == state["weights_sha256"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            is_whole = False
        if not is_whole:
            raise ValueError(
                f"The checkpoint {path} is damaged: its files are not as they were written. "
                "Remove it to go on from the one before."
            )
        model.load_weights(weights)
        for variable, value in zip(_seed_states(model), seed_states, strict=True):
            variable.assign(value)
        return step

    def _steps(self):
        if not os.path.isdir(self._directory):
            return []
        matches = (_NAME.fullmatch(name) for name in os.listdir(self._directory))
        return sorted(int(match[1]) for match in matches if match)

    def _path(self, step):
        return os.path.join(self._directory, f"step-{step:08d}")


def _seed_states(model):
    """Lists the states of a model's dropout generators, in the order of its layers."""
    return [variable for variable in model.variables if variable.name == "seed_generator_state"]
