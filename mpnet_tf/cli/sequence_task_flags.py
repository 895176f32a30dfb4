"""Writing a text of another, as the command line asks for it."""

from absl import flags

TASKS = ("sequence_to_sequence",)

_SOURCE_COLUMN = flags.DEFINE_string(
    "source_column",
    "source",
    "With --task=sequence_to_sequence: column of the texts to read. Two files of lines, x.source "
    "and x.target, serve as well as a table: give the first.",
)
_TARGET_COLUMN = flags.DEFINE_string(
    "target_column", "target", "With --task=sequence_to_sequence: column of the texts to write."
)
_PROMPT = flags.DEFINE_string(
    "prompt",
    None,
    "What the model reads, with {source} for the text, such as '{source} Summary: [MASK]'. The "
    "mask is what it fills; without one it continues. Default: as the model was tuned, or "
    "{source}.",
)
_TARGET_LENGTH = flags.DEFINE_integer(
    "target_length",
    None,
    "Most tokens of a text to write. Default: as the model was tuned, or 128.",
    lower_bound=1,
)
_SAMPLER = flags.DEFINE_enum(
    "sampler", "greedy", ["greedy", "beam", "top_k", "top_p"], "How tokens are chosen."
)
_LABEL_SMOOTHING = flags.DEFINE_float(
    "label_smoothing", 0.1, "Share of each target that goes to all tokens alike, in training."
)


def read_task(files):
    """Returns the `SequenceFinetuning` that the flags ask for."""
    files.require("train", "evaluation")
    return _task(files, {})


def read_evaluation(preset, files):
    """Returns a model that writes texts, and the task to evaluate it on."""
    from mpnet_tf.finetuning.sequence_finetuning import open_sequence_model
    from mpnet_tf.finetuning.task_choices import read_choices

    files.require("evaluation")
    return open_sequence_model(preset), _task(files, read_choices(preset))


def _task(files, defaults):
    from mpnet_tf.finetuning.sequence_finetuning import SequenceFinetuning
    from mpnet_tf.finetuning.sequence_layout import PLACEHOLDER, SequenceLayout

    return SequenceFinetuning(
        _read(files.train),
        _read(files.evaluation),
        _read(files.test, has_targets=False),
        layout=SequenceLayout(
            pattern=_PROMPT.value or defaults.get("prompt", PLACEHOLDER),
            target_length=_TARGET_LENGTH.value or defaults.get("target_length"),
        ),
        label_smoothing=_LABEL_SMOOTHING.value,
        sampler=_SAMPLER.value,
    )


def _read(path, *, has_targets=True):
    from mpnet_tf.finetuning.sequence_pairs import read_sequence_pairs

    if path is None:
        return None
    return read_sequence_pairs(
        path,
        source=_SOURCE_COLUMN.value,
        target=_TARGET_COLUMN.value if has_targets else None,
    )
