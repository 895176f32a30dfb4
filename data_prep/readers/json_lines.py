"""JSON Lines files: on each line an object with the text of one document."""

import json

from data_prep.readers.lines import read_line_blocks


class _MalformedError(Exception):
    """A line that holds no document."""


def read_json_lines(file, damage, field):
    """Yields the text of each line's object; lines of blanks alone hold no document.

    Args:
        file: binary file object.
        damage: `FileDamage`.
        field: str. The field with the text; `a.b` is the field `b` of the object `a`, where there
            is no field of that name.

    Yields:
        str, which can be written as UTF-8.

    Raises:
        ValueError: if the first object has no such field, or the file is JSON, but not lines of it.
    """
    is_first = True
    for first_line, text, is_utf8 in read_line_blocks(file, damage):
        if not is_utf8:
            damage.drop_invalid_utf8()
            continue
        for number, line in enumerate(text.split("\n"), start=first_line):
            if not line or line.isspace():
                continue
            if is_first:
                _check_first_line(line, damage.path, field)
                is_first = False
            try:
                document = _parse_line(line, field)
            except _MalformedError as error:
                damage.drop_malformed(f"line {number}", error)
            else:
                yield document


def _check_first_line(line, path, field):
    """Refuses a file that is read in the wrong way; a damaged line is left to be counted."""
    if line.lstrip().startswith("[") or line.strip() == "{":
        raise ValueError(
            f"{path} is not JSON Lines but one JSON value on several lines; write one object a "
            "line, each with the text of one document."
        )
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return
    if isinstance(values, dict) and not _has_field(values, field):
        raise ValueError(f"{path}: {_missing_field(values, field)}")


def _parse_line(line, field):
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _MalformedError(f"not valid JSON ({error})") from None
    if not isinstance(values, dict):
        raise _MalformedError(f"must be a JSON object. Received: {type(values).__name__}")
    try:
        text = values[field]
    except KeyError:
        text = _nested_value(values, field)
    if not isinstance(text, str):
        raise _MalformedError(
            f"the field {field!r} must be a string. Received: {type(text).__name__}"
        )
    # JSON may escape half of a surrogate pair, which no UTF-8 text can hold.
    return text.encode("utf-8", "replace").decode("utf-8") if "\\u" in line else text


def _has_field(values, field):
    try:
        values[field] if field in values else _nested_value(values, field)
    except _MalformedError:
        return False
    return True


def _nested_value(values, field):
    value = values
    for name in field.split("."):
        if not isinstance(value, dict) or name not in value:
            raise _MalformedError(_missing_field(values, field))
        value = value[name]
    return value


def _missing_field(values, field):
    return (
        f"the object has no field {field!r}; it has {', '.join(values)}. "
        "Name the field with the text by --json_field."
    )
