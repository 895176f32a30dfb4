"""WordPiece tokenizers in the files of `transformers`, both ways."""

import os

from mpnet_tf.conversion import tokenizer_json, vocabulary_text
from mpnet_tf.conversion.json_files import read_json, write_json
from mpnet_tf.conversion.wordpiece_settings import TokenizerSettings
from mpnet_tf.data import vocabulary as vocabulary_lib
from mpnet_tf.data.added_tokens import AddedToken

TOKENIZER_FILE = "tokenizer.json"
CONFIG_FILE = "tokenizer_config.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"
VOCABULARY_FILE = "vocab.txt"

# What `transformers` calls the roles.
_NAMES = {
    "start_token": "cls_token",
    "pad_token": "pad_token",
    "end_token": "sep_token",
    "mask_token": "mask_token",
    "unk_token": "unk_token",
}

# The classes that write a pair in their own way, whatever their files say: how many end tokens
# stand between the texts, and whether the second has segment id 1.
_CLASSES = {"mpnet": ("MPNetTokenizer", 2, False), "bert": ("BertTokenizer", 1, True)}

# The class that follows tokenizer.json in everything.
_GENERAL_CLASS = "PreTrainedTokenizerFast"

# Models without segment ids, of which a template may still speak.
_CLASSES_WITHOUT_SEGMENTS = ("MPNet", "DistilBert")

# `transformers` writes 10^30 where there is no limit.
_NO_LIMIT = 10**9


def has_tokenizer(directory):
    """Returns whether a directory has a tokenizer in the files of `transformers`.

    keras_hub's presets have a `tokenizer.json` too, with the class of a layer.
    """
    path = os.path.join(directory, TOKENIZER_FILE)
    if os.path.exists(path):
        return "model" in read_json(path)
    return os.path.exists(os.path.join(directory, VOCABULARY_FILE))


def read_tokenizer(directory):
    """Reads a tokenizer of `transformers`.

    `tokenizer.json` decides where it is there, and `vocab.txt` where it is not;
    `tokenizer_config.json` and `special_tokens_map.json` add the rest. The entries of truncation
    and padding are left aside: they hold lengths and sides that a caller chooses anew for each use.

    Args:
        directory: str.

    Returns:
        `TokenizerSettings`.

    Raises:
        ValueError: if the files are missing, damaged or at odds, or the tokenizer does what
            `TransformerTokenizer` cannot. The message names the file, what was found there and
            what is supported.
    """
    config_path = os.path.join(directory, CONFIG_FILE)
    config = read_json(config_path) if os.path.exists(config_path) else {}
    names = _names_in_files(directory, config)
    if os.path.exists(os.path.join(directory, TOKENIZER_FILE)):
        source = os.path.join(directory, TOKENIZER_FILE)
        found = tokenizer_json.parse(read_json(source), source=source)
        _check_agreement(found, config, source=source, config_path=config_path)
    elif os.path.exists(os.path.join(directory, VOCABULARY_FILE)):
        source = os.path.join(directory, VOCABULARY_FILE)
        found = vocabulary_text.parse(source, config, names.values(), config_path=config_path)
    else:
        raise ValueError(f"{directory} has neither {TOKENIZER_FILE} nor {VOCABULARY_FILE}.")
    tokens = {role: _content(token) for role, token in names.items()}
    roles = _roles(found, tokens, config.get("tokenizer_class") or "", source=source)
    vocabulary_lib.check_vocabulary(found.vocabulary, source=source, roles=roles)
    # The classes of `transformers` find the tokens of the roles whether or not they are listed.
    added_tokens = {token.content: token for token in found.added_tokens}
    added_tokens = {token: AddedToken(token) for token in roles.values()} | added_tokens
    ids = {token: index for index, token in enumerate(found.vocabulary)}
    template = found.template or _template_of(roles)
    return TokenizerSettings(
        vocabulary=found.vocabulary,
        lowercase=found.lowercase,
        strip_accents=found.strip_accents,
        split_chinese=found.split_chinese,
        special_tokens=roles,
        pair_separators=template.pair_separators,
        has_segment_ids=template.second_segment == 1 and _knows_segments(config, roles),
        model_max_length=_max_length(config),
        added_tokens=tuple(sorted(added_tokens.values(), key=lambda token: ids[token.content])),
    )


def _content(token):
    return token["content"] if isinstance(token, dict) else token


def _names_in_files(directory, config):
    """Returns the special tokens that the files name, as str or dict, by their roles."""
    names = {role: config[name] for role, name in _NAMES.items() if config.get(name)}
    path = os.path.join(directory, SPECIAL_TOKENS_FILE)
    if os.path.exists(path):
        special_tokens = read_json(path)
        for role, name in _NAMES.items():
            token = special_tokens.get(name)
            if not token:
                continue
            if role in names and _content(names[role]) != _content(token):
                raise ValueError(
                    f"{path} has {name}={_content(token)!r}, where {CONFIG_FILE} has "
                    f"{_content(names[role])!r}. Make them the same."
                )
            names.setdefault(role, token)
    return names


def _check_agreement(found, config, *, source, config_path):
    # The classes of `transformers` follow the second file here, and `tokenizers` the first.
    theirs = {
        "do_lower_case": found.lowercase,
        "tokenize_chinese_chars": found.split_chinese,
        "strip_accents": found.strip_accents,
    }
    for name, value in theirs.items():
        given = config.get(name)
        if name == "strip_accents":
            value = found.lowercase if value is None else value
        if given is not None and given != value:
            raise ValueError(
                f"{config_path} has {name}={given}, where the normalizer in {source} has the "
                "opposite. Make them the same."
            )


def _roles(found, names, tokenizer_class, *, source):
    """Completes the roles by what the templates and the model say, and then by usual names."""
    known = dict(names)
    said = {"unk_token": found.unk_token}
    if found.template is not None:
        said |= {"start_token": found.template.start_token, "end_token": found.template.end_token}
    for role, token in said.items():
        if token is not None and known.setdefault(role, token) != token:
            raise ValueError(
                f"{source} has {token!r} as {_NAMES[role]}, where {CONFIG_FILE} or "
                f"{SPECIAL_TOKENS_FILE} has {known[role]!r}. Make them the same."
            )
    tokens = set(found.vocabulary)
    for kind, layout in vocabulary_lib.LAYOUTS.items():
        if tokenizer_class.lower().startswith(("mpnet", "bert")):
            if not tokenizer_class.lower().startswith(kind.lower()):
                continue
        elif not all(known[role] in layout[role] for role in known):
            continue
        usual = {role: [name for name in layout[role] if name in tokens] for role in layout}
        roles = {role: known.get(role) or next(iter(usual[role]), None) for role in layout}
        if None not in roles.values():
            return roles
    if len(known) == len(_NAMES):
        return {role: known[role] for role in vocabulary_lib.ROLES}
    missing = [name for role, name in _NAMES.items() if role not in known]
    raise ValueError(
        f"{source}: {CONFIG_FILE} and {SPECIAL_TOKENS_FILE} lack {', '.join(missing)}, and the "
        "vocabulary has not all the usual names of MPNet or of BERT. Name the tokens."
    )


def _template_of(roles):
    kind = "bert" if vocabulary_lib.layout_of_roles(roles) == "BERT" else "mpnet"
    _, pair_separators, has_segment_ids = _CLASSES[kind]
    return tokenizer_json.Template(
        start_token=roles["start_token"],
        end_token=roles["end_token"],
        pair_separators=pair_separators,
        second_segment=int(has_segment_ids),
    )


def _knows_segments(config, roles):
    if (config.get("tokenizer_class") or "").startswith(_CLASSES_WITHOUT_SEGMENTS):
        return False
    if config.get("model_input_names"):
        return "token_type_ids" in config["model_input_names"]
    return vocabulary_lib.layout_of_roles(roles) != "MPNet"


def _max_length(config):
    length = config.get("model_max_length")
    return None if length is None or length > _NO_LIMIT else int(length)


def write_tokenizer(settings, directory, *, model_type):
    """Writes a tokenizer as `transformers` does, with a `vocab.txt` besides.

    Args:
        settings: `TokenizerSettings`.
        directory: str. Made if it is not there.
        model_type: "mpnet" or "bert". Which class of `transformers` is to read it; where that one
            would pack pairs otherwise than the settings say, a general class is named instead.

    Raises:
        ValueError: if `model_type` is another.
    """
    if model_type not in _CLASSES:
        raise ValueError(
            f"`model_type` must be one of {', '.join(_CLASSES)}. Received: model_type={model_type}"
        )
    # `tokenizers` is needed here alone.
    from mpnet_tf.conversion import tokenizer_json_writer

    os.makedirs(directory, exist_ok=True)
    text = tokenizer_json_writer.tokenizer_json(settings, mask_takes_space=model_type == "mpnet")
    with open(os.path.join(directory, TOKENIZER_FILE), "w", encoding="utf-8") as file:
        file.write(text)
    names = {name: settings.special_tokens[role] for role, name in _NAMES.items()}
    if model_type == "mpnet":
        names |= {"bos_token": names["cls_token"], "eos_token": names["sep_token"]}
    extra = [
        token.content
        for token in settings.added_tokens
        if token.special and token.content not in names.values()
    ]
    if extra:
        names["additional_special_tokens"] = extra
    write_json(names, os.path.join(directory, SPECIAL_TOKENS_FILE))
    write_json(_config(settings, names, model_type), os.path.join(directory, CONFIG_FILE))
    path = os.path.join(directory, VOCABULARY_FILE)
    vocabulary_lib.write_vocabulary(settings.vocabulary, path)


def _config(settings, names, model_type):
    class_name, *own = _CLASSES[model_type]
    config = {
        "tokenizer_class": class_name,
        "do_lower_case": settings.lowercase,
        "strip_accents": settings.strip_accents,
        "tokenize_chinese_chars": settings.split_chinese,
        **names,
    }
    if own != [settings.pair_separators, settings.has_segment_ids]:
        segments = ["token_type_ids"] if settings.has_segment_ids else []
        config["tokenizer_class"] = _GENERAL_CLASS
        config["model_input_names"] = ["input_ids", *segments, "attention_mask"]
    if settings.model_max_length is not None:
        config["model_max_length"] = settings.model_max_length
    return config
