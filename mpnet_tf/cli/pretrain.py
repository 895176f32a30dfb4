"""mpnet-pretrain: text or shards to a trained model.

Trains a recipe's body on its objective and leaves a run directory with everything the run was and
gave: the resolved config, the curves, checkpoints, a preset, report.html, and, where the objective
trains masks, a SavedModel that fills blanks in raw text. Started again with the same run directory,
it goes on where it stopped. Instead of text, --input may name one directory of shards from
mpnet-prepare. docs/objectives.md lists the settings of objectives.

    mpnet-pretrain --config=configs/mpnet_demo.py --config.training.steps=2000 \\
        --input='corpus/*.txt' --run_dir=runs/mine
"""

import os

from absl import flags
from ml_collections import config_flags

from mpnet_tf.cli import application, recipe_flag, text_flags

_CONFIG = config_flags.DEFINE_config_file(
    "config",
    None,
    "Recipe, a Python file with get_config(); single settings are changed by "
    "--config.section.field=value.",
    lock_config=True,
)
_VOCAB = flags.DEFINE_string(
    "vocab",
    None,
    "Vocabulary file, SentencePiece model, or directory with a tokenizer. Default: one is trained "
    "on the input text.",
)
_INIT_FROM = flags.DEFINE_string(
    "init_from",
    None,
    "Trained weights to begin from: a preset directory, a run directory (its newest checkpoint) or "
    "the folder of one checkpoint. Their vocabulary is used for text. Default: random weights.",
)
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Directory of the run.")

flags.adopt_module_key_flags(text_flags)
flags.mark_flags_as_required(["config", "run_dir"])


def main(argv):
    """Runs the pretraining that the flags ask for and returns its figures and paths."""
    del argv
    from mpnet_tf.cli.pretraining_run import run_pretraining
    from mpnet_tf.training.config import PretrainingConfig

    return run_pretraining(
        PretrainingConfig.from_dict(recipe_flag.read(_CONFIG)),
        patterns=text_flags.INPUT.value or None,
        vocabulary_path=_VOCAB.value,
        json_field=text_flags.JSON_FIELD.value,
        strict=text_flags.STRICT.value,
        init_from=_INIT_FROM.value or None,
        run_directory=os.path.normpath(_RUN_DIR.value),
    )


def run():
    """Runs the binary."""
    application.run(main)


if __name__ == "__main__":
    run()
