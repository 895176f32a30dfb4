"""A body that tells the class of every token of a text."""

import keras
import keras_hub
import numpy as np
import tensorflow as tf
from absl import logging

from mpnet_tf.models.argument_checks import check_dropout, check_list_of_texts, positive_integer
from mpnet_tf.models.named_classes import NamedClasses, checked_class_names
from mpnet_tf.models.raw_text_task import RawTextTask
from mpnet_tf.models.token_windows import packer_arguments, shorten_rows
from mpnet_tf.models.transformer_task import TransformerTask, make_head_dense, make_head_dropout
from mpnet_tf.models.word_packer import WordPacker, best_first_pieces

# What CoNLL's files call words that belong to nothing.
_OUTSIDE = "O"


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TransformerTokenClassifier(TransformerTask, RawTextTask, NamedClasses, keras_hub.models.Task):
    """A backbone, dropout and a linear layer on every token.

    `tag` takes words. To train, make rows of token ids, labels and weights with `WordPacker`.

    Args:
        backbone: `TransformerBackbone`, or in a subclass its `backbone_cls`.
        num_classes: int. Classes.
        preprocessor: `TransformerTextPreprocessor`, or in a subclass its `preprocessor_cls`, for
            words in `tag`; None to feed token ids. Default None.
        dropout: float in [0, 1). Dropped share of the head's inputs in training. Default 0.1.
        class_names: sequence of str, or None. What the classes are called, in the order of their
            ids; kept with the model. Default None.

    Call arguments:
        token_ids, padding_mask: what the backbone takes, with `segment_ids` where it has them.

    Returns:
        float32 tensor `(batch_size, sequence_length, num_classes)`: logits. Those of padding mean
        nothing: give padding a sample weight of 0.

    Raises:
        ValueError: if `num_classes` is no positive integer, `dropout` is out of its range, or the
            names are not as many as the classes.

    References:
        [BERT](https://arxiv.org/abs/1810.04805), section 5.3.
    """

    def __init__(
        self, backbone, num_classes, preprocessor=None, dropout=0.1, class_names=None, **kwargs
    ):
        num_classes = positive_integer("num_classes", num_classes)
        check_dropout(dropout)
        class_names = checked_class_names(class_names, num_classes)
        # === Layers ===
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.head_dropout = make_head_dropout(backbone, dropout)
        self.output_dense = make_head_dense(backbone, num_classes, name="logits")

        # === Functional model ===
        hidden = self.head_dropout(backbone(backbone.input))
        super().__init__(inputs=backbone.input, outputs=self.output_dense(hidden), **kwargs)

        # === Config ===
        self.num_classes = num_classes
        self.dropout = dropout
        self.class_names = class_names

    @property
    def head_settings(self):
        return {
            "num_classes": self.num_classes,
            "dropout": self.dropout,
            "class_names": self.class_names,
        }

    def tag(self, texts, *, class_without_tokens=None, stride=None, batch_size=32):
        """Tells the class of every word.

        A word's class is that of its first token. A text that is too long for a row is cut into
        windows that overlap, and a word counts where most of the text is beside it.

        Args:
            texts: sequence of sequences of str. The words of each text.
            class_without_tokens: int, or str with `class_names`, or None. The class of words that
                the tokenizer makes nothing of, such as control characters; a warning counts them.
                None means the one named "O", or the first. Default None.
            stride: int or None. Tokens that two windows over a long text share; None means a
                quarter of a row. Default None.
            batch_size: int. Rows that the model takes at once. Default 32.

        Returns:
            List with a list for each text: the class of each word, its name if the model has
            `class_names`, else its id.

        Raises:
            ValueError: if the model has no preprocessor, a text is not given as words, or an
                argument is out of its range.
        """
        default = self.class_without_tokens
        if class_without_tokens is not None:
            default = self._class_id(class_without_tokens)
        names = self.class_names or range(self.num_classes)
        if isinstance(texts, str) or any(isinstance(words, str) for words in texts):
            raise ValueError(
                "`texts` must be a list with a list of words for each text. "
                f"Received: texts={str(texts)[:80]!r}"
            )
        for words in texts:
            check_list_of_texts("texts", words)
        texts = [list(words) for words in texts]
        lengths = [len(words) for words in texts]
        classes = np.full(sum(lengths), -1, np.int64)
        if len(classes):
            arguments = packer_arguments(self)
            if stride is None:
                stride = arguments["sequence_length"] // 4
            packer = WordPacker(**arguments, stride=stride)
            words = tf.constant([word for words in texts for word in words], tf.string)
            inputs, places = shorten_rows(*packer(tf.RaggedTensor.from_row_lengths(words, lengths)))
            logits = self.predict(inputs, batch_size=batch_size, verbose=0)
            rows, columns = best_first_pieces(places)
            text_index = np.asarray(places["text_index"])[rows]
            text_starts = np.cumsum([0, *lengths])[text_index]
            word_index = np.asarray(places["word_index"])[rows, columns]
            classes[text_starts + word_index] = logits[rows, columns].argmax(axis=-1)
        num_missing = int((classes < 0).sum())
        if num_missing:
            logging.warning(
                "%d words have no tokens; their class is %s.", num_missing, names[default]
            )
        classes = np.where(classes < 0, default, classes)
        split = np.split(classes, np.cumsum(lengths)[:-1]) if texts else []
        return [[names[index] for index in row] for row in split]

    @property
    def class_without_tokens(self):
        """int. The class of words without tokens: that named "O", or the first."""
        names = self.class_names or ()
        return names.index(_OUTSIDE) if _OUTSIDE in names else 0

    def _class_id(self, class_or_name):
        names = self.class_names or ()
        if class_or_name in names:
            return names.index(class_or_name)
        if isinstance(class_or_name, str) or not 0 <= class_or_name < self.num_classes:
            raise ValueError(
                f"`class_without_tokens` must be one of {names or range(self.num_classes)}. "
                f"Received: class_without_tokens={class_or_name!r}"
            )
        return class_or_name
