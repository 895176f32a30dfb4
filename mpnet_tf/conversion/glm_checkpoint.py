"""GLM in its authors' layout: their program's checkpoints, and the directories they publish."""

import os

from mpnet_tf.conversion.checkpoint_vocabulary import fitted, read_checkpoint_vocabulary
from mpnet_tf.conversion.json_files import read_json
from mpnet_tf.conversion.pretrained_model import PretrainedModel
from mpnet_tf.conversion.tensor_files import has_tensors, read_tensors, state_dict_to_numpy
from mpnet_tf.conversion.tokenizer_files import read_tokenizer_files
from mpnet_tf.conversion.weight_rules import dense, norm, table, tensors_to_variables
from mpnet_tf.data.vocabulary import BLANK_TOKENS

# Where a checkpoint of the program holds its model.
STATE_ENTRY = "module"
# In a directory's config.json: tells it from the later models that `transformers` calls GLM.
_CONFIG_ENTRY = "block_position_encoding"
_CONFIG_FILE = "config.json"
_PREFIX = "glm."
# In all released sizes; a checkpoint of the program does not tell.
_HEAD_DIM = 64
_TOKENS = "word_embeddings.weight"
_POSITIONS = "transformer.position_embeddings.weight"
_BLOCK_POSITIONS = "transformer.block_position_embeddings.weight"
_LAYER_NORM_EPSILON = 1e-5
_INITIALIZER_STDDEV = 0.02


def is_glm_directory(path):
    """Whether a path is a directory that GLM's authors published."""
    config = os.path.join(path, _CONFIG_FILE)
    return os.path.exists(config) and has_tensors(path) and _CONFIG_ENTRY in read_json(config)


def read_glm_directory(path, *, vocabulary=None):
    """Reads a GLM from a directory of `config.json` and tensors.

    Args:
        path: str.
        vocabulary: str or None. As `read_checkpoint_vocabulary` takes it; None for the tokenizer
            that lies in the directory, if there is one.

    Returns:
        `PretrainedModel` of the task "masked_lm".

    Raises:
        ValueError: if it is damaged, or computes something that the body here does not.
    """
    config = read_json(os.path.join(path, _CONFIG_FILE))
    if not config[_CONFIG_ENTRY] or config.get("relative_encoding"):
        raise ValueError(
            f"{path} has {_CONFIG_ENTRY}={config[_CONFIG_ENTRY]} and relative_encoding="
            f"{config.get('relative_encoding', False)}, where True and False can be converted."
        )
    settings = {
        "num_heads": config.get("num_attention_heads"),
        "dropout": config.get("output_dropout_prob", 0.1),
        "attention_dropout": config.get("attention_dropout_prob", 0.1),
    }
    if vocabulary is None:
        tokenizer = read_tokenizer_files(path)
    else:
        tokenizer = read_checkpoint_vocabulary(vocabulary)
    return _read(
        read_tensors(path), path, tokenizer=tokenizer, vocabulary=vocabulary, settings=settings
    )


def read_glm_checkpoint(checkpoint, path, *, vocabulary=None):
    """Reads a GLM from what its authors' program saved.

    Args:
        checkpoint: dict. What PyTorch read from the file.
        path: str. The file, such as `mp_rank_00_model_states.pt`.
        vocabulary: str or None. As `read_checkpoint_vocabulary` takes it.

    Returns:
        `PretrainedModel` of the task "masked_lm". Heads are 64 wide, as in all released sizes,
        and the rates of dropout are the defaults: the file tells neither.

    Raises:
        ValueError: if it is a part of a model, or computes something that the body here does not.
    """
    tensors = state_dict_to_numpy(checkpoint[STATE_ENTRY], path)
    tokenizer = None if vocabulary is None else read_checkpoint_vocabulary(vocabulary)
    return _read(tensors, path, tokenizer=tokenizer, vocabulary=vocabulary, settings={})


def _read(tensors, path, *, tokenizer, vocabulary, settings):
    tensors = {name.removeprefix(_PREFIX): array for name, array in tensors.items()}
    try:
        settings = {**_settings_of_tensors(tensors), **settings}
        if settings["num_heads"] is None:
            settings["num_heads"] = settings["hidden_dim"] // _HEAD_DIM
        # The program has a row for a position that no row of so many tokens has.
        carried = {_POSITIONS: tensors[_POSITIONS]}
        tensors[_POSITIONS] = tensors[_POSITIONS][: settings["max_sequence_length"]]
        weights = tensors_to_variables(_rules(settings), tensors)
    except ValueError as error:
        raise ValueError(f"{path} cannot be converted: {error}.") from error
    if tokenizer is not None:
        tokenizer = fitted(
            tokenizer,
            settings["vocabulary_size"],
            path=vocabulary or path,
            further_tokens=BLANK_TOKENS,
        )
    return PretrainedModel(
        body="glm",
        task="masked_lm",
        settings=settings,
        weights=weights,
        tokenizer=tokenizer,
        carried_tensors=carried,
    )


def _settings_of_tensors(tensors):
    """Returns what `GLMBackbone` takes, as far as the shapes tell it."""
    first = "transformer.layers.0.mlp.dense_h_to_4h.weight"
    missing = [
        name for name in (_TOKENS, _POSITIONS, _BLOCK_POSITIONS, first) if name not in tensors
    ]
    if missing:
        raise ValueError(f"tensors are missing: {', '.join(missing)}")
    vocabulary_size, hidden_dim = tensors[_TOKENS].shape
    qkv_rows = len(tensors["transformer.layers.0.attention.query_key_value.weight"])
    if qkv_rows != 3 * hidden_dim:
        raise ValueError(
            f"query_key_value has {qkv_rows} rows, not 3 x {hidden_dim}: this is one part of a "
            "model that was cut for several devices. Join its parts first, by GLM's change_mp.py"
        )
    layers = {name.split(".")[2] for name in tensors if name.startswith("transformer.layers.")}
    return {
        "vocabulary_size": vocabulary_size,
        "num_layers": len(layers),
        "num_heads": None,
        "hidden_dim": hidden_dim,
        "intermediate_dim": len(tensors[first]),
        "max_sequence_length": len(tensors[_BLOCK_POSITIONS]) - 1,
        "layer_norm_epsilon": _LAYER_NORM_EPSILON,
        "initializer_stddev": _INITIALIZER_STDDEV,
    }


def _rules(settings):
    width = settings["hidden_dim"]
    rules = [
        *table(
            "embeddings/token_embedding/embeddings", _TOKENS, (settings["vocabulary_size"], width)
        ),
        *table(
            "embeddings/position_embedding/embeddings",
            _POSITIONS,
            (settings["max_sequence_length"], width),
        ),
        *table(
            "embeddings/block_position_embedding/embeddings",
            _BLOCK_POSITIONS,
            (settings["max_sequence_length"] + 1, width),
        ),
        *norm("final_norm", "transformer.final_layernorm", width),
    ]
    for index in range(settings["num_layers"]):
        rules += _layer_rules(f"transformer_layer_{index}", f"transformer.layers.{index}", settings)
    return rules


def _layer_rules(ours, theirs, settings):
    width, inner = settings["hidden_dim"], settings["intermediate_dim"]
    attention = f"{ours}/attention"
    return [
        *norm(f"{ours}/attention_norm", f"{theirs}.input_layernorm", width),
        *dense(
            {f"{attention}/query": width, f"{attention}/key_value": 2 * width},
            {f"{theirs}.attention.query_key_value": 3 * width},
            width,
        ),
        *dense(
            {f"{attention}/output_projection": width}, {f"{theirs}.attention.dense": width}, width
        ),
        *norm(f"{ours}/feedforward_norm", f"{theirs}.post_attention_layernorm", width),
        *dense({f"{ours}/intermediate": inner}, {f"{theirs}.mlp.dense_h_to_4h": inner}, width),
        *dense(
            {f"{ours}/feedforward_output": width}, {f"{theirs}.mlp.dense_4h_to_h": width}, inner
        ),
    ]
