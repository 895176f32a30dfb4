"""The examples of a task on texts, ready to be put into batches."""

import dataclasses

import numpy as np

from mpnet_tf.models.text_lengths import warn_of_unfit_texts


@dataclasses.dataclass(frozen=True)
class EncodedTexts:
    """Texts with their targets and lengths.

    Args:
        columns: tuple of one or two tuples of str. The texts, or the first and second of pairs.
        targets: array `(num_examples,)` of class ids or scores, or None where they are not known.
        lengths: int array `(num_examples,)`. Tokens of each example without special tokens.
    """

    columns: tuple[tuple[str, ...], ...]
    targets: np.ndarray | None
    lengths: np.ndarray


def encode_texts(examples, task, preprocessor):
    """Prepares examples, and warns of those that the model cannot take whole or that are empty.

    Args:
        examples: `LabelledTexts`; or `EncodedTexts`, which is returned as it is.
        task: `TextTask`.
        preprocessor: `RawTextPreprocessor`.

    Returns:
        `EncodedTexts`.

    Raises:
        ValueError: if a label is none of the task's.
    """
    if isinstance(examples, EncodedTexts):
        return examples
    targets = None if examples.labels is None else task.targets(examples.labels, examples.source)
    columns = (examples.texts,) if examples.pairs is None else (examples.texts, examples.pairs)
    lengths = warn_of_unfit_texts(columns, preprocessor, examples.source)
    return EncodedTexts(columns, targets, lengths)
