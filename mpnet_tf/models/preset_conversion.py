"""One model from one library's files to another's."""

import dataclasses
import os

import keras

from mpnet_tf.conversion.carried_files import read_carried, write_carried
from mpnet_tf.conversion.huggingface_directory import write_huggingface
from mpnet_tf.conversion.json_files import read_json
from mpnet_tf.conversion.model_card import CARD_FILE, card_for
from mpnet_tf.conversion.sentence_transformers_directory import write_sentence_transformers
from mpnet_tf.conversion.sources import is_foreign, read_foreign, takes_vocabulary
from mpnet_tf.data.output_directory import appearing_directory, explained_write_errors, is_free
from mpnet_tf.models.converted_model import model_from, pretrained_from
from mpnet_tf.models.preset_files import local_directory
from mpnet_tf.models.text_preprocessor import TransformerTextPreprocessor
from mpnet_tf.models.tokenizers import open_tokenizer, tokenizer_of_body
from mpnet_tf.models.vocabulary_tokenizer import CONFIG_FILE as TOKENIZER_FILE

FORMATS = ("keras", "huggingface", "sentence_transformers")
_CONFIG_FILE = "config.json"
_TASK_FILE = "task.json"
# In a run directory.
_PRESET_FOLDER = "preset"


def convert(source, output, *, to, task=None, vocabulary=None, weights_only=True, **head_settings):
    """Converts a model; the format of the source is recognised.

    Args:
        source: str. A preset, a run directory for its preset, or what
            `mpnet_tf.conversion.sources.read_foreign` takes; a model of transformers may lie on a
            hub, as `hf://user/model`.
        output: str. A directory that is not there or empty; it appears when all is written.
        to: str. One of `FORMATS`.
        task: str or None. One of `mpnet_tf.models.TASKS`; None for the source's own, and for
            "text_embedder" where `to` is "sentence_transformers". A head that the source lacks
            starts with random weights, and a warning says so.
        vocabulary: str or None. What numbered the tokens of a pretraining checkpoint, as
            `read_checkpoint_vocabulary` takes it.
        weights_only: bool. Whether to refuse a file of PyTorch's that could run code.
        **head_settings: settings of the task's head in place of the source's, such as `pooling`.

    Returns:
        `PretrainedModel` as it was written.

    Raises:
        ValueError: if the source is of an unknown kind or damaged, or the format has no such model.
        OSError: if the output cannot be written.
    """
    if to not in FORMATS:
        raise ValueError(f"`to` must be one of {', '.join(FORMATS)}. Received: to={to!r}")
    if not is_free(output):
        raise ValueError(f"{output} is there already. Choose another output, or remove it.")
    if to == "sentence_transformers":
        task = task or "text_embedder"
    pretrained = read_pretrained(source, vocabulary=vocabulary, weights_only=weights_only)
    if head_settings or task not in (None, pretrained.task):
        pretrained = _with_head(pretrained, task or pretrained.task, head_settings)
    with appearing_directory(output) as directory, explained_write_errors(output):
        _WRITERS[to](pretrained, directory)
        _write_card(_preset_of_run(source), directory, to=to)
    return pretrained


def _write_card(source, directory, *, to):
    path = os.path.join(source, CARD_FILE)
    if os.path.isfile(path):
        with open(path, encoding="utf-8") as file:
            card = card_for(to, file.read())
        with open(os.path.join(directory, CARD_FILE), "w", encoding="utf-8") as file:
            file.write(card)


def _preset_of_run(source):
    preset = os.path.join(source, _PRESET_FOLDER)
    return preset if os.path.exists(os.path.join(preset, _CONFIG_FILE)) else source


def _with_head(pretrained, task, head_settings):
    changed = pretrained_from(model_from(pretrained, task=task, **head_settings))
    return dataclasses.replace(
        pretrained,
        task=changed.task,
        head_settings=changed.head_settings,
        weights=changed.weights,
    )


def read_pretrained(source, *, vocabulary=None, weights_only=True):
    """Reads a model for a converter, from a preset or from another library's files.

    Args:
        source, vocabulary, weights_only: as `convert` takes them.

    Returns:
        `PretrainedModel`.

    Raises:
        ValueError: if the source is of an unknown kind or damaged.
    """
    source = preset_of(source)
    if vocabulary is not None and not takes_vocabulary(source):
        raise ValueError(
            "`vocabulary` (mpnet-convert: --vocab) must be left out for a model that comes with "
            f"its own. Received: vocabulary={vocabulary!r} with {source}"
        )
    if is_foreign(source):
        return read_foreign(source, vocabulary=vocabulary, weights_only=weights_only)
    model_cls = _saved_class(source)
    tokenizer = None
    if os.path.exists(os.path.join(source, TOKENIZER_FILE)):
        tokenizer = open_tokenizer(source).settings()
    model = model_cls.from_preset(os.path.abspath(source))
    carried = read_carried(source)
    preprocessor = getattr(model, "preprocessor", None)
    if isinstance(preprocessor, TransformerTextPreprocessor):
        # Of an embedder that has been trained since, another than its source's.
        longest = {"max_sequence_length": preprocessor.sequence_length}
        carried["carried_embedder"] = {**carried.get("carried_embedder", {}), **longest}
    return pretrained_from(model, tokenizer, **carried)


def preset_of(source):
    """Returns the directory on this machine with a source's files.

    Args:
        source: str. As `convert` takes it; of a run directory its preset is meant.
    """
    return local_directory(_preset_of_run(source)) or source


def open_model(source):
    """Opens a model as what it is.

    Args:
        source: str. As `convert` takes it.

    Returns:
        The model of the source's own task, or its backbone where it has none. Tasks of raw text
        have a preprocessor where the source has a tokenizer.

    Raises:
        ValueError: if the source is of an unknown kind or damaged.
    """
    directory = preset_of(source)
    if is_foreign(directory):
        return model_from(read_foreign(directory))
    return _saved_class(directory).from_preset(os.path.abspath(directory))


def class_of_source(source):
    """Tells the class of which `open_model` makes a model, without making one.

    Args:
        source: str. As `convert` takes it.

    Returns:
        The class, or None for a source of another library.

    Raises:
        ValueError: if the source is of an unknown kind or damaged.
    """
    directory = preset_of(source)
    return None if is_foreign(directory) else _saved_class(directory)


def _unknown_source_error(source):
    found = "a directory without these" if os.path.isdir(source) else "no such directory"
    return ValueError(
        "What is to be read must be a preset, a run with one, a directory of transformers or "
        "sentence-transformers, or a pretraining checkpoint (.pt). "
        f"Received: {source!r}, {found}"
    )


def _saved_class(preset):
    """Returns the class of a preset's task, or of its backbone where it has no task."""
    path = os.path.join(preset, _CONFIG_FILE)
    if not os.path.exists(path):
        raise _unknown_source_error(preset)
    if os.path.exists(os.path.join(preset, _TASK_FILE)):
        path = os.path.join(preset, _TASK_FILE)
    name = read_json(path).get("registered_name")
    saved_class = keras.saving.get_registered_object(name)
    if name is None:
        raise ValueError(
            f"{preset} has a config.json, but neither tensors of transformers (model.safetensors, "
            "pytorch_model.bin) nor a preset of keras_hub."
        )
    if saved_class is None:
        raise ValueError(f"{path} must be of a model of this package. It is of {name!r}.")
    return saved_class


def _write_preset(pretrained, directory):
    model_from(pretrained).save_to_preset(directory)
    if pretrained.tokenizer is not None:
        tokenizer_of_body(pretrained.body, pretrained.tokenizer).save_to_preset(directory)
    write_carried(pretrained, directory)


def _write_embedder(pretrained, directory):
    if pretrained.task != "text_embedder":
        raise ValueError(
            "`task` must be 'text_embedder' for sentence-transformers, which has no other. "
            f"Received: task={pretrained.task!r}"
        )
    write_sentence_transformers(pretrained, directory)


_WRITERS = {
    "keras": _write_preset,
    "huggingface": write_huggingface,
    "sentence_transformers": _write_embedder,
}
