"""Generates the normalisation tables of `mpnet_tf.data.bert_normalizer`.

Every code point is put through Hugging Face's `BertNormalizer` between two letters, and the result
is written as the flatbuffer that `tensorflow_text.FastBertNormalizer` reads:

    table FastBertNormalizerModel {
      lower_case_nfd_strip_accents: bool;
      trie_array: [uint32];
      data_for_codepoint_zero: int32;
      normalized_string_pool: [ubyte];
    }

The trie is a darts-clone double array over the UTF-8 bytes of the code points that change. A value
holds bit 30 ("changed"), the place of the replacement in the pool in the 24 bits from bit 6, and
its length in bytes in the low 6 bits.

Run it after an update of `tokenizers` or `tensorflow_text`:

    python -m data_prep.normalization_table --output=mpnet_tf/data/normalization_tables \
        --differences=docs/tokenizer_differences.md
"""

import gzip
import itertools
import pathlib
from collections.abc import Iterable, Mapping

import flatbuffers
import numpy as np
import tensorflow_text
import tokenizers
from absl import app, flags, logging

from data_prep import code_points, normalization_differences
from mpnet_tf.data import bert_normalizer

CHANGED = 1 << 30
LENGTH_BITS = 6

_OUTPUT = flags.DEFINE_string("output", None, "Folder for the tables and the list of stand-ins.")
_DIFFERENCES = flags.DEFINE_string(
    "differences", None, "Markdown file that lists what the tables cannot express."
)


def spaced_characters(normalized: Iterable[str]) -> set[str]:
    """Returns the characters that Hugging Face's pre-tokeniser makes words of their own.

    Args:
        normalized: texts that hold all the characters to look at.
    """
    characters = sorted(set().union(*normalized) - {" ", "a"})
    pieces = tokenizers.pre_tokenizers.BertPreTokenizer().pre_tokenize_str(
        f"a{'a'.join(characters)}a"
    )
    return {piece for piece, _ in pieces if len(piece) == 1} - {"a"}


def characters_needing_stand_ins(normalized: Iterable[str]) -> set[str]:
    """Returns the characters that TensorFlow Text splits off where Hugging Face does not.

    Args:
        normalized: replacements of code points, with a space on either side of what Hugging Face
            splits off.

    Raises:
        ValueError: if a character is a word by itself in one place and part of a word in another.
    """
    alone: set[str] = set()
    within_words: set[str] = set()
    for text in normalized:
        for word in f"a{text}b".split(" "):
            (alone if len(word) == 1 else within_words).update(word)
    candidates = sorted(within_words - {"a", "b"})
    wordpiece = tensorflow_text.FastWordpieceTokenizer(["[UNK]", "a", "b"])
    num_tokens = wordpiece.tokenize([f"a{character}b" for character in candidates]).row_lengths()
    needing = {candidates[index] for index in np.flatnonzero(num_tokens.numpy() > 1)}
    if needing & alone:
        raise ValueError(f"Characters that are words only in places: {sorted(needing & alone)}.")
    return needing


def build_table(normalized: Mapping[int, str], *, lowercase: bool) -> bytes:
    """Builds the flatbuffer that `tensorflow_text.FastBertNormalizer` reads.

    Args:
        normalized: replacement per code point; at most 63 bytes of UTF-8 each.
        lowercase: value of the flag stored beside the table; the op does not read it.
    """
    pool = bytearray()
    values: dict[bytes, int] = {}
    offsets: dict[str, int] = {}
    for code, text in sorted(normalized.items()):
        if text == chr(code):
            continue
        replacement = text.encode("utf-8")
        if len(replacement) >= 1 << LENGTH_BITS:
            raise ValueError(f"The replacement of U+{code:04X} is longer than 63 bytes: {text!r}.")
        if text not in offsets:
            offsets[text] = len(pool)
            pool += replacement
        values[chr(code).encode("utf-8")] = (
            CHANGED | offsets[text] << LENGTH_BITS | len(replacement)
        )
    # A double array cannot hold the empty C string.
    data_for_codepoint_zero = values.pop(b"\0", 0)
    keys = sorted(values)
    # Of the extra `tables`; nothing else needs it.
    import dartsclone

    trie = dartsclone.DoubleArray()
    trie.build(keys, values=[values[key] for key in keys])
    trie_array = np.frombuffer(trie.array(), dtype="<u4")
    return _serialize(
        trie_array,
        lowercase=lowercase,
        data_for_codepoint_zero=data_for_codepoint_zero,
        pool=np.frombuffer(bytes(pool), dtype=np.uint8),
    )


def _serialize(
    trie_array: np.ndarray, *, lowercase: bool, data_for_codepoint_zero: int, pool: np.ndarray
) -> bytes:
    builder = flatbuffers.Builder(trie_array.nbytes + pool.nbytes + 64)
    pool_offset = builder.CreateNumpyVector(pool)
    trie_offset = builder.CreateNumpyVector(trie_array)
    # Slots are the fields of the schema in their order.
    builder.StartObject(4)
    builder.PrependBoolSlot(0, lowercase, False)
    builder.PrependUOffsetTRelativeSlot(1, trie_offset, 0)
    builder.PrependInt32Slot(2, data_for_codepoint_zero, 0)
    builder.PrependUOffsetTRelativeSlot(3, pool_offset, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


def generate_tables() -> dict[str, bytes]:
    """Returns the content of each file in the folder of tables, by file name."""
    files = {}
    for split_chinese in (True, False):
        texts: set[str] = set()
        for lowercase, strip_accents in itertools.product((True, False), repeat=2):
            texts.update(
                code_points.normalized_code_points(
                    lowercase, strip_accents=strip_accents, split_chinese=split_chinese
                ).values()
            )
        spaces = spaces_around(texts)
        needing = sorted(characters_needing_stand_ins(text.translate(spaces) for text in texts))
        stand_ins = bert_normalizer.assign_stand_ins(map(ord, needing), split_chinese=split_chinese)
        lines = (f"{first:04X}-{last:04X}\n" for first, last in code_points.ranges(stand_ins))
        files[bert_normalizer.stand_ins_name(split_chinese)] = "".join(lines).encode("ascii")
        for lowercase, strip_accents in itertools.product((True, False), repeat=2):
            name = bert_normalizer.table_name(
                lowercase, strip_accents=strip_accents, split_chinese=split_chinese
            )
            table = table_for(
                lowercase,
                strip_accents=strip_accents,
                split_chinese=split_chinese,
                final_characters=spaces | stand_ins,
            )
            # Without a time stamp the same table always gives the same file.
            files[name] = gzip.compress(table, mtime=0)
    return files


def spaces_around(normalized: Iterable[str]) -> dict[int, str]:
    """Returns what sets words of one character apart, as `str.translate` takes it."""
    return {ord(character): f" {character} " for character in spaced_characters(normalized)}


def table_for(
    lowercase: bool,
    *,
    strip_accents: bool,
    split_chinese: bool,
    final_characters: Mapping[int, str],
) -> bytes:
    """Builds the table for some settings of `BertNormalizer`.

    Args:
        lowercase: as `BertNormalizer` takes it.
        strip_accents: likewise.
        split_chinese: likewise.
        final_characters: what `spaces_around` returns, and the stand-ins.
    """
    normalized = code_points.normalized_code_points(
        lowercase, strip_accents=strip_accents, split_chinese=split_chinese
    )
    replacements = {
        code: text.translate(final_characters)
        for code, text in normalized.items()
        if not is_reserved(code)
    }
    return build_table(replacements, lowercase=lowercase)


def is_reserved(code: int) -> bool:
    """Returns whether the tables must leave a code point alone for the tokenizer's own use."""
    first = bert_normalizer.FIRST_RESERVED_CODE_POINT
    return first <= code <= bert_normalizer.LAST_RESERVED_CODE_POINT


def main(argv: list[str]) -> None:
    """Writes the files named by the flags."""
    del argv
    folder = pathlib.Path(_OUTPUT.value)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in generate_tables().items():
        (folder / name).write_bytes(content)
        logging.info("Wrote %s, %d bytes.", folder / name, len(content))
    if _DIFFERENCES.value:
        page = normalization_differences.page()
        pathlib.Path(_DIFFERENCES.value).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    flags.mark_flag_as_required("output")
    app.run(main)
