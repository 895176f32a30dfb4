"""Reading lines of UTF-8 by large blocks, and one by one only where bytes are bad."""

import codecs

from data_prep.readers.damage import BrokenFileError

# What fits the processor's cache: larger blocks are read more slowly.
_BLOCK_BYTES = 1 << 18
_OTHER_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


def read_line_blocks(file, damage):
    """Yields the lines of a file, many at once.

    Lines end at a line feed alone: text may hold any of the other characters that Python takes for
    line ends. A byte order mark at the start is dropped.

    Args:
        file: binary file object.
        damage: `FileDamage`, which counts the lines and notes those that are not UTF-8.

    Yields:
        Number of the first line, from 1; str, whole lines, each with its end, also where the file's
        last has none; and whether they are UTF-8. A line that is not comes by itself, each bad byte
        as a surrogate (`surrogateescape`).

    Raises:
        BrokenFileError: if the file is UTF-16 or UTF-32 by its byte order mark. Most of its bytes
            are sound UTF-8, but neither its characters nor its line ends are where they seem to be.
    """
    number = 1
    for data in _read_whole_lines(file):
        if number == 1:
            if data.startswith(_OTHER_BYTE_ORDER_MARKS) and b"\0" in data:
                raise BrokenFileError("is UTF-16 or UTF-32 text (save it as UTF-8)")
            data = data.removeprefix(codecs.BOM_UTF8)
        num_lines = data.count(b"\n")
        damage.count_lines(num_lines)
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            yield from _decode_lines(data, number, damage)
        else:
            yield number, text, True
        number += num_lines


def _read_whole_lines(file):
    """Yields bytes that end with a line feed; of a broken file what lies before the break."""
    unfinished = []
    while data := file.read(_BLOCK_BYTES):
        end = data.rfind(b"\n") + 1
        if end:
            yield b"".join([*unfinished, data[:end]])
            unfinished = []
        if end < len(data):
            unfinished.append(data[end:])
    if unfinished:
        yield b"".join([*unfinished, b"\n"])


def _decode_lines(data, number, damage):
    """Yields as `read_line_blocks` does, bad lines by themselves, the others joined."""
    first, lines = number, []
    for line in data.split(b"\n")[:-1]:
        try:
            lines.append(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            if lines:
                yield first, "\n".join([*lines, ""]), True
            damage.note_invalid_line(number, error)
            yield number, line.decode("utf-8", "surrogateescape") + "\n", False
            first, lines = number + 1, []
        number += 1
    if lines:
        yield first, "\n".join([*lines, ""]), True
