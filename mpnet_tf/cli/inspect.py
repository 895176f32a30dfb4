"""mpnet-inspect: what is in token shards or in a run.

Of a directory that mpnet-prepare wrote it tells what the shards were made of and what each step
left out, how long the documents are, how much of the vocabulary they use and how much is unknown
to it, how much of rows of a given length would be padding, and how random documents begin. All
files are read and compared with their checksums, in memory that does not grow with them.

    mpnet-inspect shards --row_length=256 --output=shards.svg

Of the directory of a run of mpnet-pretrain it tells the recipe, how far the run has come, its
losses, whether its checkpoints are whole, and where what belongs to it is.

    mpnet-inspect runs/mine --output=losses.png
"""

import os

from absl import flags

from mpnet_tf.cli import application
from mpnet_tf.visualization.picture_file import PICTURE_FORMATS

_PICTURE_NAME = "mpnet_inspect.svg"

_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "Picture to write, of shards' lengths and vocabulary or of a run's losses; its ending says "
    f"how: {', '.join(PICTURE_FORMATS)}. Or a folder, for {_PICTURE_NAME} in it.",
)
_SPLIT = flags.DEFINE_multi_string(
    "split", [], "Split of the shards to tell of; may be given more than once. Default: all."
)
_ROW_LENGTH = flags.DEFINE_integer(
    "row_length", 512, "Tokens of the rows whose padding is told.", lower_bound=3
)
_SAMPLES = flags.DEFINE_integer("samples", 3, "Documents to show the beginning of.", lower_bound=0)
_SEED = flags.DEFINE_integer("seed", 0, "Chooses the documents to show.", lower_bound=0)
_VERIFY = flags.DEFINE_bool(
    "verify", True, "Compare every file of the shards or checkpoints with its checksum."
)

flags.register_validator(
    "output",
    lambda path: path is None or _is_folder(path) or _is_picture(path),
    message=f"must end with one of {', '.join(PICTURE_FORMATS)}, or be a folder",
)


def main(argv):
    """Tells what is in a directory and returns the figures."""
    if len(argv) != 2:
        raise application.UsageError(
            "give one directory: token shards of mpnet-prepare, or a run of mpnet-pretrain"
        )
    from mpnet_tf.cli.inspected_run import inspect_run
    from mpnet_tf.cli.inspected_shards import inspect_shards, is_shards
    from mpnet_tf.training.run_summary import is_run

    path = os.path.normpath(argv[1])
    if is_run(path):
        return inspect_run(path, picture_path=_picture_path(), verify_checksums=_VERIFY.value)
    if is_shards(path):
        return inspect_shards(
            path,
            splits=_SPLIT.value,
            row_length=_ROW_LENGTH.value,
            num_samples=_SAMPLES.value,
            seed=_SEED.value,
            verify_checksums=_VERIFY.value,
            picture_path=_picture_path(),
        )
    found = "it is neither" if os.path.exists(path) else "there is nothing"
    raise ValueError(
        f"{path}: {found}. mpnet-inspect tells of a directory of token shards, which has a "
        "manifest.json, and of the directory of a pretraining run, which has an environment.json."
    )


def _is_folder(path):
    return os.path.isdir(path) or not os.path.splitext(path)[1]


def _is_picture(path):
    return os.path.splitext(path)[1].lower() in PICTURE_FORMATS


def _picture_path():
    if _OUTPUT.value is not None and _is_folder(_OUTPUT.value):
        return os.path.join(_OUTPUT.value, _PICTURE_NAME)
    return _OUTPUT.value


def run():
    """Runs the binary."""
    application.run(main, takes_arguments=True)


if __name__ == "__main__":
    run()
