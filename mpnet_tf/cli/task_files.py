"""Where a task's data lie: the files of the command line, and the columns of tables."""

import dataclasses

from absl import flags

from mpnet_tf.cli import application

DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of a GLUE task, as GLUE has it.")
EVAL_FILE = flags.DEFINE_string("eval_file", None, "File with the examples to evaluate on.")
TEXT_COLUMN = flags.DEFINE_string("text_column", "text", "Column of the texts.")
PAIR_COLUMN = flags.DEFINE_string("pair_column", None, "Column of the second texts of pairs.")
LABEL_COLUMN = flags.DEFINE_string("label_column", "label", "Column of the labels or scores.")


@dataclasses.dataclass(frozen=True)
class TaskFiles:
    """The files that a command line gives a task.

    Args:
        task: name of the task, for messages.
        train: file with the examples to train on, or None.
        evaluation: file with those to evaluate on, or None.
        test: file with those whose answers are not known, or None.
    """

    task: str
    train: str | None
    evaluation: str | None
    test: str | None

    def require(self, *names):
        """Raises a `UsageError` unless the files "train" or "evaluation" of `names` are given."""
        flag_names = {"train": "train_file", "evaluation": "eval_file"}
        for name in names:
            if getattr(self, name) is None:
                raise application.UsageError(
                    f"--{flag_names[name]} must be given with --task={self.task}"
                )

    def refuse_test(self):
        """Raises a `UsageError` if there is a test file, which the task has no use for."""
        if self.test is not None:
            raise application.UsageError(
                f"--test_file must be left out with --task={self.task}: evaluate on it with "
                "mpnet-evaluate"
            )
