"""Texts and what is to be written of each, such as articles and their summaries."""

import os
import pathlib
from collections.abc import Sequence

from mpnet_tf.finetuning.labelled_texts import LabelledTexts
from mpnet_tf.finetuning.table_files import read_labelled_texts
from mpnet_tf.finetuning.text_lines import read_lines, without_line_end

SOURCE_SUFFIX, TARGET_SUFFIX = ".source", ".target"


def read_sequence_pairs(
    path: str | os.PathLike,
    *,
    source: str = "source",
    target: str | None = "target",
    columns: Sequence[str] | None = None,
) -> LabelledTexts:
    """Reads pairs of a text and what is to be written of it.

    They come as two files of lines, `train.source` and `train.target`, as summarisation data do, or
    as a table that `read_table` reads.

    Args:
        path: the `.source` file, or the table.
        source: name of the table's column of texts. Default "source".
        target: name of its column of what is to be written; None where that is not known, and then
            no `.target` file is read either. Default "target".
        columns: names of all columns, where a table has no header.

    Returns:
        `LabelledTexts` with the targets as `pairs`.

    Raises:
        OSError: if a file cannot be read.
        ValueError: if a text is empty or not UTF-8, the files have different numbers of lines, or
            the table is damaged or lacks a column.
    """
    if pathlib.Path(path).suffix != SOURCE_SUFFIX:
        return read_labelled_texts(path, text=source, pair=target, columns=columns)
    target_path = pathlib.Path(path).with_suffix(TARGET_SUFFIX) if target is not None else None
    return read_parallel_texts(path, target_path)


def read_parallel_texts(
    source_path: str | os.PathLike, target_path: str | os.PathLike | None = None
) -> LabelledTexts:
    r"""Reads texts and targets from two files that have one a line, at the same lines.

    Only "\n" and "\r\n" end a line.

    Args:
        source_path: the texts.
        target_path: what is to be written of each; None where that is not known.

    Returns:
        `LabelledTexts` with the targets as `pairs`.

    Raises:
        OSError: if a file cannot be read.
        ValueError: if a line is empty or not UTF-8, there are none, or the files have different
            numbers of lines.
    """
    sources = _read_texts(source_path)
    targets = None if target_path is None else _read_texts(target_path)
    if targets is not None and len(targets) != len(sources):
        raise ValueError(
            f"{source_path} and {target_path} must have the same number of lines. Received: "
            f"{len(sources)} and {len(targets)}. A line break within a text makes two lines of it; "
            "a .jsonl table can hold such texts."
        )
    return LabelledTexts(sources, targets, labels=None, ids=None, source=str(source_path))


def _read_texts(path):
    texts = []
    for line_number, line in read_lines(path):
        text = without_line_end(line)
        if not text or text.isspace():
            raise ValueError(
                f"{path}, line {line_number}: the text is empty. Fill it in, or remove this line "
                "from both files."
            )
        texts.append(text)
    if not texts:
        raise ValueError(f"{path}: the file is empty. It must hold at least one text.")
    return tuple(texts)
