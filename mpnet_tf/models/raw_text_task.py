"""What the tasks that take raw text share."""

import os

import keras

from mpnet_tf.models.raw_text_preprocessor import RawTextPreprocessor
from mpnet_tf.models.text_preprocessor import TransformerTextPreprocessor

# Of a preset.
_PREPROCESSOR_FILE = "preprocessor.json"
_TOKENIZER_FILE = "tokenizer.json"


class RawTextTask:
    """A task whose preprocessor lets it take raw text in `fit`, `evaluate` and `predict`.

    Put it between `TransformerTask` and keras_hub's class, so that other libraries' checkpoints are
    dealt with before.
    """

    preprocessor_cls = TransformerTextPreprocessor

    def preprocess_samples(self, x, y=None, sample_weight=None):
        """Turns raw text into inputs, as keras_hub asks for; a ready batch stays as it is."""
        if isinstance(self.preprocessor, RawTextPreprocessor):
            if isinstance(x, dict) and "token_ids" in x:
                return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)
            self.preprocessor.check_fits(self.backbone)
        return super().preprocess_samples(x, y, sample_weight)

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


def _has_file(preset, name):
    """Returns whether a preset on this machine has a file."""
    return os.path.exists(os.path.join(preset, name))
