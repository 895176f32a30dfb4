"""Tables of texts in TSV, CSV and JSON Lines files."""

import csv
import json
import os
import pathlib
from collections.abc import Sequence

from absl import logging

from mpnet_tf.finetuning.labelled_texts import (
    LabelledTexts,
    check_texts,
    labelled_texts_of_table,
)
from mpnet_tf.finetuning.table import MissingColumnError, Table
from mpnet_tf.finetuning.text_lines import read_lines, without_line_end

FILE_FORMATS = ("tsv", "csv", "jsonl")


def read_table(
    path: str | os.PathLike, *, columns: Sequence[str] | None = None
) -> dict[str, list[str]]:
    r"""Reads all columns of a table.

    A `.tsv` file has one row a line, values parted by tabs and no quoting, as GLUE writes it. A
    `.csv` file is read as RFC 4180 has it: values with commas, quotes or line breaks are quoted. A
    `.jsonl` file has one JSON object a line; its numbers are kept as they are written, its columns
    are the names in the first object. Blank lines are passed over.

    Args:
        path: the file.
        columns: names of the columns of a `.tsv` or `.csv` file that has no header.

    Returns:
        The values of each column by its name.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is of another kind, not UTF-8, damaged or has no rows; the message names
            the line.
    """
    return read_numbered_table(path, columns=columns).columns


def read_labelled_texts(
    path: str | os.PathLike,
    *,
    text: str,
    pair: str | None = None,
    label: str | None = None,
    id: str | None = None,
    columns: Sequence[str] | None = None,
    allow_empty: bool = False,
    known_labels: Sequence[str] | None = None,
    numeric_labels: bool = False,
) -> LabelledTexts:
    """Reads the examples of a task from a table that `read_table` reads.

    Args:
        path: the file. It may have further columns, which are not looked at.
        text, pair, label, id: names of the columns; see `LabelledTexts`.
        columns: names of all columns, where the file has no header.
        allow_empty, known_labels, numeric_labels: see `labelled_texts_of_table`.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is no such table, lacks a column, or a value is not as asked for.

    Example:

    ```python
    examples = read_labelled_texts("pairs.tsv", text="question", pair="answer", label="fits")
    ```
    """
    selected = [name for name in (text, pair, label, id) if name is not None]
    try:
        table = read_numbered_table(path, columns=columns, selected=selected)
    except MissingColumnError as error:
        if pair is not None and error.column == pair != text:
            raise ValueError(
                f"A pair task was given single sentences: {error} For those, name no column of "
                "pairs."
            ) from error
        raise
    return labelled_texts_of_table(
        table,
        text=text,
        pair=pair,
        label=label,
        id=id,
        allow_empty=allow_empty,
        known_labels=known_labels,
        numeric_labels=numeric_labels,
    )


def read_text_columns(
    path: str | os.PathLike, names: Sequence[str], *, columns: Sequence[str] | None = None
) -> tuple[tuple[str, ...], ...]:
    """Reads columns of texts that belong together row by row, such as triples.

    Args:
        path: a file that `read_table` reads. It may have further columns.
        names: the columns, such as ("anchor", "positive", "negative"), in the order in which
            `contrastive_batches` takes them.
        columns: names of all columns, where the file has no header.

    Returns:
        The texts of each column.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is no such table, lacks a column, or a text is empty or blank; the message
            names the line.
    """
    table = read_numbered_table(path, columns=columns, selected=names)
    for name in names:
        check_texts(table, name)
    return tuple(tuple(table.columns[name]) for name in names)


def read_numbered_table(
    path: str | os.PathLike,
    *,
    columns: Sequence[str] | None = None,
    selected: Sequence[str] | None = None,
    file_format: str | None = None,
    allow_further_values: bool = False,
    skip_short_rows: bool = False,
) -> Table:
    """Reads a table as `read_table` does, with the line of each row.

    Args:
        path: the file.
        columns: names of the columns where the file has no header.
        selected: names of the columns to return; None for all.
        file_format: one of `FILE_FORMATS`; None to go by the ending of `path`.
        allow_further_values: whether rows may be longer than the columns; what is beyond is
            dropped.
        skip_short_rows: whether rows that are too short are left out, and counted in the log,
            instead of being an error.

    Raises:
        OSError: if the file cannot be read.
        ValueError: as `read_table` says; `MissingColumnError` if a selected column is not there.
    """
    file_format = file_format or pathlib.Path(path).suffix.removeprefix(".").lower()
    if file_format not in FILE_FORMATS:
        raise ValueError(
            "`path` must end in .tsv, .csv or .jsonl, which tells how to read it. "
            f"Received: path={str(path)!r}"
        )
    if file_format == "jsonl" and columns is not None:
        raise ValueError(
            "`columns` must be None for JSON Lines, which name their columns themselves. "
            f"Received: columns={columns}"
        )
    if file_format == "jsonl":
        return _read_json_lines(path, selected)
    rows = {"tsv": _tab_separated_rows, "csv": _quoted_rows}[file_format](path)
    names = list(columns) if columns is not None else next(rows, (0, []))[1]
    if not names:
        raise _no_rows(path)
    _check_names(names, selected, path)
    rows = _whole_rows(rows, names, path, allow_further_values, skip_short_rows)
    return _take_columns(rows, names, names if selected is None else selected, path)


def _no_rows(path):
    return ValueError(f"{path}: there is no row of values. The file must hold at least one.")


def _tab_separated_rows(path):
    for line_number, line in read_lines(path):
        yield line_number, without_line_end(line).split("\t")


def _quoted_rows(path):
    # `strict` refuses text after a closing quote and a quote that is never closed.
    reader = csv.reader((line for _, line in read_lines(path)), strict=True)
    line_number = 1
    try:
        for values in reader:
            if values:
                yield line_number, values
            line_number = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {line_number}: not CSV ({error}). Put values with commas, quotes or "
            "line breaks in double quotes, double the quotes inside, or write a .jsonl file."
        ) from error


def _check_names(names, selected, path):
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise ValueError(
            f"{path}: several columns have the name {duplicates[0]!r}. Give each its own name; "
            "for a file without a header name them by `columns`."
        )
    for name in selected or ():
        if name not in names:
            raise MissingColumnError(str(path), name, names)


def _whole_rows(rows, names, path, allow_further_values, skip_short_rows):
    short_lines = []
    for line_number, values in rows:
        if values == [""] and len(names) > 1:
            continue
        if len(values) < len(names) and skip_short_rows:
            short_lines.append(line_number)
        elif len(values) < len(names) or (len(values) > len(names) and not allow_further_values):
            raise ValueError(
                f"{path}, line {line_number}: {len(values)} values where the {len(names)} columns "
                f"{', '.join(names)} are expected. Mend or remove the row."
            )
        else:
            yield line_number, values
    if short_lines:
        logging.warning(
            "%s: left out %d rows with too few values, the first in line %d.",
            path,
            len(short_lines),
            short_lines[0],
        )


def _take_columns(rows, names, selected, path):
    columns = {name: [] for name in selected}
    targets = [(names.index(name), column) for name, column in columns.items()]
    line_numbers = []
    for line_number, values in rows:
        line_numbers.append(line_number)
        for index, column in targets:
            column.append(values[index])
    if not line_numbers:
        raise _no_rows(path)
    return Table(source=str(path), columns=columns, line_numbers=line_numbers)


def _read_json_lines(path, selected):
    columns = None
    line_numbers = []
    for line_number, line in read_lines(path):
        if not line.strip():
            continue
        place = f"{path}, line {line_number}"
        values = _json_object(line, place)
        if columns is None:
            columns = {name: [] for name in (values if selected is None else selected)}
        for name, column in columns.items():
            if name not in values:
                raise MissingColumnError(place, name, values)
            column.append(_value_as_text(values[name], name, place))
        line_numbers.append(line_number)
    if not line_numbers:
        raise _no_rows(path)
    return Table(source=str(path), columns=columns, line_numbers=line_numbers)


def _json_object(line, place):
    try:
        value = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
    except ValueError as error:
        raise ValueError(f"{place}: not JSON: {error}. Write one object a line.") from error
    if not isinstance(value, dict):
        raise ValueError(f"{place}: must be a JSON object, {{...}}. Received: {line.strip()[:80]}")
    return value


def _value_as_text(value, name, place):
    if isinstance(value, bool):
        return json.dumps(value)
    if not isinstance(value, str):
        raise ValueError(
            f"{place}: {name!r} must be a string, a number or a boolean. "
            f"Received: {json.dumps(value)[:80]}"
        )
    return value
