"""What a served model answers: one signature, described for those who ask and for TensorFlow."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

# How the names of signatures end that take rows of token ids.
TOKEN_IDS_SUFFIX = "_token_ids"


@dataclasses.dataclass(frozen=True)
class Input:
    """A named input of a signature.

    Args:
        dtype: `tf.DType`.
        shape: tuple of int or None. The batch comes first.
        description: str. What it is, in a line.
        example: list of two values, one for each of two rows.
        default: value of a row, or None. Where it is given, requests may leave the input out
            (by gRPC; of TensorFlow Serving from 2.14.1 on).
    """

    dtype: tf.DType
    shape: tuple
    description: str
    example: list
    default: Any = None


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function of named tensors that a SavedModel offers.

    Args:
        name: str.
        description: str. What it does, in a line.
        call: function from the inputs by name to a dict of tensors, in TensorFlow ops.
        inputs: mapping from names to `Input`.
        outputs: mapping from names to str: shape and meaning of each.
    """

    name: str
    description: str
    call: Callable[..., dict]
    inputs: Mapping[str, Input]
    outputs: Mapping[str, str]

    def example(self, num_rows=2):
        """Returns a dict of tensors with `num_rows` rows for the inputs."""
        return {
            name: tf.constant([given.example[row % 2] for row in range(num_rows)], given.dtype)
            for name, given in self.inputs.items()
        }

    def example_rows(self):
        """Returns the two example rows, each a dict of the inputs, as REST requests have them."""
        return [
            {name: given.example[row] for name, given in self.inputs.items()} for row in range(2)
        ]


def text_input(description, examples):
    """Makes an input of raw texts.

    Args:
        description: str. What the texts are.
        examples: list of two str.
    """
    return Input(tf.string, (None,), f"{description}; UTF-8", examples)


def option(dtype, description, *, default, example=None):
    """Makes an input of a number for each row that requests may leave out.

    Args:
        dtype: `tf.DType`.
        description: str. What the number is.
        default: what a row has that says nothing.
        example: a number for the examples; None for the default.
    """
    example = default if example is None else example
    return Input(dtype, (None,), description, [example, example], default)


def token_inputs(examples):
    """Makes the inputs of rows of token ids.

    Args:
        examples: dict of int32 tensors `(2, sequence_length)`.

    Returns:
        Mapping from names to `Input`.
    """
    descriptions = {
        "token_ids": "ids of the tokens, special ones included",
        "padding_mask": "1 for a token, 0 for padding",
        "segment_ids": "0 for the tokens of a first text, 1 for those of a second",
    }
    return {
        name: Input(tf.int32, (None, None), descriptions[name], examples[name].numpy().tolist())
        for name in descriptions
        if name in examples
    }
