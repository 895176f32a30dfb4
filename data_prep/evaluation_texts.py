"""The texts in files of evaluation data, whatever their layout."""

import csv
import io
import json

from data_prep.filesystem import open_for_reading

_KINDS = (".txt", ".tsv", ".csv", ".json", ".jsonl")
# Contexts of questions may be long, and a quote that is never closed collects the rest of the file.
_MAX_FIELD_CHARACTERS = 1 << 27


def read_evaluation_texts(path):
    r"""Reads all that may be a text in a file: of GLUE, SQuAD, the STS benchmark or any other.

    Each line of `.txt`, cell of `.tsv` and `.csv`, and string of `.json` and `.jsonl` is one,
    unless it is a single ASCII word: a label, a number or a name. Names of columns do no harm, so
    it does not matter whether there is a header, nor which columns hold the texts.

    A `.tsv` file has no quoting, as GLUE writes it. A `.csv` file is read likewise if its first
    line has a tab, as the STS benchmark's have, and otherwise as RFC 4180 has it. A `.json` file
    holds one value, or one a line.

    Args:
        path: str. A path that `filesystem` can open.

    Returns:
        List of str, in the order of the file.

    Raises:
        ValueError: if the file is of no such kind, broken, or without a text.
        OSError: if it cannot be read.
    """
    with open_for_reading(path) as file:
        content = file.read()
    try:
        content = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 ({error}); save it as UTF-8.") from None
    texts = [value for value in _values(path, content) if _may_be_text(value)]
    if not texts:
        raise ValueError(f"{path} holds no text to look for in documents; leave it out.")
    return texts


def _may_be_text(value):
    # Scripts that put no spaces between words are not ASCII.
    return len(value.split()) > 1 or not value.isascii()


def _values(path, content):
    if path.endswith(".txt"):
        return content.split("\n")
    if path.endswith(".tsv"):
        return _unquoted_cells(content)
    if path.endswith(".csv"):
        first_line, _, _ = content.partition("\n")
        return _unquoted_cells(content) if "\t" in first_line else _quoted_cells(path, content)
    if path.endswith((".json", ".jsonl")):
        return _strings(_json_values(path, content))
    raise ValueError(
        f"{path} is of no known kind of evaluation file; its name must end in one of "
        f"{', '.join(_KINDS)}."
    )


def _unquoted_cells(content):
    return content.replace("\n", "\t").split("\t")


def _quoted_cells(path, content):
    # The limit is the whole process's: raised for good, not for a while.
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_FIELD_CHARACTERS))
    rows = csv.reader(io.StringIO(content, newline=""), strict=True)
    try:
        return [cell for row in rows for cell in row]
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {rows.line_num}: not CSV ({error}). Put values with commas, quotes or "
            "line breaks in double quotes, and double the quotes inside."
        ) from None


def _json_values(path, content):
    if path.endswith(".json"):
        try:
            return [json.loads(content)]
        except json.JSONDecodeError as error:
            # Another value after the first: there is one a line.
            if error.msg != "Extra data":
                raise ValueError(f"{path} is not JSON ({error}).") from None
    values = []
    for number, line in enumerate(content.split("\n"), start=1):
        try:
            values += [json.loads(line)] if line.strip() else []
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {number}: not JSON ({error}).") from None
    return values


def _strings(value):
    """Yields all strings in a JSON value but the names of members."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)
