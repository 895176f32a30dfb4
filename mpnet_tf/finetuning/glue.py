"""Reading GLUE's task folders and writing the files that its server scores."""

import math
import numbers
import os
import pathlib
from collections.abc import Sequence

from mpnet_tf.finetuning.glue_tasks import GLUE_TASKS, GlueFile, GlueTask
from mpnet_tf.finetuning.labelled_texts import LabelledTexts, labelled_texts_of_table
from mpnet_tf.finetuning.table import Table
from mpnet_tf.finetuning.table_files import read_numbered_table

__all__ = ["GLUE_TASKS", "GlueFile", "GlueTask", "glue_task", "read_glue", "write_submission"]


def glue_task(task_name: str) -> GlueTask:
    """Returns a task by its name.

    Raises:
        ValueError: if GLUE has no such task.
    """
    if task_name not in GLUE_TASKS:
        raise ValueError(
            f"`task_name` must be one of {', '.join(GLUE_TASKS)}. Received: task_name={task_name!r}"
        )
    return GLUE_TASKS[task_name]


def read_glue(task_name: str, directory: str | os.PathLike, split: str) -> LabelledTexts:
    """Reads a split of a GLUE task.

    Texts are as the files have them; a few of QQP's questions are empty, and stay. For STS-B and
    MRPC the files of the original corpora are read where GLUE's own are not there.

    Args:
        task_name: a key of `GLUE_TASKS`.
        directory: the task's folder, as GLUE's download has it.
        split: "train", "dev" or "test"; "ax" has only the last.

    Returns:
        `LabelledTexts`. Labels are the names in the task's `labels`, or floats for regression; None
        where the file has none, as GLUE's test files.

    Raises:
        OSError: if a file cannot be read.
        ValueError: if there is no such task or split, the folder has no file of it, or a row is
            damaged or has an unknown label; the message names its line.

    References:
        [GLUE](https://arxiv.org/abs/1804.07461), table 1.
    """
    task = glue_task(task_name)
    if split not in task.splits:
        raise ValueError(
            f"`split` must be one of {', '.join(task.splits)} for the task {task_name}. "
            f"Received: split={split!r}"
        )
    directory = pathlib.Path(directory)
    file = _file_of_split(task, directory, split)
    table = _read_file(file, directory)
    numeric = task.kind == "regression"
    examples = labelled_texts_of_table(
        table,
        text=file.text,
        pair=file.pair,
        label=file.label,
        id=file.id,
        allow_empty=True,
        known_labels=None if numeric else task.labels,
        numeric_labels=numeric,
    )
    if numeric and examples.labels is not None:
        _check_scores(table, examples.labels, task)
    return examples


def write_submission(
    task_name: str, predictions: Sequence[str | float], path_directory: str | os.PathLike
) -> pathlib.Path:
    """Writes the predictions for a task's test split as GLUE's server takes them.

    Args:
        task_name: a key of `GLUE_TASKS`.
        predictions: for each example in the order of the test file one of the task's `labels`, or
            for regression a score, which is brought into the task's range and written with 3
            decimals.
        path_directory: the folder to write to; it is made where it is not there.

    Returns:
        The path of the file, which is the task's `submission_file`. It appears whole or not at all.

    Raises:
        OSError: if the file cannot be written.
        ValueError: if there is no such task, there are no predictions, or one is no label of the
            task or no finite number.
    """
    task = glue_task(task_name)
    if len(predictions) == 0:
        raise ValueError("`predictions` must have one entry for each test example. Received: none")
    values = [_submitted_value(task, value, index) for index, value in enumerate(predictions)]
    path = pathlib.Path(path_directory) / task.submission_file
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    rows = "".join(f"{index}\t{value}\n" for index, value in enumerate(values))
    try:
        temporary.write_bytes(f"index\tprediction\n{rows}".encode())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _file_of_split(task, directory, split):
    files = task.splits[split]
    for file in files:
        if (directory / file.name).is_file():
            return file
    raise ValueError(
        f"`directory` must be the folder of the task {task.name} and hold "
        f"{' or '.join(file.name for file in files)}. Received: directory={str(directory)!r}"
    )


def _read_file(file, directory):
    fields = [name for name in (file.text, file.pair, file.label, file.id) if name is not None]
    table = read_numbered_table(
        directory / file.name,
        columns=file.columns,
        selected=[*fields, *file.key_columns],
        file_format="tsv",
        allow_further_values=file.allow_further_values,
        skip_short_rows=file.skip_short_rows,
    )
    if file.left_out_file is None or not (directory / file.left_out_file).is_file():
        return table
    left_out = read_numbered_table(
        directory / file.left_out_file, selected=file.key_columns, file_format="tsv"
    )
    return _without_rows_of(left_out, table, file.key_columns)


def _without_rows_of(left_out, table, key_columns):
    left_out_keys = set(zip(*(left_out.columns[name] for name in key_columns), strict=True))
    keys = zip(*(table.columns[name] for name in key_columns), strict=True)
    kept = [row for row, key in enumerate(keys) if key not in left_out_keys]
    return Table(
        source=table.source,
        columns={name: [values[row] for row in kept] for name, values in table.columns.items()},
        line_numbers=[table.line_numbers[row] for row in kept],
    )


def _check_scores(table, scores, task):
    lowest, highest = task.score_range
    for row, score in enumerate(scores):
        if not lowest <= score <= highest:
            raise ValueError(
                f"{table.place(row)}: the score must be between {lowest} and {highest}. "
                f"Received: {score}"
            )


def _submitted_value(task, value, index):
    if task.kind == "regression":
        if not isinstance(value, numbers.Real) or not math.isfinite(value):
            raise ValueError(
                f"`predictions` must be finite numbers. Received: predictions[{index}]={value!r}"
            )
        lowest, highest = task.score_range
        # The lowest comes first: `max` then turns a negative zero into it.
        return f"{min(max(lowest, value), highest):.3f}"
    if value not in task.labels:
        raise ValueError(
            f"`predictions` must be names among {', '.join(task.labels)}. "
            f"Received: predictions[{index}]={value!r}"
        )
    return value
