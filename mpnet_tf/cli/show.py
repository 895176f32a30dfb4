"""mpnet-show: who sees whom, on a sentence of yours.

Prints the slots that an objective makes of a sentence as a table, and writes a picture: the rows
and columns labelled with the tokens and coloured by the part they play, the query stream apart
from the content stream. Several --objective make panels side by side. Several sentences are
documents that share a row.

    mpnet-show --objective=mpnet --objective=mpnet,permutation=False "the cat sat on the mat"

With --run_dir and --batch it shows instead what a step of a run was trained on: an overview of the
batch, or with --row the slots of one of its rows.

    mpnet-show --run_dir=runs/mine --batch=122 --row=3 --document=1 --output=row.svg
"""

import os

from absl import flags

from mpnet_tf.cli import application, batch_flags
from mpnet_tf.visualization.picture_file import PICTURE_FORMATS

_OBJECTIVE = flags.DEFINE_multi_string(
    "objective",
    ["mpnet"],
    "mlm, plm, mpnet, clm, glm, glm_document or glm_sentence, and after commas any of its settings "
    "in the section `objective` of a recipe but num_predictions: mpnet,permutation=False. Unless "
    "set, prediction_rate is 0.3 and masks stand for all predicted tokens (mask_rate=1, "
    "random_rate=0), since a sentence is short",
)
_VOCAB = flags.DEFINE_string(
    "vocab",
    None,
    "Vocabulary file, or directory with a tokenizer. Default: the words of the sentences.",
)
_LOWERCASE = flags.DEFINE_bool("lowercase", True, "Lowercase the text and strip its accents.")
_SEED = flags.DEFINE_integer(
    "seed",
    0,
    "Chooses the predicted tokens and their order.",
    lower_bound=0,
    upper_bound=2**31 - 1,
)
_OUTPUT = flags.DEFINE_string(
    "output",
    "mpnet_show.svg",
    f"Picture to write; its ending says how: {', '.join(PICTURE_FORMATS)}. Of a batch of a run "
    "there is one only where this is given.",
)

flags.register_validator(
    "output",
    lambda path: os.path.splitext(path)[1].lower() in PICTURE_FORMATS,
    message=f"must end with one of {', '.join(PICTURE_FORMATS)}",
)
flags.adopt_module_key_flags(batch_flags)
for _name in ("objective", "vocab", "lowercase", "seed"):
    batch_flags.leave_to_run(_name)
flags.register_multi_flags_validator(
    ["run_dir", "row", "output"],
    lambda values: values["run_dir"] is None or values["row"] is not None or not _OUTPUT.present,
    message="--output is a picture of one row of a batch: --row must name it",
)


def main(argv):
    """Shows sentences, or a batch of a run, and returns the slots or the overview, and paths."""
    if batch_flags.RUN_DIR.value is None:
        from mpnet_tf.cli.shown_examples import show_sentences

        return show_sentences(
            argv[1:],
            _OBJECTIVE.value,
            vocabulary_path=_VOCAB.value,
            lowercase=_LOWERCASE.value,
            seed=_SEED.value,
            picture_path=_OUTPUT.value,
        )
    if len(argv) > 1:
        raise application.UsageError(f"{argv[1]!r} must be left out: a run has its own text")
    return _show_batch()


def _show_batch():
    from mpnet_tf.cli.replayed_batch import replay_batch
    from mpnet_tf.cli.shown_batches import show_overview, show_row

    row = batch_flags.ROW.value
    replayed = replay_batch(
        os.path.normpath(batch_flags.RUN_DIR.value),
        batch_flags.BATCH.value,
        row=row,
        shards_directory=batch_flags.INPUT.value,
    )
    if row is None:
        return show_overview(replayed)
    picture_path = _OUTPUT.value if _OUTPUT.present else None
    return show_row(replayed, row, document=batch_flags.DOCUMENT.value, picture_path=picture_path)


def run():
    """Runs the binary."""
    application.run(main, takes_arguments=True)


if __name__ == "__main__":
    run()
