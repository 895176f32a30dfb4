"""Raw text as requests bring it."""

import tensorflow as tf


def valid_text(text):
    """Replaces what is no UTF-8, so that one bad text does not fail those that came with it.

    Args:
        text: string tensor of any shape.

    Returns:
        String tensor of this shape: valid text as it was, U+FFFD in the place of bad bytes.
    """
    return tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")


def for_each_row(values, rows):
    """Gives an option a value for each row.

    Args:
        values: tensor `(batch_size,)`, or `(1,)` where a request leaves the option out.
        rows: tensor with the batch first.
    """
    return tf.broadcast_to(values, tf.shape(rows)[:1])
