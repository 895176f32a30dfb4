"""A table of text values that knows where each row came from."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Table:
    """Columns of equal length.

    Args:
        source: what the table was read from, for messages.
        columns: the values of each column by its name.
        line_numbers: the line of `source` on which each row begins, from 1.
    """

    source: str
    columns: dict[str, list[str]]
    line_numbers: list[int]

    def place(self, row: int) -> str:
        """Tells where a row is, for the start of a message."""
        return f"{self.source}, line {self.line_numbers[row]}"


class MissingColumnError(ValueError):
    """A column that was asked for is not there.

    Args:
        source: what was read.
        column: name of the missing column.
        names: names of the columns that are there.
    """

    def __init__(self, source: str, column: str, names):
        super().__init__(
            f"{source}: no column {column!r}. The columns are "
            f"{', '.join(repr(name) for name in names)}: name one of these."
        )
        self.column = column
