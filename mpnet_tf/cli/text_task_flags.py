"""Classification and regression of texts, as the command line asks for them."""

import os

from absl import flags

from mpnet_tf.cli import application
from mpnet_tf.cli.task_files import DATA_DIR, LABEL_COLUMN, PAIR_COLUMN, TEXT_COLUMN
from mpnet_tf.finetuning.glue_tasks import GLUE_TASKS

_CLASSIFICATION, _REGRESSION = "text_classification", "text_regression"
TASKS = (*GLUE_TASKS, _CLASSIFICATION, _REGRESSION)


# The pattern that the package has for a task of GLUE.
_BUILT_IN = "built_in"
_PATTERN = flags.DEFINE_string(
    "pattern",
    None,
    "Classify by filling a blank, with a GLM preset: a pattern file, or built_in for a GLUE task. "
    "mpnet-evaluate with it judges a model that was only pretrained; a tuned one has its own.",
)
_EXAMPLES_PER_CLASS = flags.DEFINE_integer(
    "examples_per_class",
    None,
    "Train on so many examples of each class alone, drawn at random and the same for all seeds.",
    lower_bound=1,
)


def read_task(files):
    """Returns the `TextFinetuning` that the flags ask for."""
    from mpnet_tf.finetuning.few_shot import sample_few_shot
    from mpnet_tf.finetuning.text_finetuning import TextFinetuning

    task, train, dev, test = _read_data(files, trains=True)
    if _EXAMPLES_PER_CLASS.value is not None:
        train = sample_few_shot(train, _EXAMPLES_PER_CLASS.value, seed=0)
    if _PATTERN.value is not None:
        from mpnet_tf.finetuning.cloze_finetuning import ClozeFinetuning

        return ClozeFinetuning(task, _read_pattern(files.task), train, dev, test)
    return TextFinetuning(task, train, dev, test)


def read_evaluation(preset, files):
    """Returns a tuned classifier or regression, and the task to evaluate it on."""
    from mpnet_tf.finetuning.task_choices import read_choices
    from mpnet_tf.finetuning.text_finetuning import TextFinetuning
    from mpnet_tf.finetuning.tuned_model import open_tuned_model
    from mpnet_tf.models import GLMClozeClassifier
    from mpnet_tf.models.preset_conversion import class_of_source

    if _PATTERN.value is not None or class_of_source(preset) is GLMClozeClassifier:
        return _read_cloze_evaluation(preset, files)
    model = open_tuned_model(preset, "text_classifier")
    task, _, dev, _ = _read_data(files, trains=False, class_names=model.class_names)
    if model.num_classes != task.num_outputs:
        raise ValueError(
            f"The model at {preset} has {model.num_classes} outputs, where the task {task.name} "
            f"has {task.num_outputs}. Fine-tune one with mpnet-finetune."
        )
    had_pairs = read_choices(preset).get("pairs")
    if had_pairs not in (None, dev.pairs is not None):
        kinds = ("single texts", "pairs of texts")
        raise ValueError(
            f"The model at {preset} was tuned on {kinds[had_pairs]}. "
            f"Received: {kinds[not had_pairs]} in {dev.source}"
        )
    return model, TextFinetuning(task.in_order_of(model.class_names), None, dev)


def _read_cloze_evaluation(preset, files):
    from mpnet_tf.finetuning.cloze_finetuning import ClozeFinetuning
    from mpnet_tf.finetuning.finetuning_settings import FinetuningSettings
    from mpnet_tf.models.preset_conversion import open_model, read_pretrained

    tuned = open_model(preset) if _PATTERN.value is None else None
    pattern = _read_pattern(files.task) if tuned is None else tuned.preprocessor.pattern
    task, _, dev, _ = _read_data(files, trains=False, class_names=pattern.class_names)
    task = ClozeFinetuning(task, pattern, None, dev)
    return tuned or task.make_model(read_pretrained(preset), FinetuningSettings(), seed=0), task


def _read_pattern(task):
    from mpnet_tf.finetuning.cloze_pattern_file import cloze_pattern_of_glue, read_cloze_pattern

    if _PATTERN.value != _BUILT_IN:
        return read_cloze_pattern(_PATTERN.value)
    if task not in GLUE_TASKS:
        raise application.UsageError(
            f"--pattern must be a file with --task={task}; GLUE's tasks alone have one built in"
        )
    return cloze_pattern_of_glue(task)


def _read_data(files, *, trains, class_names=None):
    """Returns the `TextTask`, and the examples to train on, to evaluate on and to predict."""
    if files.task in GLUE_TASKS:
        return _read_glue(files, trains)
    files.require(*(["train"] if trains else []), "evaluation")
    train = _read_table(files.task, files.train) if trains else None
    dev = _read_table(files.task, files.evaluation)
    test = None if files.test is None else _read_table(files.task, files.test, labelled=False)
    return _task_of_tables(files.task, train or dev, class_names), train, dev, test


def _read_glue(files, trains):
    from mpnet_tf.finetuning.glue import read_glue
    from mpnet_tf.finetuning.text_task import TextTask

    directory = DATA_DIR.value
    if directory is None or files.train or files.test or files.evaluation:
        raise application.UsageError(
            f"--data_dir must be given with --task={files.task}, and no other files; for tables of "
            f"your own take --task={_CLASSIFICATION} or --task={_REGRESSION}"
        )
    splits = GLUE_TASKS[files.task].splits
    if "dev" not in splits:
        raise application.UsageError(f"--task={files.task} has no examples to train or evaluate on")
    train = read_glue(files.task, directory, "train") if trains else None
    dev = read_glue(files.task, directory, "dev")
    test = None
    # Many who have the data have only the parts with labels.
    if any(os.path.exists(os.path.join(directory, file.name)) for file in splits["test"]):
        test = read_glue(files.task, directory, "test")
    return TextTask.of_glue(files.task), train, dev, test


def _read_table(task, path, *, labelled=True):
    from mpnet_tf.finetuning.table_files import read_labelled_texts

    return read_labelled_texts(
        path,
        text=TEXT_COLUMN.value,
        pair=PAIR_COLUMN.value,
        label=LABEL_COLUMN.value if labelled else None,
        numeric_labels=labelled and task == _REGRESSION,
    )


def _task_of_tables(name, examples, class_names):
    from mpnet_tf.finetuning.text_task import TextTask

    if name == _REGRESSION:
        return TextTask.of_scores()
    return TextTask.of_labels(examples.labels if class_names is None else class_names)
