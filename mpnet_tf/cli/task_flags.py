"""The flags that say what a task is and where its data lie."""

import dataclasses
import os

from absl import flags

from mpnet_tf.cli import application
from mpnet_tf.finetuning.glue_tasks import GLUE_TASKS
from mpnet_tf.finetuning.labelled_texts import LabelledTexts

CLASSIFICATION, REGRESSION = "text_classification", "text_regression"

TASK = flags.DEFINE_enum(
    "task",
    None,
    [*GLUE_TASKS, CLASSIFICATION, REGRESSION],
    "One of GLUE's tasks, or one that tables of your own define.",
)
DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of a GLUE task, as GLUE has it.")
EVAL_FILE = flags.DEFINE_string("eval_file", None, "Table with the examples to evaluate on.")
TEXT_COLUMN = flags.DEFINE_string("text_column", "text", "Column of the texts.")
PAIR_COLUMN = flags.DEFINE_string("pair_column", None, "Column of the second texts of pairs.")
LABEL_COLUMN = flags.DEFINE_string("label_column", "label", "Column of the labels or scores.")


@dataclasses.dataclass(frozen=True)
class TaskData:
    """A task and its examples.

    Args:
        task: `TextTask`.
        train: `LabelledTexts`, or None where none was asked for.
        dev: `LabelledTexts`.
        test: `LabelledTexts` without labels, or None.
    """

    task: object
    train: LabelledTexts | None
    dev: LabelledTexts
    test: LabelledTexts | None


def read_task_data(*, train_file=None, test_file=None, trains=True, class_names=None):
    """Reads what the flags name.

    Args:
        train_file, test_file: str or None. Tables.
        trains: bool. Whether there must be examples to train on.
        class_names: sequence of str, or None. The classes, where the examples do not tell them.

    Returns:
        `TaskData`.

    Raises:
        UsageError: if the flags do not go together.
        ValueError: if a file is damaged or lacks a column.
    """
    if TASK.value in GLUE_TASKS:
        return _read_glue(train_file, test_file, trains)
    for name, value in (("train_file", train_file), ("eval_file", EVAL_FILE.value)):
        if value is None and (trains or name != "train_file"):
            raise application.UsageError(f"--{name} must be given with --task={TASK.value}")
    train = _read_table(train_file) if trains else None
    dev = _read_table(EVAL_FILE.value)
    test = None if test_file is None else _read_table(test_file, labelled=False)
    return TaskData(_task_of_tables(train or dev, class_names), train, dev, test)


def _read_glue(train_file, test_file, trains):
    from mpnet_tf.finetuning.glue import read_glue
    from mpnet_tf.finetuning.text_task import TextTask

    if DATA_DIR.value is None or train_file or test_file or EVAL_FILE.value:
        raise application.UsageError(
            f"--data_dir must be given with --task={TASK.value}, and no other files; for tables of "
            f"your own take --task={CLASSIFICATION} or --task={REGRESSION}"
        )
    name, directory = TASK.value, DATA_DIR.value
    if "dev" not in GLUE_TASKS[name].splits:
        raise application.UsageError(f"--task={name} has no examples to train or evaluate on")
    train = read_glue(name, directory, "train") if trains else None
    dev = read_glue(name, directory, "dev")
    test = None
    # Many who have the data have only the parts with labels.
    if any(
        os.path.exists(os.path.join(directory, file.name))
        for file in GLUE_TASKS[name].splits["test"]
    ):
        test = read_glue(name, directory, "test")
    return TaskData(TextTask.of_glue(name), train, dev, test)


def _read_table(path, *, labelled=True):
    from mpnet_tf.finetuning.table_files import read_labelled_texts

    return read_labelled_texts(
        path,
        text=TEXT_COLUMN.value,
        pair=PAIR_COLUMN.value,
        label=LABEL_COLUMN.value if labelled else None,
        numeric_labels=labelled and TASK.value == REGRESSION,
    )


def _task_of_tables(examples, class_names):
    from mpnet_tf.finetuning.text_task import TextTask

    if TASK.value == REGRESSION:
        return TextTask.of_scores()
    return TextTask.of_labels(examples.labels if class_names is None else class_names)
