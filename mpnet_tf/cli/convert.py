"""mpnet-convert: a model from one library's files to another's.

Reads a preset or a run of this package, a directory of transformers or sentence-transformers, or a
pretraining checkpoint (.pt) of the authors of MPNet or GLM or of annotated-mpnet; the format is
recognised.

    mpnet-convert --input=runs/mine --to=huggingface --output=mine
    mpnet-convert --input=all-mpnet-base-v2 --to=keras --output=preset
"""

from absl import flags

from mpnet_tf.cli import application

_INPUT = flags.DEFINE_string(
    "input", None, "Preset, run directory, directory, .pt file or hf://user/model to read."
)
_TO = flags.DEFINE_enum(
    "to", None, ["keras", "huggingface", "sentence_transformers"], "Format to write."
)
_OUTPUT = flags.DEFINE_string("output", None, "Directory to write, not there yet.")
_TASK = flags.DEFINE_enum(
    "task",
    None,
    [
        "backbone",
        "masked_lm",
        "text_classifier",
        "token_classifier",
        "question_answering",
        "text_embedder",
    ],
    "What the model is to do. Default: what it does. A head that it lacks starts untrained.",
)
_POOLING = flags.DEFINE_enum(
    "pooling",
    None,
    ["mean", "cls", "max", "mean_sqrt_len_tokens"],
    "How an embedder makes one vector of a text. Default: as the input does, or mean.",
)
_NORMALIZE = flags.DEFINE_bool(
    "normalize",
    None,
    "Whether an embedder's vectors have length 1. Default: as the input's, or true.",
)
_VOCAB = flags.DEFINE_string(
    "vocab",
    None,
    "What numbered the tokens of a pretraining checkpoint or a GLM: a vocab.txt, fairseq's "
    "dict.txt, a SentencePiece model, or a directory with a tokenizer.",
)
_NUM_CLASSES = flags.DEFINE_integer(
    "num_classes",
    None,
    "Classes of a classifier. Default: as the input has.",
    lower_bound=1,
)
_WEIGHTS_ONLY = flags.DEFINE_bool(
    "weights_only", True, "Refuse files of PyTorch's that hold objects, which can run any code."
)

_HEAD_FLAGS = {"pooling": _POOLING, "normalize": _NORMALIZE, "num_classes": _NUM_CLASSES}

flags.mark_flags_as_required(["input", "to", "output"])


def main(argv):
    """Converts what the flags ask for and returns what it was."""
    del argv
    from mpnet_tf.cli.progress import announce
    from mpnet_tf.models.preset_conversion import convert

    head_settings = {
        name: flag.value for name, flag in _HEAD_FLAGS.items() if flag.value is not None
    }
    model = convert(
        _INPUT.value,
        _OUTPUT.value,
        to=_TO.value,
        task=_TASK.value,
        vocabulary=_VOCAB.value,
        weights_only=_WEIGHTS_ONLY.value,
        **head_settings,
    )
    num_parameters = sum(array.size for array in model.weights.values())
    tokenizer = "no tokenizer" if model.tokenizer is None else f"{model.tokenizer.kind} tokenizer"
    announce(
        f"wrote {_OUTPUT.value}: {model.body}, {model.task}, {num_parameters:,} parameters, "
        f"{tokenizer}"
    )
    return {
        "output": _OUTPUT.value,
        "body": model.body,
        "task": model.task,
        "num_parameters": num_parameters,
        "vocabulary_size": model.settings["vocabulary_size"],
        "has_tokenizer": model.tokenizer is not None,
    }


def run():
    """Runs the binary."""
    application.run(main)


if __name__ == "__main__":
    run()
