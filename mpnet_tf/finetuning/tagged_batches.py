"""Training rows from sentences with a label on each word."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mpnet_tf.finetuning.conll import TaggedSentence
from mpnet_tf.finetuning.window_batches import window_batches
from mpnet_tf.models.text_lengths import count_tokens, warn_of_empty_texts
from mpnet_tf.models.word_packer import WordPacker


def tagged_batches(
    sentences: Sequence[TaggedSentence],
    packer: WordPacker,
    class_names: Sequence[str],
    *,
    batch_size: int,
    seed: int | None,
) -> tf.data.Dataset:
    """Makes the training data of a `TransformerTokenClassifier`.

    A warning counts the words that the tokenizer makes nothing of, which teach nothing.

    Args:
        sentences: what `read_conll` returns.
        packer: packs them.
        class_names: the labels in the order of the model's classes.
        batch_size: rows in a batch; the last of a pass may have fewer.
        seed: int from 0, of the order, which is another in each pass; None for the order of the
            sentences.

    Returns:
        Dataset of what `WordPacker.labelled` returns.

    Raises:
        ValueError: if there are no sentences, a label is none of the names, or `batch_size` is
            below 1.
    """
    if not sentences:
        raise ValueError("`sentences` must not be empty.")
    classes = {name: index for index, name in enumerate(class_names)}
    for sentence in sentences:
        unknown = set(sentence.labels) - set(classes)
        if unknown:
            raise ValueError(
                f"`class_names` must hold all labels. Received: class_names={tuple(class_names)}, "
                f"without {sorted(unknown)[0]!r} of the sentence on line {sentence.line}"
            )
    lengths = np.array([len(sentence.words) for sentence in sentences])
    all_words = [word for sentence in sentences for word in sentence.words]
    warn_of_empty_texts(count_tokens(all_words, packer.tokenizer), "words")
    with tf.device("cpu"):
        words = tf.RaggedTensor.from_row_lengths(tf.constant(all_words), lengths)
        labels = tf.RaggedTensor.from_row_lengths(
            tf.constant([classes[label] for sentence in sentences for label in sentence.labels]),
            lengths,
        )

    def make_rows(index):
        return packer.labelled(tf.gather(words, index), tf.gather(labels, index))

    return window_batches(make_rows, len(sentences), batch_size=batch_size, seed=seed)
