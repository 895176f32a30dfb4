"""What a model was tuned to do, in a file of its preset: its evaluation is to ask the same."""

import os

from mpnet_tf.conversion.json_files import read_json, write_json
from mpnet_tf.models.preset_conversion import preset_of

_FILE = "finetuning.json"


def write_choices(directory, task):
    """Writes the choices of a task beside its model.

    Args:
        directory: str. The preset.
        task: `FinetuningTask`.
    """
    write_json({"task": task.name, **task.choices}, os.path.join(directory, _FILE))


def read_choices(preset):
    """Reads what a model was tuned to do.

    Args:
        preset: str. What `read_pretrained` takes.

    Returns:
        dict of the task's choices and its name as `task`; empty for a model of other origin.

    Raises:
        ValueError: if the file is damaged.
    """
    path = os.path.join(preset_of(preset), _FILE)
    return read_json(path) if os.path.exists(path) else {}
