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
import itertools
from collections.abc import Iterable

import tensorflow as tf
import tensorflow_text

# The tables leave these private-use code points alone, where they remove all the others: the
# tokenizer puts them in place of special tokens and of overlong words.
FIRST_RESERVED_CODE_POINT = 0x10FF00
LAST_RESERVED_CODE_POINT = 0x10FFFD

# Stand-ins count up from here, in the order of the characters they replace.
FIRST_STAND_IN = 0x10F000

# Where Chinese characters are not split, they too need stand-ins, far more of them. The last two
# code points of a plane are no characters.
_FIRST_UNSPLIT_STAND_IN = 0xF0000
_UNSPLIT_STAND_INS = (range(_FIRST_UNSPLIT_STAND_IN, 0xFFFFE), range(0x100000, FIRST_STAND_IN))


class BertNormalizer:
    """Normalises UTF-8 strings as Hugging Face's `BertNormalizer` does, in the graph.

    The output differs from Hugging Face's in the spaces and stand-ins that the module describes.
    Code points `FIRST_RESERVED_CODE_POINT` to `LAST_RESERVED_CODE_POINT` pass unchanged.

    Args:
        lowercase: bool. Whether to lowercase the text.
        strip_accents: bool or None. Whether to strip the accents; None means only if the text is
            lowercased, as BERT does. Default None.
        split_chinese: bool. Whether each Chinese character is a word by itself. Default True.
    """

    def __init__(
        self, lowercase: bool, strip_accents: bool | None = None, split_chinese: bool = True
    ):
        self.lowercase = lowercase
        self.strip_accents = strips_accents(lowercase, strip_accents)
        self.split_chinese = split_chinese
        table = read_table(lowercase, strip_accents=strip_accents, split_chinese=split_chinese)
        self._normalizer = tensorflow_text.FastBertNormalizer(
            model_buffer=tf.io.decode_raw(table, tf.uint8)
        )

    def __call__(self, texts: tf.Tensor) -> tf.Tensor:
        """Normalises texts.

        Args:
            texts: string tensor of shape `(batch_size,)`, UTF-8. Bytes that are not pass unchanged.

        Returns:
            String tensor of shape `(batch_size,)`.
        """
        return self._normalizer.normalize(texts)

    def normalize_with_offsets(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.RaggedTensor]:
        """Normalises texts.

        Args:
            texts: string tensor of shape `(batch_size,)`, UTF-8.

        Returns:
            The normalised texts, and an int64 ragged tensor `(batch_size, None)` with the place in
            `texts` of each of their bytes and of their end. Where a character became several,
            all of their bytes come from its first byte.
        """
        return self._normalizer.normalize_with_offsets(texts)


def strips_accents(lowercase: bool, strip_accents: bool | None) -> bool:
    """Returns whether accents are stripped, which without an answer follows the case."""
    return lowercase if strip_accents is None else strip_accents


def table_name(lowercase: bool, *, strip_accents: bool | None, split_chinese: bool) -> str:
    """Returns the name of the file with the table for some settings of `BertNormalizer`."""
    accents = ""
    if strips_accents(lowercase, strip_accents) != lowercase:
        accents = "_accented" if lowercase else "_unaccented"
    chinese = "" if split_chinese else "_unsplit"
    return f"{'uncased' if lowercase else 'cased'}{accents}{chinese}.bin.gz"


def read_table(
    lowercase: bool, *, strip_accents: bool | None = None, split_chinese: bool = True
) -> bytes:
    """Returns the shipped table, a `FastBertNormalizerModel` flatbuffer."""
    name = table_name(lowercase, strip_accents=strip_accents, split_chinese=split_chinese)
    return gzip.decompress(_tables_folder().joinpath(name).read_bytes())


def stand_ins_name(split_chinese: bool) -> str:
    """Returns the name of the file that lists the characters with stand-ins."""
    return "stand_ins.txt" if split_chinese else "stand_ins_unsplit.txt"


def assign_stand_ins(codes: Iterable[int], *, split_chinese: bool) -> dict[int, str]:
    """Returns a stand-in for each code point, which must come in ascending order.

    Raises:
        ValueError: if there are more code points than stand-ins.
    """
    first_reserved = FIRST_RESERVED_CODE_POINT
    ranges = (range(FIRST_STAND_IN, first_reserved),) if split_chinese else _UNSPLIT_STAND_INS
    codes = list(codes)
    available = list(itertools.islice(itertools.chain(*ranges), len(codes)))
    if len(available) < len(codes):
        raise ValueError(f"There are {len(available)} stand-ins for {len(codes)} characters.")
    return {code: chr(mark) for code, mark in zip(codes, available, strict=True)}


@functools.cache
def stand_ins(split_chinese: bool = True) -> dict[int, str]:
    """Returns the stand-in of each code point that has one, as `str.translate` takes it."""
    codes: list[int] = []
    path = _tables_folder().joinpath(stand_ins_name(split_chinese))
    for line in path.read_text("ascii").splitlines():
        first, last = line.split("-")
        codes.extend(range(int(first, 16), int(last, 16) + 1))
    return assign_stand_ins(codes, split_chinese=split_chinese)


def first_stand_in(split_chinese: bool = True) -> str:
    """Returns the lowest character that only this package writes into normalised text."""
    return chr(FIRST_STAND_IN if split_chinese else _FIRST_UNSPLIT_STAND_IN)


def replace_by_stand_ins(token: str, split_chinese: bool = True) -> str:
    """Writes a vocabulary entry as it will appear in normalised text."""
    return token.translate(stand_ins(split_chinese))


def _tables_folder():
    return importlib.resources.files("mpnet_tf.data").joinpath("normalization_tables")
