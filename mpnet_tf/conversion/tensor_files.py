"""The tensors of a checkpoint directory: safetensors, in one file or several, or PyTorch's own."""

import json
import os
import re

import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy

SAFETENSORS_FILE = "model.safetensors"
_INDEX_FILE = "model.safetensors.index.json"
_TORCH_FILE = "pytorch_model.bin"
_TORCH_INDEX_FILE = "pytorch_model.bin.index.json"


def has_tensors(directory):
    """Whether a directory holds tensors in one of the known files."""
    names = (SAFETENSORS_FILE, _INDEX_FILE, _TORCH_FILE, _TORCH_INDEX_FILE)
    return any(os.path.exists(os.path.join(directory, name)) for name in names)


def read_tensors(directory):
    """Reads the tensors of a Hugging Face directory.

    Of several forms, safetensors is read. PyTorch's files need `torch`, which unpickles nothing
    but tensors.

    Args:
        directory: str.

    Returns:
        dict from names to NumPy arrays, in the types of the files (bfloat16 as of `ml_dtypes`).

    Raises:
        ValueError: if a file is missing, damaged, or needs `torch` where that is not installed.
    """
    for index_file, whole_file, read in (
        (_INDEX_FILE, SAFETENSORS_FILE, read_safetensors),
        (_TORCH_INDEX_FILE, _TORCH_FILE, read_torch_tensors),
    ):
        if os.path.exists(os.path.join(directory, whole_file)):
            return read(os.path.join(directory, whole_file))
        if os.path.exists(os.path.join(directory, index_file)):
            return _read_parts(directory, index_file, read)
    raise ValueError(
        f"{directory} holds no {SAFETENSORS_FILE}, {_INDEX_FILE}, {_TORCH_FILE} or "
        f"{_TORCH_INDEX_FILE}."
    )


def _read_parts(directory, index_file, read):
    path = os.path.join(directory, index_file)
    try:
        with open(path, encoding="utf-8") as file:
            parts = json.load(file)["weight_map"]
        names = sorted(set(parts.values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no index of tensors: it must have a `weight_map`.") from error
    missing = [name for name in names if not os.path.exists(os.path.join(directory, name))]
    if missing:
        raise ValueError(f"{path} names files that are not there: {', '.join(missing)}.")
    tensors = {}
    for name in names:
        tensors.update(read(os.path.join(directory, name)))
    lacking = sorted(parts.keys() - tensors.keys())
    if lacking:
        raise ValueError(f"{path} names tensors that its files lack, such as {lacking[0]}.")
    return tensors


def read_safetensors(path):
    """Reads a safetensors file.

    Args:
        path: str.

    Returns:
        dict from names to NumPy arrays.

    Raises:
        ValueError: if the file is damaged or cut off.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is no whole safetensors file: {error}") from error


def write_safetensors(tensors, path):
    """Writes a safetensors file as `transformers` reads it.

    Args:
        tensors: mapping from names to NumPy arrays.
        path: str.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    safetensors.numpy.save_file(arrays, path, metadata={"format": "pt"})


def read_torch_file(path, *, weights_only=True, known_classes=()):
    """Reads a file that PyTorch saved.

    Args:
        path: str.
        weights_only: bool. Whether to refuse a file that holds more than tensors, plain values and
            objects of `known_classes`. Without it, the file can run any code.
        known_classes: sequence of classes whose objects do no harm.

    Returns:
        What was saved, with tensors of PyTorch.

    Raises:
        ValueError: if `torch` is not installed, or the file is damaged or refused.
    """
    try:
        import torch
    except ImportError as error:
        raise ValueError(
            f"{path} is a file of PyTorch's, which needs `pip install torch` to be read. Or save "
            "the model as safetensors where it was made."
        ) from error
    try:
        with torch.serialization.safe_globals(list(known_classes)):
            return torch.load(path, map_location="cpu", weights_only=weights_only)
    # PyTorch raises whatever its parts do: of pickles, zip files and tensors.
    except Exception as error:
        refused = re.search(r"GLOBAL (\S+)", str(error))
        if refused:
            raise ValueError(
                f"{path} holds an object of {refused[1]}, which can run any code when it is read. "
                "If you trust the file, ask for it with weights_only=False (mpnet-convert: "
                "--noweights_only)."
            ) from error
        reason = str(error).split("\n")[0]
        raise ValueError(
            f"{path} cannot be read as a file that PyTorch saved: {type(error).__name__}: {reason}"
        ) from error


def read_torch_tensors(path):
    """Reads a `pytorch_model.bin`.

    Args:
        path: str.

    Returns:
        dict from names to NumPy arrays.

    Raises:
        ValueError: as `read_torch_file`, or if the file is no state dict.
    """
    return state_dict_to_numpy(read_torch_file(path), path)


def state_dict_to_numpy(state, path):
    """Turns a state dict of PyTorch into NumPy arrays.

    Args:
        state: mapping from names to tensors.
        path: str. Where it was read, for the message.

    Returns:
        dict from names to NumPy arrays.

    Raises:
        ValueError: if it holds something else.
    """
    if not isinstance(state, dict) or not all(hasattr(value, "numpy") for value in state.values()):
        raise ValueError(f"{path} holds no state dict: names with a tensor each.")
    return {name: _to_numpy(tensor) for name, tensor in state.items()}


def _to_numpy(tensor):
    if str(tensor.dtype) == "torch.bfloat16":
        # NumPy knows no bfloat16; float32 holds each of its values.
        return tensor.float().numpy().astype(ml_dtypes.bfloat16)
    return tensor.numpy()
