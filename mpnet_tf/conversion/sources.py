"""Recognising what a path holds, and reading it."""

import argparse
import os

from mpnet_tf.conversion.glm_checkpoint import (
    STATE_ENTRY,
    is_glm_directory,
    read_glm_checkpoint,
    read_glm_directory,
)
from mpnet_tf.conversion.huggingface_directory import is_huggingface_directory, read_huggingface
from mpnet_tf.conversion.original_mpnet import read_original_mpnet
from mpnet_tf.conversion.sentence_transformers_directory import (
    is_sentence_transformers_directory,
    read_sentence_transformers,
)
from mpnet_tf.conversion.tensor_files import read_torch_file

_TORCH_SUFFIX = ".pt"


def is_foreign(path):
    """Whether a path holds a model that another library wrote, in a format known here."""
    return (
        is_sentence_transformers_directory(path)
        or is_huggingface_directory(path)
        or (path.endswith(_TORCH_SUFFIX) and os.path.isfile(path))
    )


def takes_vocabulary(path):
    """Whether a path holds a model that may come without a vocabulary: a checkpoint, or a GLM."""
    return path.endswith(_TORCH_SUFFIX) or is_glm_directory(path)


def read_foreign(path, *, vocabulary=None, weights_only=True):
    """Reads a model that another library wrote; the format is recognised.

    Args:
        path: str. A directory of `transformers` or sentence-transformers or of GLM's authors, or a
            pretraining checkpoint (`.pt`) of MPNet's authors, annotated-mpnet or GLM's authors.
        vocabulary: str or None. What numbered the tokens of a pretraining checkpoint or a GLM, as
            `read_checkpoint_vocabulary` takes it.
        weights_only: bool. Whether to refuse a `.pt` file that holds more than tensors, plain
            values and the arguments of a program. Such a file can run any code when it is read.

    Returns:
        `PretrainedModel`.

    Raises:
        ValueError: if there is nothing of the kind, or it cannot be converted.
    """
    if is_sentence_transformers_directory(path):
        return read_sentence_transformers(path)
    if is_glm_directory(path):
        return read_glm_directory(path, vocabulary=vocabulary)
    if is_huggingface_directory(path):
        return read_huggingface(path)
    if is_foreign(path):
        checkpoint = read_torch_file(
            path, weights_only=weights_only, known_classes=(argparse.Namespace,)
        )
        is_glm = isinstance(checkpoint, dict) and STATE_ENTRY in checkpoint
        read = read_glm_checkpoint if is_glm else read_original_mpnet
        return read(checkpoint, path, vocabulary=vocabulary)
    raise ValueError(
        f"{path} must be a directory with a model of transformers or sentence-transformers "
        f"(config.json and tensors), or a pretraining checkpoint ({_TORCH_SUFFIX})."
    )
