"""The files of a checkpoint of `transformers` that lies on a hub, brought to this machine."""

import os

import huggingface_hub
from huggingface_hub.utils import HfHubHTTPError, LocalEntryNotFoundError
from keras_hub.src.utils import preset_utils

from mpnet_tf.conversion.json_files import read_json

_CONFIG_FILE = "config.json"
_MODULES_FILE = "modules.json"
_EMBEDDER_FILE = "config_sentence_transformers.json"
_TRANSFORMER_FILE = "sentence_bert_config.json"
_TOKENIZER_FILE = "tokenizer.json"
_TOKENIZER_SETTINGS_FILES = ("tokenizer_config.json", "special_tokens_map.json")
# What stands for `tokenizer.json` where there is none: the vocabulary of WordPiece, of byte-level
# BPE, and the SentencePiece model of GLM's authors, who give it this name.
_VOCABULARY_FILES = (
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "cog-pretrain.model",
    "added_tokens.json",
)
# In the order in which a conversion reads the first that is there.
_TENSOR_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


def local_directory(preset, *, weights=True):
    """Returns the directory on this machine in which a checkpoint's files lie.

    Args:
        preset: str. A directory, or what keras_hub's `from_preset` takes, such as
            `hf://user/model`; then the files that a conversion reads are downloaded by keras_hub.
        weights: bool. Whether to download the weights too. Default True.

    Returns:
        str, or None where it is on a hub and no checkpoint of `transformers`, so that keras_hub
        has to load it.

    Raises:
        ValueError: if the hub cannot be reached and a file is not here from before, the hub shows
            no such model, or the model has no weights that can be read.
    """
    if os.path.isdir(preset) or "://" not in preset:
        return preset
    config_path = _download(preset, _CONFIG_FILE, is_first=True)
    if config_path is not None and "model_type" not in read_json(config_path):
        return None
    modules_path = _download(preset, _MODULES_FILE)
    if modules_path is None:
        if config_path is None:
            return None
        _download_model(preset, "", weights=weights)
        return os.path.dirname(config_path)
    _download(preset, _EMBEDDER_FILE)
    for module in read_json(modules_path, list):
        kind = module["type"].rsplit(".", 1)[-1]
        if kind == "Transformer":
            _download_model(preset, module["path"], weights=weights)
            _download(preset, _in_folder(module["path"], _TRANSFORMER_FILE))
        if module["path"]:
            _download(preset, _in_folder(module["path"], _CONFIG_FILE))
        if kind == "Dense" and weights:
            _download_tensors(preset, module["path"])
    return os.path.dirname(modules_path)


def _download_model(preset, folder, *, weights):
    names = _TOKENIZER_SETTINGS_FILES
    if _download(preset, _in_folder(folder, _TOKENIZER_FILE)) is None:
        names += _VOCABULARY_FILES
    for name in names:
        _download(preset, _in_folder(folder, name))
    if weights:
        _download_tensors(preset, folder)


def _download_tensors(preset, folder):
    """Brings the first form of the tensors that there is, with the parts that an index names."""
    for name in _TENSOR_FILES:
        path = _download(preset, _in_folder(folder, name))
        if path is None:
            continue
        if name.endswith(".index.json"):
            for part in sorted(set(read_json(path).get("weight_map", {}).values())):
                _download(preset, _in_folder(folder, part))
        return
    raise ValueError(
        f"`preset` must have weights in one of {', '.join(_TENSOR_FILES)}. "
        f"Received: preset={preset!r}, with none of them{f' in {folder}' if folder else ''}"
    )


def _in_folder(folder, name):
    return f"{folder}/{name}" if folder else name


def _download(preset, name, *, is_first=False):
    """Returns the path of a file, or None where the preset has no such file.

    The first file of a preset is always asked for, which tells which version the hub has now; the
    answers about the others are those for that version.
    """
    if not is_first and _is_known_to_be_missing(preset, name):
        return None
    try:
        return preset_utils.get_file(preset, name)
    except FileNotFoundError as error:
        # keras_hub tells a file that the hub lacks and a hub that does not answer alike.
        unanswered = isinstance(error.__cause__, LocalEntryNotFoundError)
        if unanswered and not _is_known_to_be_missing(preset, name):
            raise ValueError(
                f"The hub does not answer, and {name} of {preset} is not on this machine from "
                "before. Check the connection, or give a local directory. Received: "
                f"preset={preset!r}"
            ) from error
        return None
    except HfHubHTTPError as error:
        raise ValueError(
            "`preset` must name a model that the hub has and shows you; for a private one, set "
            f"HF_TOKEN. Received: preset={preset!r}, for which it says: "
            f"{' '.join(str(error).split())}"
        ) from error


def _is_known_to_be_missing(preset, name):
    """Returns whether the hub said so before, about the version that was last asked for."""
    if not preset.startswith(preset_utils.HF_PREFIX):
        return False
    found = huggingface_hub.try_to_load_from_cache(
        preset.removeprefix(preset_utils.HF_PREFIX), name
    )
    return found is huggingface_hub._CACHED_NO_EXIST
