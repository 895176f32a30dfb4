"""mpnet-show: who sees whom, on a sentence of yours.

Prints the slots that an objective makes of a sentence as a table, and writes a picture: the rows
and columns labelled with the tokens and coloured by the part they play, the query stream apart
from the content stream. Several --objective make panels side by side. Several sentences are
documents that share a row.

    mpnet-show --objective=mpnet --objective=mpnet,permutation=False "the cat sat on the mat"
"""

import os
import sys

from absl import flags

from mpnet_tf.cli import application
from mpnet_tf.visualization.picture_file import PICTURE_FORMATS, write_picture

_OBJECTIVE = flags.DEFINE_multi_string(
    "objective",
    ["mpnet"],
    "mlm, plm, mpnet, clm, glm, glm_document or glm_sentence, and after commas any of its settings "
    "in the section `objective` of a recipe but num_predictions: mpnet,permutation=False. Unless "
    "set, prediction_rate is 0.3 and masks stand for all predicted tokens (mask_rate=1, "
    "random_rate=0), since a sentence is short",
)
_VOCAB = flags.DEFINE_string(
    "vocab", None, "Vocabulary file, one token a line. Default: the words of the sentences."
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
    f"Picture to write; its ending says how: {', '.join(PICTURE_FORMATS)}.",
)

flags.register_validator(
    "output",
    lambda path: os.path.splitext(path)[1].lower() in PICTURE_FORMATS,
    message=f"must end with one of {', '.join(PICTURE_FORMATS)}",
)


def main(argv):
    """Prints the tables, writes the picture, and returns its path and the slots."""
    from mpnet_tf.cli.shown_examples import make_examples
    from mpnet_tf.visualization.visibility_picture import visibility_figure

    titles = _OBJECTIVE.value
    examples = make_examples(
        argv[1:],
        titles,
        vocabulary_path=_VOCAB.value,
        lowercase=_LOWERCASE.value,
        seed=_SEED.value,
    )
    write_picture(visibility_figure(examples, titles), _OUTPUT.value)
    _print_tables(examples, titles)
    print(f"picture: {_OUTPUT.value}", file=sys.stderr)
    return {
        "picture": _OUTPUT.value,
        "panels": [
            {"objective": title, **_figures(example)}
            for title, example in zip(titles, examples, strict=True)
        ],
    }


def _print_tables(examples, titles):
    import rich.console

    from mpnet_tf.visualization.slot_table import slot_table

    console = rich.console.Console()
    for example, title in zip(examples, titles, strict=True):
        console.print(slot_table(example, title))
        console.print()
        if not example.targets:
            print(
                f"{title}: nothing is predicted; try another --seed, or a higher prediction_rate",
                file=sys.stderr,
            )


def _figures(example):
    """Returns an example as JSON can hold it."""
    return {
        "tokens": list(example.tokens),
        "parts": example.parts(),
        "targets": list(example.targets),
        "slots": {name: values.tolist() for name, values in example.slots.items()},
    }


def run():
    """Runs the binary."""
    application.run(main, takes_arguments=True)


if __name__ == "__main__":
    run()
