"""Figures as files that stand on their own."""

import os
import pathlib
import warnings

import matplotlib
from absl import logging

from mpnet_tf.data.output_directory import explained_write_errors
from mpnet_tf.visualization.inline_svg import styled

PICTURE_FORMATS = (".svg", ".png", ".pdf")

# Twice what screens used to have, so that small print stays sharp.
_DOTS_PER_INCH = 144
# Without dates and versions the same figure gives the same file.
_METADATA = {
    ".svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    ".png": {"Software": None},
    ".pdf": dict.fromkeys(("Creator", "Producer", "CreationDate")),
}


def write_picture(figure, path):
    """Writes a figure in the format that the file's name ends with; it is complete or not there.

    The ground is white, so that the ink shows on pages light and dark.

    Args:
        figure: matplotlib Figure.
        path: str or path, ending with one of `PICTURE_FORMATS`. Missing folders are made; a file
            that exists is replaced.

    Raises:
        ValueError: if the name ends otherwise.
        OSError: if the file cannot be written.
    """
    path = pathlib.Path(path)
    ending = path.suffix.lower()
    if ending not in PICTURE_FORMATS:
        raise ValueError(f"`path` must end with one of {PICTURE_FORMATS}. Received: path={path}")
    unfinished = path.with_name(f".{path.name}.unfinished-{os.getpid()}")
    with explained_write_errors(path), styled(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        matplotlib.rcParams["svg.hashsalt"] = path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            figure.savefig(
                unfinished,
                format=ending[1:],
                dpi=_DOTS_PER_INCH,
                facecolor="white",
                metadata=_METADATA[ending],
            )
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    # An SVG holds the text itself, which the reader's fonts then draw.
    if ending != ".svg" and any("missing from font" in str(warning.message) for warning in told):
        logging.warning("%s lacks characters that matplotlib's font has not; .svg has them.", path)
