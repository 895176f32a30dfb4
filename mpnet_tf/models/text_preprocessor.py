"""Raw text into the inputs of a body."""

import keras
import tensorflow as tf

from mpnet_tf.conversion.sources import is_foreign, read_foreign
from mpnet_tf.models.preset_files import local_directory
from mpnet_tf.models.raw_text_preprocessor import RawTextPreprocessor
from mpnet_tf.models.text_packer import TextPacker
from mpnet_tf.models.transformer_backbone import TransformerBackbone
from mpnet_tf.models.wordpiece_tokenizer import TransformerTokenizer

_DEFAULT_SEQUENCE_LENGTH = 512
_PAD_TO = ("sequence_length", "longest")


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TransformerTextPreprocessor(RawTextPreprocessor):
    """Turns texts, or pairs of texts, into what a body takes.

    A task with it takes raw text in `fit`, `evaluate` and `predict`; `RawTextPreprocessor` says how
    pairs are given, and `TextPacker` how rows are laid out and what is cut off.

    Args:
        tokenizer: `TransformerTokenizer`, or in a subclass its `tokenizer_cls`.
        sequence_length: int. Most tokens in a row, special tokens included; at most the body's
            `max_sequence_length`. Default 512.
        has_segment_ids: bool or None. Whether the body takes `segment_ids`; they are 0 everywhere
            if the tokenizer does not tell the texts of a pair apart by them. None means as in the
            class's body, and where that may be either, as the tokenizer says. Default None.
        pad_to: str. "sequence_length" gives rows of that length; "longest" rows as long as the
            longest of their batch, which is faster on short texts, but compiles anew for each
            length where XLA compiles the model. Default "sequence_length".
        prompt: str. Put before each text, and of a pair before the first. Default "".

    Call arguments:
        x: string tensor of shape `(batch_size,)` or list of str; or, for pairs, a tuple of two of
            them of the same length.
        y: labels of any kind, or None. Default None.
        sample_weight: weights of any kind, or None. Default None.

    Returns:
        Dict of int32 tensors of shape `(batch_size, sequence_length)`: `token_ids`; `padding_mask`,
        1 for tokens and 0 for padding; and, where the body takes them, `segment_ids`, 1 for the
        second text and the end token after it, 0 for all else. With labels or weights, a tuple of
        it and of them, as they were given.

    Raises:
        ValueError: if an argument is out of its range, or `x` is neither texts nor a pair.

    Example:

    >>> tokenizer = TransformerTokenizer(["<s>", "<pad>", "</s>", "[UNK]", "a", "b", "<mask>"])
    >>> preprocessor = TransformerTextPreprocessor(tokenizer, sequence_length=8)
    >>> preprocessor((["a b"], ["a"]))["token_ids"].numpy().tolist()
    [[0, 4, 5, 2, 2, 4, 2, 1]]
    """

    backbone_cls = TransformerBackbone
    tokenizer_cls = TransformerTokenizer

    def __init__(
        self,
        tokenizer,
        sequence_length=_DEFAULT_SEQUENCE_LENGTH,
        has_segment_ids=None,
        pad_to="sequence_length",
        prompt="",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if pad_to not in _PAD_TO:
            raise ValueError(
                f"`pad_to` must be one of {', '.join(_PAD_TO)}. Received: pad_to={pad_to!r}"
            )
        if has_segment_ids is None:
            num_segments = self.backbone_cls.fixed_choices.get("num_segments")
            has_segment_ids = tokenizer.has_segment_ids if num_segments is None else num_segments
        self.tokenizer = tokenizer
        self.packer = TextPacker(tokenizer, sequence_length)
        self.has_segment_ids = bool(has_segment_ids)
        self.pad_to = pad_to
        self.prompt = prompt
        self.built = True

    @property
    def sequence_length(self):
        """int. Most tokens in a row, special tokens included."""
        return self.packer.sequence_length

    def call(self, x, y=None, sample_weight=None):
        with tf.device("cpu"):
            if self.prompt:
                first, *second = x if isinstance(x, tuple) else (x,)
                first = tf.strings.join([self.prompt, first])
                x = (first, *second) if second else first
            packed = self.packer(x)
            if not self.has_segment_ids:
                packed.pop("segment_ids", None)
            elif "segment_ids" not in packed:
                packed["segment_ids"] = tf.zeros_like(packed["token_ids"])
            if self.pad_to == "longest":
                longest = tf.reduce_max(tf.reduce_sum(packed["padding_mask"], axis=1))
                # Of no texts at all it is the least of all numbers.
                longest = tf.maximum(longest, 1)
                packed = {name: values[:, :longest] for name, values in packed.items()}
        return keras.utils.pack_x_y_sample_weight(packed, y, sample_weight)

    def text_room(self, is_pair):
        return self.packer.text_room(is_pair)

    def padded_to_longest(self, sequence_length=None):
        """Makes a preprocessor like this one whose rows are as long as their batch needs.

        Args:
            sequence_length: int or None. Most tokens in a row; None for as many as here.

        Returns:
            A preprocessor of the same class.
        """
        return type(self)(
            self.tokenizer,
            sequence_length=sequence_length or self.sequence_length,
            has_segment_ids=self.has_segment_ids,
            pad_to="longest",
            prompt=self.prompt,
        )

    def check_fits(self, backbone):
        """Checks that a body can take what comes out.

        Args:
            backbone: `TransformerBackbone`.

        Raises:
            ValueError: if rows may be too long for it, if it knows fewer tokens, or if only one of
                the two has segment ids.
        """
        super().check_fits(backbone)
        if self.has_segment_ids != bool(backbone.num_segments):
            raise ValueError(
                f"`has_segment_ids` of the preprocessor must be {bool(backbone.num_segments)} for "
                f"a body with num_segments={backbone.num_segments}. "
                f"Received: has_segment_ids={self.has_segment_ids}"
            )

    def get_config(self):
        """Returns the configuration; the tokenizer's vocabulary is not part of it."""
        return {
            **super().get_config(),
            "sequence_length": self.sequence_length,
            "has_segment_ids": self.has_segment_ids,
            "pad_to": self.pad_to,
            "prompt": self.prompt,
        }

    @classmethod
    def from_preset(cls, preset, **kwargs):
        """Loads the preprocessor of a preset, or makes the one that fits its body and tokenizer.

        Args:
            preset: str. What `from_preset` of the tasks takes.
            **kwargs: arguments of the class in place of those found there.

        Returns:
            `TransformerTextPreprocessor`, of the body's own class where keras_hub's presets hold
            the body.

        Raises:
            ValueError: if the model there is of another body, or the directory of another library
                has no tokenizer.
            FileNotFoundError: if the preset has no tokenizer.
        """
        directory = local_directory(preset)
        if directory is None or not is_foreign(directory):
            return super().from_preset(preset, **kwargs)
        # This module imports the tasks, which import this one.
        from mpnet_tf.models.converted_model import preprocessor_from

        preprocessor = preprocessor_from(read_foreign(directory), cls, **kwargs)
        if preprocessor is None:
            raise ValueError(
                f"`preset` must have a tokenizer. Received: preset={preset!r}, with none. Make one "
                f"from its vocabulary and pass it to `{cls.__name__}`."
            )
        return preprocessor

    @classmethod
    def _add_missing_kwargs(cls, loader, kwargs):
        """Completes the arguments where a preset has a tokenizer, but no preprocessor."""
        kwargs = super()._add_missing_kwargs(loader, kwargs)
        body_settings = {
            **loader.check_backbone_class().fixed_choices,
            **loader.config["config"],
        }
        return {**fitting_arguments(body_settings, kwargs["tokenizer"]), **kwargs}


def fitting_arguments(body_settings, tokenizer, longest=None):
    """Returns the arguments of a preprocessor that follow from its body and tokenizer.

    Args:
        body_settings: mapping. Arguments of `TransformerBackbone`.
        tokenizer: a tokenizer, or what its `settings` method gives.
        longest: int or None. Most tokens in a row; None means what the tokenizer says.

    Returns:
        dict with `sequence_length` and `has_segment_ids`.
    """
    # Not all kinds of tokenizers know of a length.
    longest = longest or getattr(tokenizer, "model_max_length", None) or _DEFAULT_SEQUENCE_LENGTH
    return {
        "sequence_length": min(longest, body_settings["max_sequence_length"]),
        "has_segment_ids": bool(body_settings["num_segments"]),
    }
