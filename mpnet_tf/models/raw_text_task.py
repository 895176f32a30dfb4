"""What the tasks that take raw text share."""

import os

import keras
import numpy as np
import tensorflow as tf

from mpnet_tf.models.raw_text_preprocessor import RawTextPreprocessor
from mpnet_tf.models.text_lengths import warn_of_unfit_texts
from mpnet_tf.models.text_preprocessor import TransformerTextPreprocessor

# Of a preset.
_PREPROCESSOR_FILE = "preprocessor.json"
_TOKENIZER_FILE = "tokenizer.json"


class RawTextTask:
    """A task whose preprocessor lets it take raw text in `fit`, `evaluate` and `predict`.

    Texts that are given at once, and not as a dataset, are looked at before anything is computed:
    what is no text is refused, and a warning counts those that are cut or empty. Of ready batches,
    rows that are too long for the body are refused.

    Put it between `TransformerTask` and keras_hub's class, so that other libraries' checkpoints are
    dealt with before.
    """

    preprocessor_cls = TransformerTextPreprocessor

    def fit(self, x=None, y=None, *args, validation_data=None, **kwargs):
        """Trains the model, as keras_hub does.

        Raises:
            ValueError: if raw text or its labels are not what the model takes.
        """
        self._check_raw_texts(x, y)
        if isinstance(validation_data, tuple):
            held_out, labels, _ = keras.utils.unpack_x_y_sample_weight(validation_data)
            self._check_raw_texts(held_out, labels)
        return super().fit(x, y, *args, validation_data=validation_data, **kwargs)

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """Computes the loss and metrics, as keras_hub does.

        Raises:
            ValueError: if raw text or its labels are not what the model takes.
        """
        self._check_raw_texts(x, y)
        return super().evaluate(x, y, *args, **kwargs)

    def predict(self, x, *args, **kwargs):
        """Computes the outputs, as keras_hub does.

        Raises:
            ValueError: if raw text is not what the model takes.
        """
        self._check_raw_texts(x)
        return super().predict(x, *args, **kwargs)

    def preprocess_samples(self, x, y=None, sample_weight=None):
        """Turns raw text into inputs, as keras_hub asks for; a ready batch stays as it is."""
        if isinstance(self.preprocessor, RawTextPreprocessor):
            if isinstance(x, dict) and "token_ids" in x:
                return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)
            self.preprocessor.check_fits(self.backbone)
        return super().preprocess_samples(x, y, sample_weight)

    def check_labels(self, labels):
        """Checks the labels of raw text; any will do unless a task says otherwise.

        Args:
            labels: what `fit` takes as `y`.
        """

    def _check_raw_texts(self, x, y=None):
        _check_row_length(x, self.backbone.max_sequence_length)
        if not isinstance(self.preprocessor, RawTextPreprocessor):
            return
        if isinstance(x, (str, list, tuple, np.ndarray, tf.Tensor)):
            columns = _text_columns(x)
            if y is not None:
                self.check_labels(y)
            warn_of_unfit_texts(columns, self.preprocessor, "`x`")

    @classmethod
    def from_preset(cls, preset, load_weights=True, **kwargs):
        """Makes a model from a preset, with the preprocessor that is there or fits the tokenizer.

        Args:
            preset: str. What keras_hub's `from_preset` takes.
            load_weights: bool. Whether to load the weights; the model starts anew otherwise.
            **kwargs: arguments of the class, or of its backbone, in place of the saved ones.

        Returns:
            The model. Its preprocessor is None where the preset has no tokenizer.
        """
        # One that was saved comes back by itself.
        if "preprocessor" not in kwargs and not _has_file(preset, _PREPROCESSOR_FILE):
            kwargs["preprocessor"] = cls._preprocessor_of(preset)
        return super().from_preset(preset, load_weights=load_weights, **kwargs)

    @classmethod
    def _preprocessor_of(cls, preset):
        try:
            return cls.preprocessor_cls.from_preset(preset)
        except FileNotFoundError:
            # As keras_hub tells that there is no tokenizer, and that a part of it is missing.
            if _has_file(preset, _TOKENIZER_FILE):
                raise
            return None


def _check_row_length(x, longest):
    """Refuses ready batches of longer rows, which a GPU would take for something else unasked."""
    element = x.element_spec if isinstance(x, tf.data.Dataset) else x
    inputs = element[0] if isinstance(element, tuple) and element else element
    # Slots may be more than the positions that they name.
    if not isinstance(inputs, dict) or "token_ids" not in inputs or "position_ids" in inputs:
        return
    shape = inputs["token_ids"].shape
    length = shape[-1] if len(shape) > 1 else None
    if length is not None and length > longest:
        raise ValueError(
            f"`x` must have rows of at most {longest} tokens, the body's `max_sequence_length`. "
            f"Received: rows of {length}. Give what packs them a smaller `sequence_length`."
        )


def _text_columns(x):
    """Returns raw text as a list of one or two string tensors `(num_texts,)`."""
    columns = x if isinstance(x, tuple) else (x,)
    try:
        with tf.device("cpu"):
            columns = [tf.convert_to_tensor(column, tf.string) for column in columns]
        are_texts = len(columns) <= 2 and all(column.shape.rank == 1 for column in columns)
    except (TypeError, ValueError):
        are_texts = False
    shapes = {tuple(column.shape) for column in columns} if are_texts else ()
    if len(shapes) != 1 or shapes == {(0,)}:
        raise ValueError(
            "`x` must be a list of texts, one at least, or for pairs a tuple of two such lists of "
            f"equal length. Received: x={str(x)[:80]}"
        )
    return columns


def _has_file(preset, name):
    """Returns whether a preset on this machine has a file."""
    return os.path.exists(os.path.join(preset, name))
