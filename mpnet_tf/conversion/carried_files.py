"""What a converted model's preset keeps of its source for the way back."""

import os

from mpnet_tf.conversion.json_files import read_json, write_json
from mpnet_tf.conversion.tensor_files import read_safetensors, write_safetensors

# A folder in the preset; keras_hub reads nothing there.
FOLDER = "source"
_CONFIG_FILE = "config.json"
_TENSORS_FILE = "unused.safetensors"
_EMBEDDER_FILE = "embedder.json"


def write_carried(model, preset):
    """Writes what a model carries into its preset, if anything.

    Args:
        model: `PretrainedModel`.
        preset: str. The preset's directory.
    """
    if not (model.carried_config or model.carried_tensors or model.carried_embedder):
        return
    folder = os.path.join(preset, FOLDER)
    os.mkdir(folder)
    write_json(dict(model.carried_config), os.path.join(folder, _CONFIG_FILE))
    write_json(dict(model.carried_embedder), os.path.join(folder, _EMBEDDER_FILE))
    if model.carried_tensors:
        write_safetensors(model.carried_tensors, os.path.join(folder, _TENSORS_FILE))


def read_carried(preset):
    """Reads what `write_carried` wrote.

    Args:
        preset: str. The preset's directory.

    Returns:
        dict of the `carried_` arguments of `PretrainedModel`; empty where nothing was carried.

    Raises:
        ValueError: if a file is damaged.
    """
    folder = os.path.join(preset, FOLDER)
    if not os.path.isdir(folder):
        return {}
    tensors = os.path.join(folder, _TENSORS_FILE)
    return {
        "carried_config": read_json(os.path.join(folder, _CONFIG_FILE)),
        "carried_embedder": read_json(os.path.join(folder, _EMBEDDER_FILE)),
        "carried_tensors": read_safetensors(tensors) if os.path.exists(tensors) else {},
    }
