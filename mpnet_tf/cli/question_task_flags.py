"""Question answering, as the command line asks for it."""

from absl import flags

TASKS = ("question_answering",)

_NO_ANSWER_THRESHOLD = flags.DEFINE_float(
    "no_answer_threshold",
    None,
    "With --task=question_answering: a question has no answer if the score of that is above the "
    "best answer's by more than this. Default: as the model was tuned, or all are answered.",
)
_MAX_ANSWER_LENGTH = flags.DEFINE_integer(
    "max_answer_length",
    None,
    "Most tokens in an answer. Default: as the model was tuned, or 30.",
    lower_bound=1,
)


def read_task(files):
    """Returns the `QuestionFinetuning` that the flags ask for, on files of SQuAD's form."""
    files.require("train", "evaluation")
    return _task(files, {})


def read_evaluation(preset, files):
    """Returns a model that answers questions, and the task to evaluate it on."""
    from mpnet_tf.finetuning.task_choices import read_choices
    from mpnet_tf.finetuning.tuned_model import open_tuned_model

    files.require("evaluation")
    return open_tuned_model(preset, "question_answering"), _task(files, read_choices(preset))


def _task(files, defaults):
    from mpnet_tf.finetuning.question_finetuning import QuestionFinetuning
    from mpnet_tf.finetuning.squad import read_squad

    train, dev, test = (
        None if path is None else read_squad(path)
        for path in (files.train, files.evaluation, files.test)
    )
    flags_of_choices = {
        "no_answer_threshold": _NO_ANSWER_THRESHOLD,
        "max_answer_length": _MAX_ANSWER_LENGTH,
    }
    choices = {
        name: defaults.get(name) if flag.value is None else flag.value
        for name, flag in flags_of_choices.items()
    }
    chosen = {name: value for name, value in choices.items() if value is not None}
    return QuestionFinetuning(train, dev, test, **chosen)
