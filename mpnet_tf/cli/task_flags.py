"""The flag that says what a task is, and the task that the flags ask for."""

from absl import flags

from mpnet_tf.cli import (
    application,
    embedding_task_flags,
    question_task_flags,
    sequence_task_flags,
    tag_task_flags,
    task_files,
    text_task_flags,
)

# Each has `TASKS`, the names of its tasks; `read_task(files)`, which returns a `FinetuningTask`;
# and `read_evaluation(preset, files)`, which returns a model and the task to evaluate it on.
_KINDS = (
    text_task_flags,
    question_task_flags,
    tag_task_flags,
    embedding_task_flags,
    sequence_task_flags,
)

TASK = flags.DEFINE_enum(
    "task",
    None,
    [name for kind in _KINDS for name in kind.TASKS],
    "One of GLUE's tasks, or one on files of your own.",
)
for module in (task_files, *_KINDS):
    flags.adopt_module_key_flags(module)


def read_task(train_file, test_file):
    """Reads the data that the flags name, to train on them.

    Args:
        train_file, test_file: str or None. Files.

    Returns:
        `FinetuningTask`.

    Raises:
        UsageError: if the flags do not go together.
        ValueError: if a file is damaged, or an example does not fit the task.
    """
    return _kind().read_task(_files(train_file, test_file))


def read_evaluation(preset):
    """Opens a tuned model, and reads the data that the flags name to evaluate it on.

    Args:
        preset: str. The model.

    Returns:
        The model and a `FinetuningTask`.

    Raises:
        UsageError: if the flags do not go together.
        ValueError: if the model is of another task, or a file is damaged.
    """
    return _kind().read_evaluation(preset, _files(None, None))


def _kind():
    (wanted,) = (kind for kind in _KINDS if TASK.value in kind.TASKS)
    of_modules = flags.FLAGS.flags_by_module_dict()
    for kind in _KINDS:
        given = [flag.name for flag in of_modules.get(kind.__name__, ()) if flag.present]
        if given and kind is not wanted:
            raise application.UsageError(
                f"--{given[0]} must be left out with --task={TASK.value}: it is of "
                f"--task={kind.TASKS[-1]}"
            )
    return wanted


def _files(train_file, test_file):
    return task_files.TaskFiles(TASK.value, train_file, task_files.EVAL_FILE.value, test_file)
