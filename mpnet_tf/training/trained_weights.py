"""Trained weights, read from a preset, from a run, or from one checkpoint."""

import dataclasses
import glob
import json
import os

import keras
import keras_hub
from absl import logging

from mpnet_tf.conversion.sources import is_foreign, read_foreign
from mpnet_tf.data.manifest import TOKENIZER_DIRECTORY, hash_file, read_manifest
from mpnet_tf.models.bodies import BODIES
from mpnet_tf.models.converted_model import model_from
from mpnet_tf.models.tokenizers import open_tokenizer, tokenizer_of_body
from mpnet_tf.models.vocabulary_tokenizer import CONFIG_FILE as TOKENIZER_FILE
from mpnet_tf.models.vocabulary_tokenizer import VocabularyTokenizer
from mpnet_tf.training.checkpoint_files import (
    RECORD_FILE,
    CheckpointDamageError,
    check_hashes,
    list_checkpoints,
    read_arrays,
    read_record,
)
from mpnet_tf.training.config import PretrainingConfig

_TASK_FILE = "task.json"
_HEAD_WEIGHTS_FILE = "task.weights.h5"
_MODEL_GROUP = "model/"
_SCHEDULE_FREE = "schedule_free_adamw"
_MAX_REASON_CHARACTERS = 300


@dataclasses.dataclass(frozen=True)
class TrainedWeights:
    """The weights of a `Pretrainer`, on the host, and all that is known of them.

    Attributes:
        path: str. What was opened.
        kind: "preset", "run" or "checkpoint"; "model" of another library's.
        model_settings: dict from names of `ModelConfig` to the values that the weights are for.
        weights: dict from variable paths to arrays.
        hashes: dict from the files that the weights were in to their SHA-256 in hexadecimal.
        tokenizer: `VocabularyTokenizer` of the weights, or None where none is found.
        tokenizer_fingerprint: str or None. May be known where the tokenizer is not.
        tokenizer_path: str or None. The directory that the tokenizer is in.
    """

    path: str
    kind: str
    model_settings: dict
    weights: dict
    hashes: dict
    tokenizer: VocabularyTokenizer | None = None
    tokenizer_fingerprint: str | None = None
    tokenizer_path: str | None = None

    @property
    def is_file(self):
        """Whether they are all in one file, another library's."""
        return os.path.isfile(self.path)


def read_trained_weights(path, *, vocabulary=None):
    """Reads trained weights and what is known of them.

    Args:
        path: str. A preset directory; a run directory, for its newest whole checkpoint; the
            folder of one checkpoint; or what `mpnet_tf.conversion.sources.read_foreign` takes. The
            averaged weights are taken of a run whose optimizer has such. A model of another
            library without a language-model head gets a fresh one.
        vocabulary: str or None. What numbered the tokens of another library's checkpoint that does
            not say, as `read_foreign` takes it.

    Returns:
        `TrainedWeights`.

    Raises:
        ValueError: if there is nothing of the kind, it is damaged, or it is of an unknown body.
    """
    if os.path.exists(os.path.join(path, RECORD_FILE)):
        return _open_checkpoint(path)
    if os.path.exists(os.path.join(path, _TASK_FILE)):
        return _open_preset(path)
    if is_foreign(path):
        return _open_foreign(path, vocabulary)
    checkpoints = list_checkpoints(os.path.join(path, "checkpoints"))
    if checkpoints:
        return _open_run(path, checkpoints)
    found = "a directory without any of these" if os.path.isdir(path) else "no directory"
    raise ValueError(
        f"`init_from` must be a preset directory (with {_TASK_FILE}), a run directory with a "
        "checkpoint, the folder of a checkpoint, a model of transformers, or a pretraining "
        f"checkpoint (.pt). Received: init_from={path!r}, {found}."
    )


def _open_run(path, checkpoints):
    damages = []
    for folder in reversed(checkpoints.values()):
        try:
            values = _read_checkpoint(folder)
        except CheckpointDamageError as damage:
            damages.append(f"{folder} is damaged: {damage}")
            continue
        if damages:
            logging.warning("%s. Using %s instead.", "; ".join(damages), folder)
        return TrainedWeights(path, "run", **values, **_tokenizer_of_run(path))
    raise ValueError(
        f"`init_from` must have a checkpoint that is whole. Received: init_from={path!r}, where "
        f"{'; '.join(damages)}. Put back copies of these folders, or begin from a preset."
    )


def _open_checkpoint(path):
    try:
        values = _read_checkpoint(path)
    except CheckpointDamageError as damage:
        raise ValueError(
            f"`init_from` must be whole. Received: init_from={path!r}, which is damaged: {damage}. "
            "Put back a copy, or begin from another checkpoint."
        ) from damage
    run = os.path.dirname(os.path.dirname(os.path.abspath(path)))
    return TrainedWeights(path, "checkpoint", **values, **_tokenizer_of_run(run))


def _read_checkpoint(folder):
    record = read_record(folder)
    check_hashes(folder, record)
    config = PretrainingConfig.from_dict(record["config"])
    weights = {
        name.removeprefix(_MODEL_GROUP): array
        for name, array in read_arrays(folder, lambda name: name.startswith(_MODEL_GROUP)).items()
    }
    if config.optimizer.name == _SCHEDULE_FREE:
        weights = _averaged(weights, folder, beta_1=config.optimizer.beta_1)
    return {
        "model_settings": dataclasses.asdict(config.model),
        "weights": weights,
        "hashes": {name: file["sha256"] for name, file in record["files"].items()},
    }


def _averaged(weights, folder, *, beta_1):
    """Computes what `ScheduleFreeAdamW.average` does, from what it trains and its z."""
    # The names that Keras gives what stands in the place of the first moments.
    names = {
        path: f"optimizer/{_SCHEDULE_FREE}/{path.replace('/', '_')}_momentum" for path in weights
    }
    arrays = read_arrays(folder, set(names.values()).__contains__)
    if len(arrays) < len(weights):
        raise ValueError(
            "`init_from` must hold all that the average of a schedule-free run is made of. "
            f"Received: init_from={folder!r}, which has it for {len(arrays)} of {len(weights)} "
            "weights. Begin from the run's preset."
        )
    return {
        path: (trained - (1 - beta_1) * arrays[names[path]]) / beta_1
        for path, trained in weights.items()
    }


def _tokenizer_of_run(run):
    """Finds the tokenizer that a run directory's manifest names, in the places where it may be."""
    try:
        fingerprint = read_manifest(run).tokenizer_fingerprint
    except ValueError:
        # A checkpoint that was moved away from its run.
        return {}
    for folder in ("preset", os.path.join("shards", TOKENIZER_DIRECTORY)):
        found = _tokenizer_in(os.path.join(run, folder))
        if found and found["tokenizer_fingerprint"] == fingerprint:
            return found
    return {"tokenizer_fingerprint": fingerprint}


def _tokenizer_in(preset):
    if not os.path.exists(os.path.join(preset, TOKENIZER_FILE)):
        return {}
    tokenizer = open_tokenizer(preset)
    return {
        "tokenizer": tokenizer,
        "tokenizer_fingerprint": tokenizer.fingerprint,
        "tokenizer_path": preset,
    }


def _open_foreign(path, vocabulary):
    pretrained = read_foreign(path, vocabulary=vocabulary)
    # An accelerator's memory is for the run's own model.
    with keras.device("cpu:0"):
        masked_lm = model_from(pretrained, task="masked_lm")
    found = {}
    if pretrained.tokenizer is not None:
        tokenizer = tokenizer_of_body(pretrained.body, pretrained.tokenizer)
        found = {
            "tokenizer": tokenizer,
            "tokenizer_fingerprint": tokenizer.fingerprint,
            "tokenizer_path": path,
        }
    return TrainedWeights(
        path,
        "model",
        model_settings={**pretrained.settings, "body": pretrained.body},
        weights={variable.path: variable.value.numpy() for variable in masked_lm.weights},
        hashes=_hashes(
            [path]
            if os.path.isfile(path)
            else [*_files(path, "*.safetensors"), *_files(path, "pytorch_model*.bin")]
        ),
        **found,
    )


def _hashes(paths):
    return {os.path.basename(path): hash_file(path).sha256 for path in paths}


def _files(folder, pattern):
    return sorted(glob.glob(os.path.join(glob.escape(folder), pattern)))


def _open_preset(path):
    settings = _preset_settings(path)
    try:
        # An accelerator's memory is for the run's own model.
        with keras.device("cpu:0"):
            masked_lm = keras_hub.models.MaskedLM.from_preset(os.path.abspath(path))
    # Keras and HDF5 raise any of them for files that are cut off or do not fit each other.
    except (ValueError, OSError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:_MAX_REASON_CHARACTERS]
        raise ValueError(
            f"`init_from` must be a whole preset. Received: init_from={path!r}, which cannot be "
            f"loaded: {reason}. Put back a copy of it."
        ) from error
    has_head = os.path.exists(os.path.join(path, _HEAD_WEIGHTS_FILE))
    if masked_lm.has_task_weights() and not has_head:
        raise ValueError(
            "`init_from` must hold the language-model head's weights too. Received: "
            f"init_from={path!r}, which lacks {_HEAD_WEIGHTS_FILE}. Put back a copy of it."
        )
    return TrainedWeights(
        path,
        "preset",
        model_settings=settings,
        weights={variable.path: variable.value.numpy() for variable in masked_lm.weights},
        hashes=_hashes(_files(path, "*.weights.h5")),
        **_tokenizer_in(path),
    )


def _preset_settings(path):
    bodies = {body_cls.__name__: name for name, body_cls in BODIES.items()}
    with open(os.path.join(path, _TASK_FILE), encoding="utf-8") as file:
        try:
            task = json.load(file)
            backbone = task["config"]["backbone"]
            body = bodies[backbone["class_name"]]
            is_ours = backbone["registered_name"] == f"mpnet_tf>{backbone['class_name']}"
            settings = {**backbone["config"], "body": body}
        except (ValueError, KeyError, TypeError):
            is_ours = False
    if not is_ours:
        raise ValueError(
            f"`init_from` must be a masked language model of one of the bodies {', '.join(BODIES)}."
            f" Received: init_from={path!r}, whose {_TASK_FILE} is of something else."
        )
    return settings
