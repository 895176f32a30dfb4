"""Directories of sentence-transformers, read and written without it."""

import dataclasses
import os

from mpnet_tf.conversion.huggingface_directory import (
    CONFIG_FILE,
    read_huggingface,
    write_huggingface,
)
from mpnet_tf.conversion.json_files import read_json, write_json
from mpnet_tf.conversion.tensor_files import SAFETENSORS_FILE, read_tensors, write_safetensors
from mpnet_tf.conversion.weight_rules import dense, tensors_to_variables, variables_to_tensors

MODULES_FILE = "modules.json"
_TRANSFORMER_FILE = "sentence_bert_config.json"
_MODEL_FILE = "config_sentence_transformers.json"
# The names under which every version of the library finds its modules.
_MODULES = "sentence_transformers.models"
_KINDS = ("Transformer", "Pooling", "Dense", "Normalize")
_POOLING_FLAGS = {
    "cls": "pooling_mode_cls_token",
    "mean": "pooling_mode_mean_tokens",
    "max": "pooling_mode_max_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
}
# Of the model's own settings, those that say how it is to be used.
_CARRIED_ENTRIES = ("prompts", "default_prompt_name", "similarity_fn_name")
_ACTIVATIONS = {
    None: "torch.nn.modules.linear.Identity",
    "tanh": "torch.nn.modules.activation.Tanh",
}


def is_sentence_transformers_directory(path):
    """Whether a path is a directory that `SentenceTransformer` saved."""
    return os.path.exists(os.path.join(path, MODULES_FILE))


def read_sentence_transformers(directory):
    """Reads a sentence-transformers model: a body, a pooling, and maybe a dense layer and a norm.

    Args:
        directory: str.

    Returns:
        `PretrainedModel` of the task "text_embedder".

    Raises:
        ValueError: if it has other modules, or settings that change the embeddings in a way that
            the embedder here does not know.
    """
    folders = _module_folders(directory)
    body = read_huggingface(folders["Transformer"])
    if body.task != "backbone":
        raise ValueError(
            f"{folders['Transformer']} holds a model with a head ({body.task}), where "
            "sentence-transformers has a bare one."
        )
    head_settings, head_weights = _read_dense(folders.get("Dense"), body.settings)
    return dataclasses.replace(
        body,
        task="text_embedder",
        head_settings={
            "pooling": _read_pooling(folders["Pooling"]),
            **head_settings,
            "normalize": "Normalize" in folders,
        },
        weights={**body.weights, **head_weights},
        carried_embedder=_read_own_settings(directory, folders["Transformer"]),
    )


def _module_folders(directory):
    """Returns the folder of each module by its kind."""
    modules = read_json(os.path.join(directory, MODULES_FILE), list)
    kinds = [module["type"].rsplit(".", 1)[-1] for module in modules]
    convertible = [kind for kind in _KINDS if kind in kinds]
    if kinds != convertible or kinds[:2] != list(_KINDS[:2]):
        raise ValueError(
            f"{directory} has the modules {', '.join(kinds)}. Those that can be converted are "
            f"{_KINDS[0]}, {_KINDS[1]}, and then maybe one {_KINDS[2]} and one {_KINDS[3]}."
        )
    return {
        kind: os.path.join(directory, module["path"])
        for kind, module in zip(kinds, modules, strict=True)
    }


def _read_pooling(folder):
    path = os.path.join(folder, CONFIG_FILE)
    config = read_json(path)
    modes = config.get("pooling_mode")
    if modes is None:
        # Until version 5: a switch for each.
        names = {flag: mode for mode, flag in _POOLING_FLAGS.items()}
        flags = [name for name in config if name.startswith("pooling_mode_") and config[name]]
        modes = [names.get(flag, flag) for flag in flags] or ["mean"]
    modes = [modes] if isinstance(modes, str) else modes
    if len(modes) != 1 or modes[0] not in _POOLING_FLAGS:
        raise ValueError(
            f"{path} asks for pooling by {' and '.join(modes)}. One of "
            f"{', '.join(_POOLING_FLAGS)} can be converted."
        )
    if config.get("include_prompt", True) is False:
        raise ValueError(f"{path} leaves prompts out of the pooling, which cannot be converted.")
    return modes[0]


def _read_dense(folder, settings):
    """Returns the settings and weights of the dense layer after the pooling."""
    if folder is None:
        return {"dense_dim": None}, {}
    path = os.path.join(folder, CONFIG_FILE)
    config = read_json(path)
    names = {name: activation for activation, name in _ACTIVATIONS.items()}
    activation = config.get("activation_function", _ACTIVATIONS["tanh"])
    is_plain = (
        not config.get("use_residual")
        and config.get("module_input_name", "sentence_embedding") == "sentence_embedding"
        and config.get("module_output_name") in (None, "sentence_embedding")
    )
    if activation not in names or not is_plain:
        raise ValueError(
            f"{path} describes a dense layer that cannot be converted: its activation must be one "
            f"of {', '.join(names)}, with no residual connection, from the sentence's embedding to "
            "the same."
        )
    head_settings = {
        "dense_dim": config["out_features"],
        "dense_activation": names[activation],
        "dense_use_bias": config.get("bias", True),
    }
    try:
        weights = tensors_to_variables(_dense_rules(settings, head_settings), read_tensors(folder))
    except ValueError as error:
        raise ValueError(f"{folder} cannot be converted: {error}.") from error
    return head_settings, weights


def _dense_rules(settings, head_settings):
    outputs = head_settings["dense_dim"]
    rules = dense({"embedding_dense": outputs}, {"linear": outputs}, settings["hidden_dim"])
    return rules if head_settings["dense_use_bias"] else rules[:1]


def _read_own_settings(directory, transformer_folder):
    """Returns what the embedder here does not compute, but its users and the way back need."""
    path = os.path.join(transformer_folder, _TRANSFORMER_FILE)
    transformer = read_json(path) if os.path.exists(path) else {}
    if transformer.get("do_lower_case"):
        raise ValueError(
            f"{path} has do_lower_case=true, which lower-cases texts before their tokenizer does. "
            "Let the tokenizer do it."
        )
    path = os.path.join(directory, _MODEL_FILE)
    model = read_json(path) if os.path.exists(path) else {}
    return {
        "max_sequence_length": transformer.get("max_seq_length"),
        **{name: model[name] for name in _CARRIED_ENTRIES if name in model},
    }


def write_sentence_transformers(model, directory):
    """Writes a model as `SentenceTransformer` saves it.

    Args:
        model: `PretrainedModel` of the task "text_embedder".
        directory: str. An empty directory.

    Raises:
        ValueError: if `transformers` has no model of the body.
    """
    body_paths = [path for path in model.weights if not path.startswith("embedding_dense/")]
    write_huggingface(
        dataclasses.replace(
            model,
            task="backbone",
            head_settings={},
            weights={path: model.weights[path] for path in body_paths},
        ),
        directory,
    )
    own = dict(model.carried_embedder)
    longest = own.pop("max_sequence_length", None)
    if longest is None and model.tokenizer is not None:
        # Where version 6 keeps it.
        longest = model.tokenizer.model_max_length
    write_json(
        {
            "max_seq_length": longest or model.settings["max_sequence_length"],
            "do_lower_case": False,
        },
        os.path.join(directory, _TRANSFORMER_FILE),
    )
    write_json(
        {"prompts": {}, "default_prompt_name": None, "similarity_fn_name": "cosine", **own},
        os.path.join(directory, _MODEL_FILE),
    )
    kinds = ["Transformer", "Pooling"]
    kinds += ["Dense"] if model.head_settings.get("dense_dim") else []
    kinds += ["Normalize"] if model.head_settings["normalize"] else []
    folders = ["", *(f"{index}_{kind}" for index, kind in enumerate(kinds[1:], start=1))]
    for kind, folder in zip(kinds[1:], folders[1:], strict=True):
        path = os.path.join(directory, folder)
        os.mkdir(path)
        _WRITERS[kind](model, path)
    write_json(
        [
            {"idx": index, "name": str(index), "path": folder, "type": f"{_MODULES}.{kind}"}
            for index, (kind, folder) in enumerate(zip(kinds, folders, strict=True))
        ],
        os.path.join(directory, MODULES_FILE),
    )


def _write_pooling(model, folder):
    flags = {flag: mode == model.head_settings["pooling"] for mode, flag in _POOLING_FLAGS.items()}
    write_json(
        {"word_embedding_dimension": model.settings["hidden_dim"], **flags},
        os.path.join(folder, CONFIG_FILE),
    )


def _write_dense(model, folder):
    settings = model.head_settings
    write_json(
        {
            "in_features": model.settings["hidden_dim"],
            "out_features": settings["dense_dim"],
            "bias": settings["dense_use_bias"],
            "activation_function": _ACTIVATIONS[settings["dense_activation"]],
        },
        os.path.join(folder, CONFIG_FILE),
    )
    rules = _dense_rules(model.settings, settings)
    write_safetensors(
        variables_to_tensors(rules, model.weights), os.path.join(folder, SAFETENSORS_FILE)
    )


def _write_normalize(model, folder):
    """Leaves the folder empty, as the library does: the module has no settings."""


_WRITERS = {"Pooling": _write_pooling, "Dense": _write_dense, "Normalize": _write_normalize}
