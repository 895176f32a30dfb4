"""Packs texts and pairs of texts into rows of token ids."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TextPacker(keras.layers.Layer):
    """Turns texts, or pairs of texts, into padded rows of token ids.

    A text A becomes `<s> A </s>`, a pair `<s> A </s></s> B </s>`, or with BERT's tokens `[CLS] A
    [SEP]` and `[CLS] A [SEP] B [SEP]`. What is too long is cut at the end as Hugging Face does with
    `truncation=True`: of a pair the longer text, until both are as long; then, if an odd number of
    tokens is left, the longer one keeps one token more, and of equally long ones the second.

    All work is done by core TensorFlow ops besides the tokenizer's, in eager calls, in `tf.data`
    and in a SavedModel alike.

    Args:
        tokenizer: `TransformerTokenizer`.
        sequence_length: int. Length of a row, special tokens included. Default 512.
        pair_separators: int or None. How many end tokens stand between the texts of a pair; None
            means what the tokenizer says. Default None.
        has_segment_ids: bool or None. Whether to make `segment_ids`; None means what the tokenizer
            says. Default None.

    Call arguments:
        inputs: string tensor of shape `(batch_size,)` or list of str; or, for pairs, a tuple of two
            of them of the same length.

    Returns:
        Dict of int32 tensors of shape `(batch_size, sequence_length)`: `token_ids`; `padding_mask`,
        1 for tokens and 0 for padding; and, if asked for, `segment_ids`, 1 for the second text and
        the end token after it, 0 for all else.

    Raises:
        ValueError: if a number is out of its range, if the row is too short for the special
            tokens, or if the inputs are neither texts nor a pair.

    Example:

    >>> tokenizer = MPNetTokenizer(["<s>", "<pad>", "</s>", "[UNK]", "a", "b", "<mask>"])
    >>> packer = TextPacker(tokenizer, sequence_length=8)
    >>> packer((["a b"], ["a"]))["token_ids"].numpy().tolist()
    [[0, 4, 5, 2, 2, 4, 2, 1]]
    """

    def __init__(
        self, tokenizer, sequence_length=512, pair_separators=None, has_segment_ids=None, **kwargs
    ):
        super().__init__(**kwargs)
        # Strings are no arrays of numbers, and are given as Python has them, too.
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        if sequence_length < 2:
            raise ValueError(
                "`sequence_length` must be at least 2, for the special tokens. "
                f"Received: sequence_length={sequence_length}"
            )
        if pair_separators is not None and pair_separators < 1:
            raise ValueError(
                f"`pair_separators` must be at least 1. Received: pair_separators={pair_separators}"
            )
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length
        self._given_pair_separators = pair_separators
        self._given_has_segment_ids = has_segment_ids
        self.built = True

    @property
    def pair_separators(self):
        """How many end tokens stand between the texts of a pair."""
        given = self._given_pair_separators
        return self.tokenizer.pair_separators if given is None else given

    @property
    def has_segment_ids(self):
        """Whether `segment_ids` are made."""
        given = self._given_has_segment_ids
        return self.tokenizer.has_segment_ids if given is None else given

    def text_room(self, is_pair):
        """Returns how many tokens of a text, or of both texts of a pair, a row holds.

        Args:
            is_pair: bool.

        Raises:
            ValueError: if a row is too short for the special tokens of a pair.
        """
        num_special = 2 + (self.pair_separators if is_pair else 0)
        if self.sequence_length < num_special:
            raise ValueError(
                f"`sequence_length` must be at least {num_special} for pairs. "
                f"Received: sequence_length={self.sequence_length}"
            )
        return self.sequence_length - num_special

    def call(self, inputs):
        """Packs texts or pairs of texts."""
        with tf.device("cpu"):
            if not isinstance(inputs, tuple):
                return self._pack(self._tokenize(inputs))
            if len(inputs) != 2:
                raise ValueError(
                    "`inputs` must be texts or a tuple of two for pairs. "
                    f"Received: a tuple of {len(inputs)}"
                )
            return self._pack(*map(self._tokenize, inputs))

    def _tokenize(self, texts):
        texts = tf.convert_to_tensor(texts, tf.string)
        if texts.shape.rank != 1:
            raise ValueError(
                "`inputs` must be texts of shape (batch_size,) or a tuple of two such. "
                f"Received: shape={texts.shape}"
            )
        return self.tokenizer(texts)

    def _pack(self, first, second=None):
        room = self.text_room(second is not None)
        first_lengths = tf.cast(first.row_lengths(), tf.int32)
        if second is None:
            first_lengths = tf.minimum(first_lengths, room)
            ends = first_lengths + 2
        else:
            second_lengths = tf.cast(second.row_lengths(), tf.int32)
            tf.debugging.assert_equal(
                tf.size(first_lengths),
                tf.size(second_lengths),
                message="The texts of pairs must be as many on either side.",
            )
            first_lengths, second_lengths = kept_lengths(first_lengths, second_lengths, room)
            second_starts = first_lengths + 1 + self.pair_separators
            ends = second_starts + second_lengths + 1
        positions = tf.range(self.sequence_length)[tf.newaxis]
        # Each (batch_size, sequence_length) from here on.
        is_token = positions < ends[:, tf.newaxis]
        token_ids = tf.where(is_token, self.tokenizer.end_token_id, self.tokenizer.pad_token_id)
        token_ids = tf.where(positions == 0, self.tokenizer.start_token_id, token_ids)
        token_ids = _put(token_ids, first, tf.ones_like(first_lengths), first_lengths)
        segment_ids = tf.zeros_like(token_ids)
        if second is not None:
            token_ids = _put(token_ids, second, second_starts, second_lengths)
            is_second = is_token & (positions >= second_starts[:, tf.newaxis])
            segment_ids = tf.cast(is_second, tf.int32)
        packed = {"token_ids": token_ids, "padding_mask": tf.cast(is_token, tf.int32)}
        if self.has_segment_ids:
            packed["segment_ids"] = segment_ids
        return packed

    def compute_output_spec(self, inputs):
        """Returns the shapes and dtypes of what a call returns."""
        first = inputs[0] if isinstance(inputs, tuple) else inputs
        names = ["token_ids", "padding_mask", *(["segment_ids"] if self.has_segment_ids else [])]
        shape = (first.shape[0], self.sequence_length)
        return {name: keras.KerasTensor(shape, dtype="int32") for name in names}

    def get_config(self):
        """Returns the configuration; the tokenizer's vocabulary is not part of it."""
        config = super().get_config()
        config.update(
            {
                "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
                "sequence_length": self.sequence_length,
                "pair_separators": self._given_pair_separators,
                "has_segment_ids": self._given_has_segment_ids,
            }
        )
        return config

    @classmethod
    def from_config(cls, config):
        """Makes the layer again; its tokenizer waits for a vocabulary."""
        config = dict(config)
        config["tokenizer"] = keras.saving.deserialize_keras_object(config["tokenizer"])
        return cls(**config)


def kept_lengths(first_lengths, second_lengths, room):
    """Returns how many tokens of each text of a pair are kept.

    The shorter text keeps at most half of the room and the longer one the rest: what is left after
    taking off one token at a time from the longer.

    Args:
        first_lengths: int32 tensor of shape `(batch_size,)`. Tokens of the first texts.
        second_lengths: int32 tensor of shape `(batch_size,)`. Tokens of the second texts.
        room: int. Most tokens to keep of both.

    Returns:
        Tuple of two int32 tensors of shape `(batch_size,)`.
    """
    first_is_shorter = first_lengths <= second_lengths
    shorter = tf.minimum(tf.minimum(first_lengths, second_lengths), room // 2)
    longer = tf.minimum(tf.maximum(first_lengths, second_lengths), room - shorter)
    return (
        tf.where(first_is_shorter, shorter, longer),
        tf.where(first_is_shorter, longer, shorter),
    )


def _put(token_ids, ragged, starts, lengths):
    """Writes the first tokens of ragged rows into rows, each from its own place on.

    Args:
        token_ids: int32 tensor of shape `(batch_size, sequence_length)`.
        ragged: int32 ragged tensor of shape `(batch_size, None)`.
        starts: int32 tensor of shape `(batch_size,)`. Where to begin.
        lengths: int32 tensor of shape `(batch_size,)`. How many tokens to write.

    Returns:
        int32 tensor of shape `(batch_size, sequence_length)`.
    """
    offsets = tf.range(tf.shape(token_ids)[1])[tf.newaxis] - starts[:, tf.newaxis]
    is_written = (offsets >= 0) & (offsets < lengths[:, tf.newaxis])
    # One token more, so that there is something to look at where all texts are empty.
    values = tf.concat([ragged.values, [0]], axis=0)
    places = tf.cast(ragged.row_starts(), tf.int32)[:, tf.newaxis] + offsets
    return tf.where(is_written, tf.gather(values, tf.where(is_written, places, 0)), token_ids)
