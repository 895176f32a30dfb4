"""Recognising what a path holds, and reading it."""

import os

from mpnet_tf.conversion.huggingface_directory import is_huggingface_directory, read_huggingface
from mpnet_tf.conversion.original_mpnet import read_original_mpnet
from mpnet_tf.conversion.sentence_transformers_directory import (
    is_sentence_transformers_directory,
    read_sentence_transformers,
)

_TORCH_SUFFIX = ".pt"


def is_foreign(path):
    """Whether a path holds a model that another library wrote, in a format known here."""
    return (
        is_sentence_transformers_directory(path)
        or is_huggingface_directory(path)
        or (path.endswith(_TORCH_SUFFIX) and os.path.isfile(path))
    )


def read_foreign(path, *, dictionary=None, weights_only=True):
    """Reads a model that another library wrote; the format is recognised.

    Args:
        path: str. A directory of `transformers` or sentence-transformers, or a pretraining
            checkpoint (`.pt`) of MPNet's authors or of annotated-mpnet.
        dictionary: str or None. The `dict.txt` of fairseq's checkpoint.
        weights_only: bool. Whether to refuse a file of PyTorch's that could run code.

    Returns:
        `PretrainedModel`.

    Raises:
        ValueError: if there is nothing of the kind, or it cannot be converted.
    """
    if is_sentence_transformers_directory(path):
        return read_sentence_transformers(path)
    if is_huggingface_directory(path):
        return read_huggingface(path)
    if is_foreign(path):
        return read_original_mpnet(path, dictionary=dictionary, weights_only=weights_only)
    raise ValueError(
        f"{path} must be a directory with a model of transformers or sentence-transformers "
        f"(config.json and tensors), or a pretraining checkpoint ({_TORCH_SUFFIX})."
    )
