"""Tables in CSV and TSV files, one document a row."""

import csv
import io

from data_prep.readers.lines import read_line_blocks

# A quote that is never closed would otherwise collect the rest of the file.
_MAX_FIELD_CHARACTERS = 1 << 27


def read_csv(file, damage, field):
    """Yields one column of a CSV file as RFC 4180 has it, with a header.

    Values with commas, quotes or line breaks are quoted. Lines of blanks alone are passed over.

    Args:
        file: binary file object.
        damage: `FileDamage`.
        field: str. Name of the column with the text.

    Yields:
        str.

    Raises:
        ValueError: if the header cannot be read or has no such column, or has it twice.
    """
    # The limit is the whole process's: raised for good, not for a while.
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_FIELD_CHARACTERS))
    yield from _read_column(_quoted_rows(_read_lines(file, damage)), damage, field)


def read_tsv(file, damage, field):
    """Yields one column of a TSV file: one row a line, tabs between values, no quoting.

    Args, yields and raises as `read_csv` does.
    """
    rows = (
        (number, line.rstrip("\r\n").split("\t"))
        for number, line in enumerate(_read_lines(file, damage), start=1)
    )
    yield from _read_column(rows, damage, field)


def _read_lines(file, damage):
    for _, text, _ in read_line_blocks(file, damage):
        # Iterates over lines that end at a line feed alone, with their ends.
        yield from io.StringIO(text, newline="\n")


def _quoted_rows(lines):
    """Yields the number of each row's first line, and its values, or what is wrong with it."""
    # `strict` refuses text after a closing quote and a quote that is never closed.
    rows = csv.reader(lines, strict=True)
    while True:
        number = rows.line_num + 1
        try:
            yield number, next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, error


def _read_column(rows, damage, field):
    num_columns = None
    for number, values in rows:
        if isinstance(values, csv.Error):
            problem = f"not CSV ({values})"
            if num_columns is None:
                raise ValueError(f"{damage.path}, line {number}: {problem}. Mend the header.")
            damage.drop_malformed(f"line {number}", problem)
        elif not values or (num_columns != 1 and len(values) == 1 and not values[0].strip()):
            continue
        elif num_columns is None:
            num_columns, column = len(values), _find_column(values, damage.path, field)
        elif len(values) != num_columns:
            problem = f"{len(values)} values where the header has {num_columns}"
            damage.drop_malformed(f"line {number}", problem)
        elif damage.has_invalid_lines and not _is_utf8(values[column]):
            damage.drop_invalid_utf8()
        else:
            yield values[column]


def _find_column(names, path, field):
    if names.count(field) != 1:
        problem = "several columns" if field in names else "no column"
        raise ValueError(
            f"{path} has {problem} named {field!r}; its header is "
            f"{', '.join(map(repr, names))}. Name the column with the text by --json_field."
        )
    return names.index(field)


def _is_utf8(text):
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
