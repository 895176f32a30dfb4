"""What several heads require of their arguments, told the same way when it is not met."""

import numbers

import numpy as np
import tensorflow as tf


def positive_integer(name, value):
    """Returns an argument as an int.

    Args:
        name: str. The argument.
        value: int of Python or NumPy.

    Raises:
        ValueError: if it is no integer or not positive.
    """
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_integer or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
    return int(value)


def check_dropout(dropout):
    """Checks that something is left.

    Raises:
        ValueError: if not.
    """
    if not 0 <= dropout < 1:
        raise ValueError(f"`dropout` must be at least 0 and below 1. Received: dropout={dropout}")


def check_list_of_texts(name, texts):
    """Checks that an argument holds texts and is none itself.

    A text would be taken for the texts of its single characters.

    Args:
        name: str. The argument.
        texts: sequence of str.

    Raises:
        ValueError: if it is a text, or holds something else.
    """
    if isinstance(texts, (str, bytes)) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"`{name}` must be a list of texts. Received: {name}={str(texts)[:80]!r}")


def checked_texts(name, texts):
    """Returns texts of any kind as a list of str.

    Args:
        name: str. The argument.
        texts: str, list of str, or string tensor or array of rank 0 or 1.

    Raises:
        ValueError: if they are no such thing.
    """
    with tf.device("cpu"):
        try:
            strings = tf.convert_to_tensor(texts, tf.string).numpy()
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"`{name}` must be a string or a list of strings. Received: {name}={texts!r}"
            ) from error
    if np.ndim(strings) > 1:
        raise ValueError(
            f"`{name}` must have rank 0 or 1. Received: {name} of shape {strings.shape}"
        )
    return [text.decode("utf-8") for text in np.atleast_1d(strings)]
