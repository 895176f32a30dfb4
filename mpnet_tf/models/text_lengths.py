"""How many tokens texts have, and warnings of those that a model does not take as they are."""

import numpy as np
import tensorflow as tf
from absl import logging

_TEXTS_AT_ONCE = 4096


def count_tokens(texts, tokenizer):
    """Counts the tokens of texts, without special tokens.

    Args:
        texts: sequence of str or bytes.
        tokenizer: `TransformerTokenizer`.

    Returns:
        int64 array `(num_texts,)`.
    """
    with tf.device("cpu"):
        counts = [
            tokenizer(tf.constant(texts[start : start + _TEXTS_AT_ONCE], tf.string)).row_lengths()
            for start in range(0, len(texts), _TEXTS_AT_ONCE)
        ]
    return np.concatenate([np.zeros(0, np.int64), *counts])


def warn_of_long_texts(lengths, longest, what):
    """Warns of texts that will be cut, with their count.

    Args:
        lengths: int array `(num_texts,)`. Tokens of each text.
        longest: int. Most tokens that are taken.
        what: str. What the texts are, in the plural.
    """
    too_long = int((lengths > longest).sum())
    if too_long:
        logging.warning(
            "%d of the %d %s are longer than %d tokens and are cut at the end.",
            too_long,
            len(lengths),
            what,
            longest,
        )


def warn_of_empty_texts(lengths, what):
    """Warns of texts that a model sees nothing of, with their count.

    Args:
        lengths: int array `(num_texts,)`. Tokens, or anything that is 0 for an empty text.
        what: str. What the texts are, in the plural.
    """
    empty = int((lengths == 0).sum())
    if empty:
        logging.warning("%d of the %d %s are empty or have no tokens.", empty, len(lengths), what)


def warn_of_unfit_texts(columns, packer, source):
    """Warns of texts that will be cut and of those without tokens, once each with their count.

    Args:
        columns: sequence of one or two sequences of str or bytes. Texts, or the first and second of
            pairs.
        packer: `RawTextPreprocessor` or `TextPacker`.
        source: str. What the texts belong to, for the messages.

    Returns:
        int64 array `(num_texts,)`. Tokens of each text or pair, without special tokens.
    """
    tokenizer = packer.tokenizer
    counts = [count_tokens(texts, tokenizer) for texts in columns]
    # A preprocessor's, before the first text.
    prompt = getattr(packer, "prompt", "")
    lengths = sum(counts) + (count_tokens([prompt], tokenizer)[0] if prompt else 0)
    num_around = packer.sequence_length - packer.text_room(is_pair=len(columns) == 2)
    what = f"texts of {source}"
    warn_of_long_texts(lengths + num_around, packer.sequence_length, what)
    warn_of_empty_texts(np.min(counts, axis=0), what)
    return lengths
