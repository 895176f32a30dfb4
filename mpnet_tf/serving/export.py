"""A model to a directory that TensorFlow Serving watches."""

import os

import tensorflow as tf

from mpnet_tf.data.output_directory import appearing_directory, explained_write_errors, is_free
from mpnet_tf.serving.export_readme import BATCHING_FILE, batching_parameters, readme
from mpnet_tf.serving.latency import measure_latency
from mpnet_tf.serving.saved_model import write_saved_model
from mpnet_tf.serving.served_tasks import ServingSettings, open_served_model, signatures_of
from mpnet_tf.serving.serving_ops import check_ops, check_release
from mpnet_tf.serving.warmup import write_warmup_requests
from mpnet_tf.serving.weight_storage import WeightStorage, largest_difference


def export(source, tasks, output, *, settings=None, since="2.12.1", pattern=None):
    """Writes a SavedModel of a model's tasks, which share its weights.

    Args:
        source: str. What `open_served_model` takes.
        tasks: list of str, of `SERVED_TASKS`. The first gives `serving_default`.
        output: str. `NAME/VERSION`, with a number for the version, not there yet.
        settings: `ServingSettings`, or None for its defaults.
        since: str. The first release of TensorFlow Serving that is to load it.
        pattern: `ClozePattern`, or None. What a GLM is to classify by.

    Returns:
        List of the `Signature`s and list of `Latency`.

    Raises:
        ValueError: if the output is no version or is there already, the model is of another task,
            or an op is missing in that release.
        OSError: if the output cannot be written.
    """
    check_output(output)
    check_release(since)
    model = open_served_model(source, pattern=pattern)
    return export_model(model, tasks, output, settings=settings, since=since)


def export_model(model, tasks, output, *, settings=None, since="2.12.1", measures=True):
    """Writes a SavedModel of a model that is there already.

    Args:
        model: what `open_served_model` returns.
        tasks, output, settings, since: as of `export`.
        measures: bool. Whether to take the time of the answers for the README.

    Returns:
        List of the `Signature`s and list of `Latency`.

    Raises:
        ValueError: as `export`.
        OSError: if the output cannot be written.
    """
    settings = settings or ServingSettings()
    signatures = [signature for task in tasks for signature in signatures_of(task, model, settings)]
    folder, version = os.path.split(os.path.abspath(output))
    name = os.path.basename(folder)
    with appearing_directory(output) as directory, explained_write_errors(output):
        storage = WeightStorage(model, settings.weight_dtype)
        resources = model.preprocessor.tokenizer.graph_resources
        write_saved_model(signatures, storage, directory, resources=resources)
        check_ops(directory, since=since)
        write_warmup_requests(signatures, directory, name=name)
        with open(
            os.path.join(directory, "assets.extra", BATCHING_FILE), "w", encoding="utf-8"
        ) as file:
            file.write(batching_parameters())
        loaded = tf.saved_model.load(directory)
        latencies = measure_latency(signatures, loaded) if measures else []
        text = readme(
            signatures,
            latencies,
            name=name,
            version=version,
            since=since,
            notes=_notes_on_weights(signatures, loaded, settings.weight_dtype),
        )
        with open(os.path.join(directory, "README.md"), "w", encoding="utf-8") as file:
            file.write(text)
    return signatures, latencies


def check_output(output):
    """Checks that an output may be written.

    Args:
        output: str.

    Raises:
        ValueError: if it is no version, or is there already.
    """
    if not os.path.basename(os.path.normpath(output)).isdecimal():
        raise ValueError(
            "`output` must end in the number of a version, which TensorFlow Serving looks for, "
            f"such as models/mine/1. Received: output={output!r}"
        )
    if not is_free(output):
        raise ValueError(f"{output} is there already. Give the next version's number.")


def _notes_on_weights(signatures, loaded, weight_dtype):
    """Tells what the storage of the weights costs, for the README."""
    if weight_dtype == "float32":
        return []
    differences = [
        f"- `{signature.name}`: "
        f"{largest_difference(signature, loaded.signatures[signature.name]):.2g}"
        for signature in signatures
    ]
    return [
        f"Weights are stored as {weight_dtype} and made float32 when the model is loaded. In the "
        "answers to the examples below, numbers differ from those of the float32 weights by up to",
        "\n".join(differences),
    ]
