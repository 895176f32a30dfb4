"""Where in a text its tokens come from, through all that was done to the text before it was cut.

Each step from the text to its tokens has a function here that goes one step back. Spans are pairs
of tensors `first` and `last`, of shape `(num_tokens,)`: the first and the last byte of each token
in the *joined* texts of the batch, which are one sequence of bytes with a space after each text.
"""

from collections.abc import Mapping

import tensorflow as tf

from mpnet_tf.data import bert_normalizer

_SPACE = 0x20

# The bytes of the reserved characters in UTF-8 begin with these two; the third is at least this.
_RESERVED_BYTES = tuple(chr(bert_normalizer.FIRST_RESERVED_CODE_POINT).encode("utf-8")[:3])
_NUM_RESERVED = 256


def joined_starts(texts: tf.Tensor) -> tf.Tensor:
    """Returns where each text begins in the joined texts, int64 of shape `(batch_size,)`."""
    lengths = tf.cast(tf.strings.length(texts), tf.int64)
    return tf.cumsum(lengths + 1, exclusive=True)


def before_words_replaced(first, last, *, before: tf.Tensor, after: tf.Tensor):
    """Goes back over a replacement of whole words between spaces by other words.

    Args:
        first, last: the spans in `after`, each within a word and all of it where it was replaced.
        before: string tensor of shape `(batch_size,)`. The texts without the replacements.
        after: string tensor of shape `(batch_size,)`. The texts with them, with as many words.

    Returns:
        The spans in `before`.
    """

    def moved():
        starts_before, ends_before = _word_bounds(_joined_bytes(before))
        values = _joined_bytes(after)
        starts, ends = _word_bounds(values)
        word = tf.searchsorted(starts, first, side="right") - 1
        return (
            first + tf.gather(starts_before - starts, word),
            last + tf.gather(ends_before - ends, word),
        )

    # Hardly any batch holds a word to replace.
    is_replaced = tf.reduce_any(tf.not_equal(before, after))
    return tf.cond(is_replaced, moved, lambda: (first, last))


def before_tokens_replaced(first, last, *, after: tf.Tensor, token_lengths: Mapping[str, int]):
    """Goes back over `added_tokens.replace_normalized`.

    Args:
        first, last: the spans in `after`.
        after: string tensor of shape `(batch_size,)`. The texts with the replacements.
        token_lengths: how many bytes each reserved character stands for.

    Returns:
        The spans in the texts without the replacements.
    """
    values = _joined_bytes(after)
    starts, ends = _bounds_before(values, tf.ones_like(values), token_lengths)
    return tf.gather(starts, first), tf.gather(ends, last) - 1


def before_normalized(first, last, *, before: tf.Tensor, byte_offsets: tf.RaggedTensor):
    """Goes back over `BertNormalizer.normalize_with_offsets`.

    Args:
        first, last: the spans in the normalised texts.
        before: string tensor of shape `(batch_size,)`. The texts that were normalised.
        byte_offsets: what the normaliser gave besides the texts.

    Returns:
        The spans in `before`, where `last` may be any byte of the last character.
    """
    # A row has a value more than its text has bytes: it is as long as the text in the joined ones.
    rows = byte_offsets.value_rowids()
    places = byte_offsets.values + tf.gather(joined_starts(before), rows)
    return tf.gather(places, first), tf.gather(places, last)


def character_spans(first, last, *, rows, after: tf.Tensor, token_lengths: Mapping[str, int]):
    """Goes back over `added_tokens.replace_given`, and counts in characters of each text.

    Args:
        first, last: the spans in `after`.
        rows: int64 tensor `(num_tokens,)`. The text of each span.
        after: string tensor of shape `(batch_size,)`. The texts with the replacements.
        token_lengths: how many characters each reserved character stands for.

    Returns:
        int32 tensors `(num_tokens,)`: the first character (Unicode code point) of each span in its
        text, counted from 0, and the one after the last.
    """
    values = _joined_bytes(after)
    begins_character = tf.cast((values & 0xC0) != 0x80, tf.int32)
    starts, ends = _bounds_before(values, begins_character, token_lengths)
    text_starts = tf.gather(tf.gather(starts, joined_starts(after)), rows)
    return tf.gather(starts, first) - text_starts, tf.gather(ends, last) - text_starts


def _joined_bytes(texts):
    """Returns the bytes of the joined texts, int32 of shape `(num_bytes,)`."""
    joined = tf.strings.join([tf.strings.reduce_join(texts, separator=" "), " "])
    return tf.cast(tf.io.decode_raw(joined, tf.uint8), tf.int32)


def _shifted(values, shift, filler):
    """Returns for each value the one `shift` places after it, or before it where negative."""
    padding = tf.fill([abs(shift)], tf.constant(filler, values.dtype))
    if shift > 0:
        return tf.concat([values, padding], axis=0)[shift:]
    return tf.concat([padding, values], axis=0)[:shift]


def _word_bounds(values):
    """Returns the places of the first and the last bytes of all words, each int64 (num_words,)."""
    is_space = values == _SPACE
    starts = tf.where(~is_space & _shifted(is_space, -1, True))[:, 0]
    ends = tf.where(~is_space & _shifted(is_space, 1, True))[:, 0]
    return starts, ends


def _bounds_before(values, units, token_lengths):
    """Finds what each byte stands for in the text without reserved characters.

    Args:
        values: int32 tensor of shape `(num_bytes,)`. Joined bytes, in which each reserved character
            of `token_lengths` stands between two spaces of its own.
        units: int32 tensor of shape `(num_bytes,)`. What each byte counts that was there before.
        token_lengths: what each reserved character counts.

    Returns:
        int32 tensors of shape `(num_bytes,)`: the units before each byte, right for the first byte
        of a character, and those up to its end, right for every byte of a character that counts by
        its first.
    """
    lengths = [0] * _NUM_RESERVED
    for character, length in token_lengths.items():
        lengths[ord(character) - bert_normalizer.FIRST_RESERVED_CODE_POINT] = length
    first, second, least_third = _RESERVED_BYTES
    third, fourth = _shifted(values, 2, 0), _shifted(values, 3, 0)
    is_reserved = (values == first) & (_shifted(values, 1, 0) == second) & (third >= least_third)
    # Each of the last bytes holds six bits of the code point.
    index = (third % 4) * 64 + fourth % 64
    length = tf.where(is_reserved, tf.gather(tf.constant(lengths, tf.int32), index), 0)
    is_replaced = length > 0
    # Nothing stands for the rest of the character and for the spaces around it.
    is_added = tf.zeros_like(is_replaced)
    for shift in (1, -1, -2, -3, -4):
        is_added |= _shifted(is_replaced, shift, False)
    units = tf.where(is_replaced, length, tf.where(is_added, 0, units))
    ends = tf.cumsum(units)
    return ends - units, ends
