"""Sentences with a label on each word, in the column files of the CoNLL shared tasks."""

import dataclasses
import os
import re

from mpnet_tf.finetuning.text_lines import read_lines, without_line_end

_DOCUMENT_START = "-DOCSTART-"
_LABEL = re.compile(r"O|[BIES]-.+")


@dataclasses.dataclass(frozen=True)
class TaggedSentence:
    """A sentence and its labels.

    Args:
        words: its words.
        labels: the label of each word.
        line: the line of the file on which it begins, from 1.
    """

    words: tuple[str, ...]
    labels: tuple[str, ...]
    line: int


def check_entity_label(label: str, place: str) -> None:
    """Checks that a label marks entities.

    Args:
        label: "O" outside of entities; inside "B-", "I-", "E-" or "S-" and the entity's type.
        place: where the label is, for the message.

    Raises:
        ValueError: if not.
    """
    if not _LABEL.fullmatch(label):
        raise ValueError(
            f"{place}: a label must be O or B-, I-, E- or S- and a type. Received: {label!r}. "
            "Check the label column."
        )


def read_conll(
    path: str | os.PathLike, *, word_column: int = 0, label_column: int = -1
) -> tuple[TaggedSentence, ...]:
    """Reads a file with one word and its columns a line and a blank line after each sentence.

    Columns are parted by a tab, or in lines without tabs by spaces. Lines that begin a document
    (`-DOCSTART-`) are passed over. Labels may be in any of the schemes BIO, IOB1 and BIOES, and
    stay as they are.

    Args:
        path: the file.
        word_column: index of the words' column; below 0 from the last. Default 0.
        label_column: index of the labels' column. Default -1.

    Returns:
        The sentences in the file's order.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is not UTF-8, holds no sentence, or a line lacks a column, has another
            number of columns than the first or a label of no such scheme; the message names it.

    References:
        [CoNLL-2003](https://aclanthology.org/W03-0419/), section 2.
    """
    sentences = []
    rows = []
    num_columns = None
    for line_number, line in read_lines(path):
        values = _columns(line)
        if values and values[0] != _DOCUMENT_START:
            place = f"{path}, line {line_number}"
            num_columns = num_columns or len(values)
            _check_columns(values, num_columns, (word_column, label_column), place)
            check_entity_label(values[label_column], place)
            rows.append((line_number, values[word_column], values[label_column]))
        elif rows:
            sentences.append(_sentence(rows))
            rows = []
    if rows:
        sentences.append(_sentence(rows))
    if not sentences:
        raise ValueError(f"{path}: the file has no sentences.")
    return tuple(sentences)


def _columns(line):
    # Not split() without an argument: it also parts at characters that may stand in words, such as
    # the no-break space.
    line = without_line_end(line)
    if not line.strip(" \t"):
        return []
    return line.split("\t") if "\t" in line else re.split(" +", line.strip(" "))


def _check_columns(values, num_columns, wanted, place):
    if len(values) != num_columns:
        raise ValueError(
            f"{place}: {len(values)} columns where the lines before have {num_columns}. Mend the "
            "line."
        )
    if not all(-num_columns <= column < num_columns for column in wanted):
        raise ValueError(
            f"{place}: {num_columns} columns, which lack `word_column` or `label_column`. "
            f"Received: word_column={wanted[0]}, label_column={wanted[1]}"
        )
    if wanted[0] % num_columns == wanted[1] % num_columns:
        raise ValueError(
            f"{place}: `word_column` and `label_column` must be two columns of the {num_columns}. "
            f"Received: word_column={wanted[0]}, label_column={wanted[1]}"
        )
    if not values[wanted[0]]:
        raise ValueError(f"{place}: the word is empty. Mend or remove the line.")


def _sentence(rows):
    lines, words, labels = zip(*rows, strict=True)
    return TaggedSentence(words=words, labels=labels, line=lines[0])
