"""Tables of what a model says of each example."""

import csv
import os

from mpnet_tf.data.output_directory import explained_write_errors


def write_predictions(path, examples, answers):
    """Writes a tab-separated table with the columns `id`, `label` and `prediction`.

    Args:
        path: str. The file; it appears whole or not at all.
        examples: `LabelledTexts`. Without ids, the examples are numbered from 0.
        answers: sequence of str or float. The model's label or score of each.

    Raises:
        OSError: if the file cannot be written.
    """
    ids = examples.ids or range(len(examples))
    labels = examples.labels or [None] * len(examples)
    unfinished = f"{path}.{os.getpid()}.tmp"
    with explained_write_errors(path):
        try:
            with open(unfinished, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, delimiter="\t", lineterminator="\n")
                writer.writerow(["id", "label", "prediction"])
                writer.writerows(zip(ids, labels, answers, strict=True))
            os.replace(unfinished, path)
        finally:
            if os.path.exists(unfinished):
                os.remove(unfinished)
