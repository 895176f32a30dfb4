"""Classification of words, as the command line asks for it."""

from absl import flags

TASKS = ("token_classification",)

_WORD_COLUMN = flags.DEFINE_integer(
    "word_column", 0, "With --task=token_classification: the words' column, from 0."
)
_TAG_COLUMN = flags.DEFINE_integer(
    "tag_column", -1, "With --task=token_classification: the labels' column; -1 for the last."
)


def read_task(files):
    """Returns the `TagFinetuning` that the flags ask for, on files of CoNLL's form."""
    from mpnet_tf.finetuning.tag_finetuning import TagFinetuning

    files.require("train", "evaluation")
    files.refuse_test()
    return TagFinetuning(_read(files.train), _read(files.evaluation))


def read_evaluation(preset, files):
    """Returns a tagger, and the task to evaluate it on."""
    from mpnet_tf.finetuning.tag_finetuning import TagFinetuning
    from mpnet_tf.finetuning.tuned_model import open_tuned_model

    files.require("evaluation")
    model = open_tuned_model(preset, "token_classifier")
    if model.class_names is None:
        raise ValueError(
            f"The model at {preset} must name its classes, to be compared with labels. Make it "
            "anew with `class_names`."
        )
    return model, TagFinetuning(None, _read(files.evaluation), model.class_names)


def _read(path):
    from mpnet_tf.finetuning.conll import read_conll

    return read_conll(path, word_column=_WORD_COLUMN.value, label_column=_TAG_COLUMN.value)
