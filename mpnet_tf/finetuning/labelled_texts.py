"""Texts or pairs of texts with their labels: what a task is trained and measured on."""

import dataclasses
import math
from collections.abc import Sequence

from mpnet_tf.finetuning.table import Table


@dataclasses.dataclass(frozen=True)
class LabelledTexts:
    """Examples of a text task, field by field.

    Args:
        texts: the text of each example, or the first of its two.
        pairs: the second text of each; None for a task on single texts.
        labels: a class's name (str) or a score (float) for each; None where they are not known.
        ids: what the source calls each; None where it has no names.
        source: what they were read from, for messages.

    Raises:
        ValueError: if the fields have different lengths.
    """

    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None
    labels: tuple[str | float, ...] | None
    ids: tuple[str, ...] | None
    source: str

    def __post_init__(self):
        for name in ("pairs", "labels", "ids"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.texts):
                raise ValueError(
                    f"`{name}` must have one entry for each of the {len(self.texts)} texts. "
                    f"Received: {name} of length {len(values)}"
                )

    def __len__(self):
        return len(self.texts)


def labelled_texts_of_table(
    table: Table,
    *,
    text: str,
    pair: str | None = None,
    label: str | None = None,
    id: str | None = None,
    allow_empty: bool = False,
    known_labels: Sequence[str] | None = None,
    numeric_labels: bool = False,
) -> LabelledTexts:
    """Takes the columns of a table that make examples, and checks their values.

    Args:
        table: has the columns named here.
        text, pair, label, id: names of the columns with the fields of `LabelledTexts`; None for a
            field that stays None.
        allow_empty: whether a text may be empty or blank.
        known_labels: all names that a label may have; None allows any but the empty one.
        numeric_labels: whether labels are numbers, which become floats.

    Raises:
        ValueError: if a value is not as asked for; the message names its line.
    """
    columns = table.columns
    if not allow_empty:
        for column in filter(None, (text, pair)):
            check_texts(table, column, remedy=" (in Python, `allow_empty=True` takes them)")
    labels = None
    if label is not None and numeric_labels:
        labels = tuple(_finite_number(table, label, row) for row in range(len(columns[label])))
    elif label is not None:
        _check_labels(table, label, known_labels)
        labels = tuple(columns[label])
    return LabelledTexts(
        texts=tuple(columns[text]),
        pairs=None if pair is None else tuple(columns[pair]),
        labels=labels,
        ids=None if id is None else tuple(columns[id]),
        source=table.source,
    )


def check_texts(table: Table, column: str, *, remedy: str = "") -> None:
    """Checks that no text of a column is empty or blank.

    Args:
        table: has the column.
        column: its name.
        remedy: what else may be done than to mend the row, for the message.

    Raises:
        ValueError: if one is; the message names its line.
    """
    for row, text in enumerate(table.columns[column]):
        if not text or text.isspace():
            raise ValueError(
                f"{table.place(row)}: {column!r} is empty. Fill it in or remove the row{remedy}."
            )


def _check_labels(table, column, known_labels):
    for row, label in enumerate(table.columns[column]):
        if known_labels is None and not label:
            raise ValueError(
                f"{table.place(row)}: the label in {column!r} is empty. Fill it in or remove the "
                "row."
            )
        if known_labels is not None and label not in known_labels:
            raise ValueError(
                f"{table.place(row)}: unknown label {label!r} in {column!r}. It must be one of "
                f"{', '.join(known_labels)}."
            )


def _finite_number(table, column, row):
    text = table.columns[column][row]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(
            f"{table.place(row)}: the label in {column!r} must be a finite number. "
            f"Received: {text!r}"
        )
    return number
