"""mpnet-finetune: a pretrained model and a task's data to a tuned model.

Trains once for each seed and writes the best model as a preset, with results.json, report.html,
the predictions, and for GLUE's tasks the file to submit. GLUE's tasks are read from their own
folder by --data_dir; texts, pairs and scores come from tables (.tsv, .csv, .jsonl) with columns of
your naming, questions from SQuAD's files, tagged words from CoNLL's.

    mpnet-finetune --task=sst2 --preset=runs/demo --data_dir=glue/SST-2 --output=tuned
    mpnet-finetune --task=text_classification --preset=runs/demo --train_file=train.csv \\
        --eval_file=dev.csv --text_column=review --label_column=stars --output=tuned --seeds=1,2,3
    mpnet-finetune --task=question_answering --preset=runs/base --train_file=train-v1.1.json \\
        --eval_file=dev-v1.1.json --sequence_length=384 --output=reader
    mpnet-finetune --task=text_embedding --preset=runs/base --train_file=pairs.csv \\
        --eval_file=held_out.csv --text_column=question --pair_column=answer --output=embedder
"""

import dataclasses

from absl import flags

from mpnet_tf.cli import application, task_flags
from mpnet_tf.finetuning.finetuning_settings import FinetuningSettings

_PRESET = flags.DEFINE_string(
    "preset", None, "What to begin from: a preset, a run, or a directory of another library."
)
_TRAIN_FILE = flags.DEFINE_string("train_file", None, "File with the examples to train on.")
_TEST_FILE = flags.DEFINE_string("test_file", None, "File with examples to predict.")
_OUTPUT = flags.DEFINE_string("output", None, "Directory to write, not there yet.")
_SEEDS = flags.DEFINE_list("seeds", ["1"], "A run for each of these numbers.")
_FROM_SCRATCH = flags.DEFINE_bool(
    "from_scratch", False, "Begin with random weights in the same body, for comparison."
)
_DEFAULTS = FinetuningSettings()
_SETTINGS = {
    "learning_rate": flags.DEFINE_float("learning_rate", _DEFAULTS.learning_rate, "The highest."),
    "layer_decay": flags.DEFINE_float(
        "layer_decay", _DEFAULTS.layer_decay, "Factor of the rate from a layer to the one below."
    ),
    "epochs": flags.DEFINE_integer("epochs", _DEFAULTS.epochs, "Times each example is seen."),
    "batch_size": flags.DEFINE_integer("batch_size", _DEFAULTS.batch_size, "Examples in a step."),
    "warmup_share": flags.DEFINE_float(
        "warmup_share", _DEFAULTS.warmup_share, "Share of the steps in which the rate rises."
    ),
    "weight_decay": flags.DEFINE_float("weight_decay", _DEFAULTS.weight_decay, "Weight decay."),
    "dropout": flags.DEFINE_float("dropout", _DEFAULTS.dropout, "Dropout of body and head."),
    "sequence_length": flags.DEFINE_integer(
        "sequence_length", None, "Most tokens of an example. Default: what the model says."
    ),
    "class_weights": flags.DEFINE_enum(
        "class_weights", "none", ["none", "balanced"], "Whether rare classes weigh more."
    ),
    "keep": flags.DEFINE_enum(
        "keep", "last", ["last", "best"], "The epoch whose weights are kept, best by the eval file."
    ),
}

flags.adopt_module_key_flags(task_flags)
flags.mark_flags_as_required(["task", "preset", "output"])


def main(argv):
    """Fine-tunes as the flags say and returns the figures and paths."""
    del argv
    settings = dataclasses.replace(
        _DEFAULTS, **{name: flag.value for name, flag in _SETTINGS.items()}
    )
    try:
        seeds = [int(seed) for seed in _SEEDS.value]
    except ValueError:
        raise application.UsageError(
            f"--seeds must be whole numbers with commas between. Received: {_SEEDS.value}"
        ) from None
    task = task_flags.read_task(_TRAIN_FILE.value, _TEST_FILE.value)
    from mpnet_tf.cli.progress import announce
    from mpnet_tf.finetuning.finetuning_run import run_finetuning

    return run_finetuning(
        task,
        settings,
        preset=_PRESET.value,
        output=_OUTPUT.value,
        seeds=seeds,
        load_weights=not _FROM_SCRATCH.value,
        tell=announce,
    )


def run():
    """Runs the binary."""
    application.run(main)


if __name__ == "__main__":
    run()
