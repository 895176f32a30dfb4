"""The examples of a task on texts, ready to be put into batches."""

import dataclasses

import numpy as np
from absl import logging

_TEXTS_AT_ONCE = 4096


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
    """Prepares examples, and warns of those that the model cannot take whole.

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
    columns = (examples.texts,) if examples.pairs is None else (examples.texts, examples.pairs)
    lengths = sum(_lengths(texts, preprocessor.tokenizer) for texts in columns)
    too_long = int((lengths > preprocessor.text_room(examples.pairs is not None)).sum())
    if too_long:
        logging.warning(
            "%d of the %d texts of %s are longer than %d tokens, with the tokens that stand around "
            "them, and are cut at the end.",
            too_long,
            len(examples),
            examples.source,
            preprocessor.sequence_length,
        )
    targets = None if examples.labels is None else task.targets(examples.labels)
    return EncodedTexts(columns, targets, lengths)


def _lengths(texts, tokenizer):
    counts = [
        tokenizer(list(texts[start : start + _TEXTS_AT_ONCE])).row_lengths().numpy()
        for start in range(0, len(texts), _TEXTS_AT_ONCE)
    ]
    return np.concatenate(counts)
