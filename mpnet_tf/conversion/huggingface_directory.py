"""Hugging Face directories: models of `transformers`, read and written without it."""

import os
import re

import ml_dtypes
import numpy as np

from mpnet_tf.conversion.architectures import architecture_of_body, architecture_of_type
from mpnet_tf.conversion.checkpoint_vocabulary import check_size
from mpnet_tf.conversion.huggingface_tokenizer import has_tokenizer, read_tokenizer, write_tokenizer
from mpnet_tf.conversion.json_files import read_json, write_json
from mpnet_tf.conversion.pretrained_model import PretrainedModel
from mpnet_tf.conversion.tensor_files import (
    SAFETENSORS_FILE,
    has_tensors,
    read_tensors,
    write_safetensors,
)
from mpnet_tf.conversion.weight_rules import tensors_to_variables, variables_to_tensors

CONFIG_FILE = "config.json"
# Of the roles of special tokens, those that `config.json` has too.
_TOKEN_ID_ENTRIES = {
    "pad_token_id": "pad_token",
    "bos_token_id": "start_token",
    "eos_token_id": "end_token",
}
# Tasks whose head has as many outputs as there are labels.
_LABEL_TASKS = ("text_classifier", "token_classifier")
_POOLER_SEED = 0


def is_huggingface_directory(path):
    """Whether a path is a directory with a model of `transformers`."""
    return os.path.exists(os.path.join(path, CONFIG_FILE)) and has_tensors(path)


def read_huggingface(directory):
    """Reads a model that `transformers` saved.

    Args:
        directory: str. With `config.json`, tensors, and the files of a tokenizer or none.

    Returns:
        `PretrainedModel`.

    Raises:
        ValueError: if the model is of an unknown kind, or its files are damaged or do not fit each
            other. The message says which and what is supported.
    """
    config = read_json(os.path.join(directory, CONFIG_FILE))
    architecture = architecture_of_type(config.get("model_type"), source=directory)
    tensors = _renamed(read_tensors(directory), architecture)
    try:
        task = _task(architecture, config)
        settings, head_settings = architecture.settings(config), _head_settings(task, config)
        head = architecture.heads[task]
        carried = {name: array for name, array in tensors.items() if head.is_carried(name)}
        weights = tensors_to_variables(
            architecture.rules(task, settings, head_settings),
            {name: array for name, array in tensors.items() if name not in carried},
            copies=head.copies,
        )
    except ValueError as error:
        raise ValueError(f"{directory} cannot be converted: {error}.") from error
    tokenizer = read_tokenizer(directory) if has_tokenizer(directory) else None
    if tokenizer is not None:
        check_size(tokenizer, settings["vocabulary_size"], path=directory)
    return PretrainedModel(
        body=architecture.body,
        task=task,
        settings=settings,
        head_settings=head_settings,
        weights=weights,
        tokenizer=tokenizer,
        carried_config=config,
        carried_tensors=carried,
    )


def _renamed(tensors, architecture):
    """Brings names that older versions of `transformers` wrote to those of today."""
    renamed = {}
    for name, array in tensors.items():
        # A buffer that counts from 0, which is saved no longer.
        if name.endswith("embeddings.position_ids"):
            continue
        name = re.sub(r"\bLayerNorm\.gamma$", "LayerNorm.weight", name)
        renamed[re.sub(r"\bLayerNorm\.beta$", "LayerNorm.bias", name)] = array
    prefix = f"{architecture.model_type}."
    if all(name.startswith(prefix) for name in renamed):
        # A bare model, saved from within one with a head.
        renamed = {name.removeprefix(prefix): array for name, array in renamed.items()}
    return renamed


def _task(architecture, config):
    class_names = config.get("architectures") or [architecture.heads["backbone"].class_name]
    task = architecture.task_of_class(class_names[0])
    if task is None:
        known = ", ".join(head.class_name for head in architecture.heads.values())
        raise ValueError(f"its class is {class_names[0]}; those that can be: {known}")
    return task


def _head_settings(task, config):
    if task not in _LABEL_TASKS:
        return {}
    labels = config.get("id2label") or _unnamed(config.get("num_labels", 2))
    try:
        names = [labels[index] for index in sorted(labels, key=int)]
    except ValueError as error:
        raise ValueError(f"its id2label has keys that are no numbers: {list(labels)}") from error
    unnamed = list(_unnamed(len(labels)).values())
    return {"num_classes": len(names), "class_names": None if names == unnamed else names}


def _unnamed(num_classes):
    """Returns what `transformers` calls classes without names."""
    return {str(index): f"LABEL_{index}" for index in range(num_classes)}


def write_huggingface(model, directory):
    """Writes a model as `transformers` saves it.

    What the source's `config.json` held besides is kept, and so is the type of its tensors.

    Args:
        model: `PretrainedModel` of a task that `transformers` has.
        directory: str. An empty directory.

    Raises:
        ValueError: if `transformers` has no such model.
    """
    architecture = architecture_of_body(model.body)
    if model.task not in architecture.heads:
        raise ValueError(
            f"`transformers` has no {model.task} of the body {model.body!r}. Tasks that can be "
            f"converted: {', '.join(architecture.heads)}."
        )
    config = _written_config(architecture, model)
    rules = architecture.rules(model.task, model.settings, model.head_settings)
    tensors = variables_to_tensors(rules, model.weights) | _carried_tensors(architecture, model)
    dtype = np.dtype(getattr(ml_dtypes, config["dtype"], config["dtype"]))
    write_json(config, os.path.join(directory, CONFIG_FILE))
    write_safetensors(
        {name: array.astype(dtype) for name, array in tensors.items()},
        os.path.join(directory, SAFETENSORS_FILE),
    )
    if model.tokenizer is not None:
        write_tokenizer(model.tokenizer, directory, model_type=architecture.model_type)


def _written_config(architecture, model):
    carried = dict(model.carried_config)
    if carried.get("model_type") != architecture.model_type:
        carried = {}
    # Until version 4, "torch_dtype".
    dtype = carried.pop("torch_dtype", None)
    config = {
        "dtype": dtype or "float32",
        **_token_ids(model.tokenizer),
        **carried,
        **architecture.config(model.settings),
        "architectures": [_class_name(architecture, model.task, carried)],
    }
    if model.task in _LABEL_TASKS:
        names = model.head_settings.get("class_names")
        labels = _unnamed(model.head_settings["num_classes"])
        if names is not None:
            labels = dict(zip(labels, names, strict=True))
        config["id2label"] = labels
        config["label2id"] = {name: int(index) for index, name in labels.items()}
    return config


def _class_name(architecture, task, carried):
    """Returns the source's class where it is one for the task, such as `BertForPreTraining`."""
    for class_name in carried.get("architectures") or []:
        if architecture.task_of_class(class_name) == task:
            return class_name
    return architecture.heads[task].class_name


def _token_ids(tokenizer):
    if tokenizer is None:
        return {}
    return {
        name: tokenizer.vocabulary.index(tokenizer.special_tokens[role])
        for name, role in _TOKEN_ID_ENTRIES.items()
    }


def _carried_tensors(architecture, model):
    head = architecture.heads[model.task]
    carried = {
        name: array for name, array in model.carried_tensors.items() if head.is_carried(name)
    }
    if model.task == "backbone" and "pooler.dense.weight" not in carried:
        # `transformers` makes one for the bare model and warns where the file has none.
        width = model.settings["hidden_dim"]
        generator = np.random.default_rng(_POOLER_SEED)
        stddev = model.settings["initializer_stddev"]
        carried["pooler.dense.weight"] = generator.normal(0, stddev, (width, width))
        carried["pooler.dense.bias"] = np.zeros(width)
    return carried
