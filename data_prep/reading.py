"""Reading documents from text files: `.txt` and `.jsonl`, plain or compressed with gzip."""

import codecs
import dataclasses
import glob
import gzip
import json
import os
import zlib

from absl import logging

EXTENSIONS = (".txt", ".txt.gz", ".jsonl", ".jsonl.gz")
INVALID_UTF8_POLICIES = ("skip", "refuse")

_MAX_WARNINGS_PER_FILE = 10


@dataclasses.dataclass
class ReadingReport:
    """What was read, counted while it is read.

    `documents` = documents handed on + the two `documents_dropped_...`, exactly.

    Args:
        files: int. Files read to their end.
        lines: int. Lines in them.
        lines_invalid_utf8: int. Lines left out because they are not UTF-8.
        documents: int. Documents found.
        documents_dropped_invalid_utf8: int. Documents of which no line was UTF-8.
        documents_dropped_empty: int. JSON objects whose text is empty.
    """

    files: int = 0
    lines: int = 0
    lines_invalid_utf8: int = 0
    documents: int = 0
    documents_dropped_invalid_utf8: int = 0
    documents_dropped_empty: int = 0


def find_files(patterns):
    """Finds the files that globs match.

    Args:
        patterns: iterable of str. File names or globs; `**` matches folders of any depth.

    Returns:
        List of str, sorted, each file once however many globs match it.

    Raises:
        ValueError: if a glob matches nothing, or a file is empty, a folder or of no known kind.
    """
    paths = {}
    for pattern in patterns:
        expanded = os.path.expanduser(pattern)
        # A name with brackets in it is a file's name first, a glob second.
        matches = [expanded] if os.path.exists(expanded) else glob.glob(expanded, recursive=True)
        if not matches:
            raise ValueError(f"No file matches {pattern!r}; check the path, and quote the glob.")
        for path in matches:
            _check_file(path)
            # Of several names for one file the first in order, whatever order globs came in.
            name = os.path.normpath(path)
            file = os.path.realpath(path)
            paths[file] = min(name, paths.get(file, name))
    return sorted(paths.values())


def read_documents(patterns, *, json_field="text", on_invalid_utf8="skip", report=None):
    """Yields the documents of text files, file by file in sorted order.

    In `.txt` an empty line, or one of blanks alone, ends a document; its lines stay separate
    lines. In `.jsonl` each line is an object with the text of one document.

    Args:
        patterns: iterable of str. File names or globs of `.txt`, `.txt.gz`, `.jsonl` and
            `.jsonl.gz` files.
        json_field: str. The field with the text in `.jsonl`.
        on_invalid_utf8: str. `"skip"` leaves out a line that is not UTF-8 with a warning;
            `"refuse"` raises.
        report: `ReadingReport` or None. Counts what is read, up to date after each document.

    Yields:
        str, one document, never blank.

    Raises:
        ValueError: if no file matches, a file is of no known kind, holds no document, is broken
            or, with `"refuse"`, not UTF-8; or a JSON line has no such field.
        OSError: if a file cannot be read.
    """
    if on_invalid_utf8 not in INVALID_UTF8_POLICIES:
        raise ValueError(
            f"`on_invalid_utf8` must be one of {', '.join(INVALID_UTF8_POLICIES)}. "
            f"Received: on_invalid_utf8={on_invalid_utf8!r}"
        )
    report = ReadingReport() if report is None else report
    for path in find_files(patterns):
        lines = _read_lines(path, refuse_invalid_utf8=on_invalid_utf8 == "refuse", report=report)
        if path.endswith((".jsonl", ".jsonl.gz")):
            documents = _split_json(lines, path, json_field=json_field, report=report)
        else:
            documents = _split_paragraphs(lines, report=report)
        is_empty = True
        for document in documents:
            is_empty = False
            yield document
        if is_empty:
            raise ValueError(f"{path} holds no document; leave it out of the input.")
        report.files += 1


def _check_file(path):
    if os.path.isdir(path):
        raise ValueError(
            f"{path} is a folder; give a glob of its files, such as {os.path.join(path, '*.txt')}"
        )
    if not path.endswith(EXTENSIONS):
        raise ValueError(
            f"{path} is of no known kind; the name must end in one of {', '.join(EXTENSIONS)}"
        )
    if os.path.getsize(path) == 0:
        raise ValueError(f"{path} is empty; leave it out of the input.")


def _read_lines(path, *, refuse_invalid_utf8, report):
    """Yields (line number from 1, line without its end, or None where it is not UTF-8)."""
    num_invalid = 0
    open_file = gzip.open if path.endswith(".gz") else open
    try:
        with open_file(path, "rb") as file:
            # Lines end at a line feed alone: text may hold any of the other characters that
            # Python takes for line ends.
            for number, data in enumerate(file, start=1):
                if number == 1:
                    data = data.removeprefix(codecs.BOM_UTF8)
                report.lines += 1
                try:
                    yield number, data.decode("utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    if refuse_invalid_utf8:
                        raise ValueError(
                            f"{_describe_invalid_line(path, number, error)}. Save the file as "
                            "UTF-8, or leave such lines out by --on_invalid_utf8=skip."
                        ) from None
                    report.lines_invalid_utf8 += 1
                    num_invalid += 1
                    if num_invalid <= _MAX_WARNINGS_PER_FILE:
                        logging.warning(
                            "%s; line skipped", _describe_invalid_line(path, number, error)
                        )
                    yield number, None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is a broken gzip file ({error}); make or copy it again."
        ) from None
    if num_invalid > _MAX_WARNINGS_PER_FILE:
        logging.warning("%s: %d lines that are not UTF-8 skipped in all", path, num_invalid)


def _describe_invalid_line(path, number, error):
    return f"{path}, line {number}: not UTF-8 (byte {error.object[error.start]:#04x})"


def _split_paragraphs(lines, *, report):
    """Yields documents separated by empty lines."""
    document, has_invalid_line = [], False
    for _, line in lines:
        if line is None:
            has_invalid_line = True
        elif line.strip():
            document.append(line)
        else:
            yield from _end_document(document, has_invalid_line, report=report)
            document, has_invalid_line = [], False
    yield from _end_document(document, has_invalid_line, report=report)


def _end_document(lines, has_invalid_line, *, report):
    if lines:
        report.documents += 1
        yield "\n".join(lines)
    elif has_invalid_line:
        report.documents += 1
        report.documents_dropped_invalid_utf8 += 1


def _split_json(lines, path, *, json_field, report):
    """Yields the text of each line's object; lines of blanks alone hold no document."""
    for number, line in lines:
        if line is None:
            report.documents += 1
            report.documents_dropped_invalid_utf8 += 1
            continue
        if not line.strip():
            continue
        text = _parse_json_line(line, f"{path}, line {number}", json_field=json_field)
        report.documents += 1
        if text.strip():
            yield text
        else:
            report.documents_dropped_empty += 1


def _parse_json_line(line, place, *, json_field):
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place}: not valid JSON ({error})") from None
    if not isinstance(values, dict):
        raise ValueError(f"{place}: must be a JSON object. Received: {type(values).__name__}")
    if json_field not in values:
        raise ValueError(
            f"{place}: the object has no field {json_field!r}; it has {', '.join(values)}. "
            "Name the field with the text by --json_field."
        )
    text = values[json_field]
    if not isinstance(text, str):
        raise ValueError(
            f"{place}: the field {json_field!r} must be a string. Received: {type(text).__name__}"
        )
    # JSON may escape half of a surrogate pair, which no UTF-8 text can hold.
    return text.encode("utf-8", "replace").decode("utf-8")
