"""The lines of text files, decoded one by one so that an error can name its line."""

import os
from collections.abc import Iterator


def read_lines(path: str | os.PathLike) -> Iterator[tuple[int, str]]:
    r"""Reads a UTF-8 file line by line; a byte order mark at its start is dropped.

    Only "\n" ends a line. Characters such as U+2028, at which `str.splitlines` breaks too, may
    stand in a text.

    Args:
        path: the file.

    Yields:
        The number of each line, from 1, and its text with the line end as it is in the file.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if a line is not UTF-8.
    """
    with open(path, "rb") as file:
        for line_number, line in enumerate(file, start=1):
            try:
                yield line_number, line.decode("utf-8-sig" if line_number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{path}, line {line_number}: not UTF-8 at byte {error.start} of the line. "
                    "Save the file as UTF-8."
                ) from error


def without_line_end(line: str) -> str:
    """Returns a line without the end that Unix or Windows put there."""
    return line.removesuffix("\n").removesuffix("\r")
