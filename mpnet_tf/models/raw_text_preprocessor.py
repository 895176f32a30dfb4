"""What the preprocessors share that turn texts, or pairs of texts, into a body's inputs."""

import keras_hub
import tensorflow as tf


class RawTextPreprocessor(keras_hub.models.Preprocessor):
    """Base of preprocessors by which a task takes raw text in `fit`, `evaluate` and `predict`.

    A subclass has a `tokenizer` and a `sequence_length`, and gives `call` and `text_room`.

    A tuple of two is a pair wherever it is given as `x`; keras_hub's own preprocessors take one
    given alone for `(x, y)`. In a dataset, pairs are therefore `((first, second), labels)`, or
    `((first, second),)` without labels.
    """

    def __call__(self, x, y=None, sample_weight=None):
        """Turns texts into inputs, and passes labels and weights on."""
        # Before Keras sees them, which refuses a list beside a tensor.
        x = tuple(map(_as_strings, x)) if isinstance(x, tuple) else _as_strings(x)
        # By name: the base class takes a tuple given by its place for (x, y).
        return super().__call__(x=x, y=y, sample_weight=sample_weight)

    def text_room(self, is_pair):
        """Returns how many tokens of a text, or of both texts of a pair, a row holds.

        Args:
            is_pair: bool.

        Raises:
            ValueError: if rows are too short for any, or only the other kind is taken.
        """
        raise NotImplementedError

    def check_fits(self, backbone):
        """Checks that a body can take what comes out.

        Args:
            backbone: `TransformerBackbone`.

        Raises:
            ValueError: if rows may be too long for it, or it knows fewer tokens.
        """
        if self.sequence_length > backbone.max_sequence_length:
            raise ValueError(
                "`sequence_length` of the preprocessor must be at most the body's "
                f"`max_sequence_length`, {backbone.max_sequence_length}. "
                f"Received: sequence_length={self.sequence_length}"
            )
        vocabulary_size = self.tokenizer.vocabulary_size()
        if vocabulary_size > backbone.vocabulary_size:
            raise ValueError(
                "`tokenizer` of the preprocessor must have no more tokens than the body's "
                f"`vocabulary_size`, {backbone.vocabulary_size}. "
                f"Received: a tokenizer with {vocabulary_size}"
            )


def _as_strings(texts):
    with tf.device("cpu"):
        return tf.convert_to_tensor(texts, tf.string)
