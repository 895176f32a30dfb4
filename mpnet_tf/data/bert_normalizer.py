"""Hugging Face's BERT text normaliser as one TensorFlow op.

`tensorflow_text.FastBertNormalizer` maps each code point through a table. The tables shipped here
were generated from Hugging Face's `BertNormalizer` and `BertPreTokenizer` by
`data_prep.normalization_table`, so the op gives their text, not that of TensorFlow Text's own
table. They also do two things that let `FastWordpieceTokenizer`, which splits words by rules of
its own, find the words of Hugging Face's pre-tokeniser:

- every character that is a word by itself (punctuation, Chinese) stands between spaces;
- a character that only TensorFlow Text would split off is replaced by its *stand-in*, a
  private-use code point. Hugging Face removes all private-use code points from its input, so a
  stand-in can come from nowhere else. A vocabulary needs the same replacement: see
  `replace_by_stand_ins`.

What is left is listed in `docs/tokenizer_differences.md`.
"""

import functools
import gzip
import importlib.resources

import tensorflow as tf
import tensorflow_text

# The tables leave these private-use code points alone, where they remove all the others: the
# tokenizer puts them in place of special tokens and of overlong words.
FIRST_RESERVED_CODE_POINT = 0x10FF00
LAST_RESERVED_CODE_POINT = 0x10FFFD

# Stand-ins count up from here, in the order of the characters they replace.
FIRST_STAND_IN = 0x10F000


class BertNormalizer:
    """Normalises UTF-8 strings as Hugging Face's `BertNormalizer` does, in the graph.

    The output differs from Hugging Face's in the spaces and stand-ins that the module describes.
    Code points `FIRST_RESERVED_CODE_POINT` to `LAST_RESERVED_CODE_POINT` pass unchanged.

    Args:
        lowercase: bool. Whether to lowercase and strip accents; both or none, as BERT does.
    """

    def __init__(self, lowercase: bool):
        self.lowercase = lowercase
        table = tf.io.decode_raw(read_table(lowercase), tf.uint8)
        self._normalizer = tensorflow_text.FastBertNormalizer(model_buffer=table)

    def __call__(self, texts: tf.Tensor) -> tf.Tensor:
        """Normalises texts.

        Args:
            texts: string tensor of shape `(batch_size,)`, UTF-8. Bytes that are not pass unchanged.

        Returns:
            String tensor of shape `(batch_size,)`.
        """
        return self._normalizer.normalize(texts)


def read_table(lowercase: bool) -> bytes:
    """Returns the shipped table, a `FastBertNormalizerModel` flatbuffer."""
    name = "uncased.bin.gz" if lowercase else "cased.bin.gz"
    return gzip.decompress(_tables_folder().joinpath(name).read_bytes())


@functools.cache
def stand_ins() -> dict[int, str]:
    """Returns the stand-in of each code point that has one, as `str.translate` takes it."""
    codes: list[int] = []
    for line in _tables_folder().joinpath("stand_ins.txt").read_text("ascii").splitlines():
        first, last = line.split("-")
        codes.extend(range(int(first, 16), int(last, 16) + 1))
    return {code: chr(FIRST_STAND_IN + index) for index, code in enumerate(codes)}


def replace_by_stand_ins(token: str) -> str:
    """Writes a vocabulary entry as it will appear in normalised text."""
    return token.translate(stand_ins())


def _tables_folder():
    return importlib.resources.files("mpnet_tf.data").joinpath("normalization_tables")
