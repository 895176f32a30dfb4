"""The files of a checkpoint of `transformers` that lies on a hub, brought to this machine."""

import os

from keras_hub.src.utils import preset_utils

from mpnet_tf.conversion.json_files import read_json

# What a directory of `transformers` or sentence-transformers may hold that a conversion reads.
_CONFIG_FILE = "config.json"
_SMALL_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
)
_TENSOR_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


def local_directory(preset):
    """Returns the directory on this machine in which a checkpoint's files lie.

    Args:
        preset: str. A directory, or what keras_hub's `from_preset` takes, such as
            `hf://user/model`; then the files that a conversion reads are downloaded by keras_hub.

    Returns:
        str, or None where it is on a hub and no checkpoint of `transformers`, so that keras_hub
        has to load it.
    """
    if os.path.isdir(preset) or "://" not in preset:
        return preset
    try:
        config_path = preset_utils.get_file(preset, _CONFIG_FILE)
    except FileNotFoundError:
        return None
    if "model_type" not in read_json(config_path):
        return None
    for name in _SMALL_FILES:
        _download(preset, name)
    _download_tensors(preset)
    directory = os.path.dirname(config_path)
    if os.path.exists(os.path.join(directory, "modules.json")):
        for module in read_json(os.path.join(directory, "modules.json"), list):
            if module["path"]:
                _download(preset, f"{module['path']}/{_CONFIG_FILE}")
                _download(preset, f"{module['path']}/{_TENSOR_FILES[0]}")
    return directory


def _download_tensors(preset):
    """Brings the first form of the tensors that there is, with the parts that an index names."""
    for name in _TENSOR_FILES:
        path = _download(preset, name)
        if path is None:
            continue
        if name.endswith(".index.json"):
            for part in sorted(set(read_json(path)["weight_map"].values())):
                preset_utils.get_file(preset, part)
        return


def _download(preset, name):
    """Returns the path of a file, or None where the preset has no such file."""
    try:
        return preset_utils.get_file(preset, name)
    except FileNotFoundError:
        return None
