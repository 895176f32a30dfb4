"""The directory of a run as `mpnet-inspect` tells of it."""

import dataclasses
import sys

import rich.console

from mpnet_tf.training.run_summary import read_run
from mpnet_tf.visualization.curves import loss_figure
from mpnet_tf.visualization.picture_file import write_picture
from mpnet_tf.visualization.run_tables import run_tables


def inspect_run(directory, *, picture_path, verify_checksums):
    """Prints what a run's directory tells and, where wanted, draws the losses.

    Args:
        directory: str.
        picture_path: str or None. Where to write the picture.
        verify_checksums: bool. Whether to read every checkpoint to compare its checksums.

    Returns:
        dict of the figures, as JSON can hold it.

    Raises:
        ValueError: if a file of the run is damaged.
        OSError: if a file cannot be read, or the picture not be written.
    """
    summary = read_run(directory, verify_checksums=verify_checksums)
    if picture_path:
        unigram_loss = summary.results["unigram_loss"] if summary.results is not None else None
        write_picture(loss_figure(summary.history, unigram_loss=unigram_loss), picture_path)
    console = rich.console.Console()
    for table in run_tables(summary):
        console.print(table)
        console.print()
    if picture_path:
        print(f"picture: {picture_path}", file=sys.stderr)
    return {
        "run_dir": directory,
        "config": summary.config.to_dict(),
        "environment": summary.environment,
        "begun_from": summary.origin,
        "steps_done": summary.steps_done,
        "steps": summary.config.training.steps,
        "resumes_at": summary.resumes_at,
        "is_finished": summary.results is not None,
        "tokens_seen": summary.tokens_seen,
        "training_seconds": summary.training_seconds,
        "last_record": summary.history[-1] if summary.history else None,
        "best_record": summary.best_record,
        "results": summary.results,
        "checksums_verified": verify_checksums,
        "checkpoints": [dataclasses.asdict(point) for point in summary.checkpoints],
        **summary.outputs,
        "picture": picture_path,
    }
