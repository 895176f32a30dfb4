"""Pretraining checkpoints of MPNet's authors (fairseq) and of annotated-mpnet."""

from mpnet_tf.conversion.checkpoint_vocabulary import fitted, read_checkpoint_vocabulary
from mpnet_tf.conversion.pretrained_model import PretrainedModel
from mpnet_tf.conversion.tensor_files import state_dict_to_numpy
from mpnet_tf.conversion.weight_rules import (
    WeightRule,
    dense,
    norm,
    table,
    tensors_to_variables,
)

# Rows of the position table before the first position's, which follow from the padding's id, 1.
_POSITION_OFFSET = 2
# What both programs do where they are told nothing else.
_MAX_RELATIVE_DISTANCE = 128
_LAYER_NORM_EPSILON = 1e-5
_INITIALIZER_STDDEV = 0.02
_STATE_ENTRIES = ("model", "model_states")


def read_original_mpnet(checkpoint, path, *, vocabulary=None):
    """Reads a pretraining checkpoint, with the head that pretraining goes on with.

    Args:
        checkpoint: what PyTorch read from a `.pt` file of fairseq or of annotated-mpnet.
        path: str. The file, for messages.
        vocabulary: str or None. As `read_checkpoint_vocabulary` takes it.

    Returns:
        `PretrainedModel` of the task "masked_lm".

    Raises:
        ValueError: if the file is of something else, or its model computes something that the body
            here does not.
    """
    checkpoint = checkpoint if isinstance(checkpoint, dict) else {}
    entry = next((name for name in _STATE_ENTRIES if name in checkpoint), None)
    if entry is None or "args" not in checkpoint:
        raise ValueError(
            f"{path} is no pretraining checkpoint of MPNet or GLM: it must hold `args` and one of "
            f"{', '.join(_STATE_ENTRIES)}, or `module`. It holds "
            f"{', '.join(map(str, checkpoint)) or 'neither'}."
        )
    tensors = {
        # The names under which fairseq and `torch.compile` wrap the model.
        name.replace("_orig_mod.", "").removeprefix("decoder."): array
        for name, array in state_dict_to_numpy(checkpoint[entry], path).items()
        if not name.endswith("embed_positions._float_tensor")
    }
    arguments = checkpoint["args"]
    arguments = arguments if isinstance(arguments, dict) else vars(arguments)
    try:
        settings = _settings(arguments, tensors)
        weights = tensors_to_variables(
            _rules(settings),
            tensors,
            copies={"lm_head.weight": "sentence_encoder.embed_tokens.weight"},
        )
    except ValueError as error:
        raise ValueError(f"{path} cannot be converted: {error}.") from error
    tokenizer = None
    if vocabulary is not None:
        tokenizer = fitted(
            read_checkpoint_vocabulary(vocabulary), settings["vocabulary_size"], path=vocabulary
        )
    return PretrainedModel(
        body="mpnet",
        task="masked_lm",
        settings=settings,
        weights=weights,
        tokenizer=tokenizer,
    )


def _settings(arguments, tensors):
    """Returns what `MPNetBackbone` takes; sizes of tables come from the tables."""
    for name, allowed in (
        ("activation_fn", "gelu"),
        ("normalize_before", False),
        ("encoder_normalize_before", True),
        ("num_segments", 0),
    ):
        # fairseq normalises the embeddings by that name, the layers by the other.
        if arguments.get(name, allowed) not in (allowed, None):
            raise ValueError(
                f"its arguments have {name}={arguments[name]!r}, where {allowed!r} can be converted"
            )
    names = {
        "num_layers": ("encoder_layers",),
        "num_heads": ("encoder_attention_heads",),
        "hidden_dim": ("encoder_embed_dim",),
        "intermediate_dim": ("encoder_ffn_embed_dim", "encoder_ffn_dim"),
    }
    settings = {}
    for ours, theirs in names.items():
        given = [arguments[name] for name in theirs if name in arguments]
        if not given:
            raise ValueError(f"its arguments lack {' or '.join(theirs)}")
        settings[ours] = given[0]
    sizes = {
        "vocabulary_size": "sentence_encoder.embed_tokens.weight",
        "max_sequence_length": "sentence_encoder.embed_positions.weight",
        "num_relative_buckets": "sentence_encoder.relative_attention_bias.weight",
    }
    missing = [name for name in sizes.values() if name not in tensors]
    if missing:
        raise ValueError(f"tensors are missing: {', '.join(missing)}")
    settings |= {ours: len(tensors[name]) for ours, name in sizes.items()}
    settings["max_sequence_length"] -= _POSITION_OFFSET
    return settings | {
        "max_relative_distance": arguments.get("relative_attention_max_distance")
        or _MAX_RELATIVE_DISTANCE,
        "dropout": arguments.get("dropout", 0.1),
        "attention_dropout": arguments.get("attention_dropout", 0.1),
        "layer_norm_epsilon": _LAYER_NORM_EPSILON,
        "initializer_stddev": _INITIALIZER_STDDEV,
    }


def _rules(settings):
    width, encoder = settings["hidden_dim"], "sentence_encoder"
    positions = settings["max_sequence_length"] + _POSITION_OFFSET
    rules = [
        *table(
            "embeddings/token_embedding/embeddings",
            f"{encoder}.embed_tokens.weight",
            (settings["vocabulary_size"], width),
        ),
        *table(
            "embeddings/position_embedding/embeddings",
            f"{encoder}.embed_positions.weight",
            (positions, width),
        ),
        *norm("embeddings/norm", f"{encoder}.emb_layer_norm", width),
        *table(
            "relative_position_bias/embeddings",
            f"{encoder}.relative_attention_bias.weight",
            (settings["num_relative_buckets"], settings["num_heads"]),
        ),
        *dense({"lm_head/dense": width}, {"lm_head.dense": width}, width),
        *norm("lm_head/norm", "lm_head.layer_norm", width),
        *table("lm_head/bias", "lm_head.bias", (settings["vocabulary_size"],)),
    ]
    for index in range(settings["num_layers"]):
        rules += _layer_rules(f"transformer_layer_{index}", f"{encoder}.layers.{index}", settings)
    return rules


def _layer_rules(ours, theirs, settings):
    width, inner = settings["hidden_dim"], settings["intermediate_dim"]
    query, key_value = f"{ours}/attention/query", f"{ours}/attention/key_value"
    return [
        WeightRule(
            {f"{query}/kernel": (width, width), f"{key_value}/kernel": (width, 2 * width)},
            {f"{theirs}.self_attn.in_proj_weight": (3 * width, width)},
            transposed=True,
        ),
        WeightRule(
            {f"{query}/bias": (width,), f"{key_value}/bias": (2 * width,)},
            {f"{theirs}.self_attn.in_proj_bias": (3 * width,)},
        ),
        *dense(
            {f"{ours}/attention/output_projection": width},
            {f"{theirs}.self_attn.out_proj": width},
            width,
        ),
        *norm(f"{ours}/attention_norm", f"{theirs}.self_attn_layer_norm", width),
        *dense({f"{ours}/intermediate": inner}, {f"{theirs}.fc1": inner}, width),
        *dense({f"{ours}/feedforward_output": width}, {f"{theirs}.fc2": width}, inner),
        *norm(f"{ours}/feedforward_norm", f"{theirs}.final_layer_norm", width),
    ]
