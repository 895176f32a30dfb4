"""JSON files of a checkpoint directory."""

import json


def read_json(path, kind=dict):
    """Reads a JSON file.

    Args:
        path: str.
        kind: `dict` or `list`. What the file must hold.

    Returns:
        `kind`.

    Raises:
        ValueError: if the file is not there, or holds something else.
    """
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if not isinstance(value, kind):
        name = {dict: "object", list: "list"}[kind]
        raise ValueError(f"{path} must hold a JSON {name}.")
    return value


def write_json(value, path):
    """Writes a JSON file for people to read, too."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.write("\n")
