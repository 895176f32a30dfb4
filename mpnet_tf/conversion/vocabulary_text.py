"""A tokenizer of `transformers` that has a `vocab.txt` and no `tokenizer.json`."""

import os

from mpnet_tf.conversion.json_files import read_json
from mpnet_tf.conversion.tokenizer_json import FoundTokenizer
from mpnet_tf.data import vocabulary as vocabulary_lib
from mpnet_tf.data.added_tokens import AddedToken

_ADDED_TOKENS_FILE = "added_tokens.json"

_CLASSES = (
    "BertTokenizer",
    "BertTokenizerFast",
    "GLMBertTokenizer",
    "MPNetTokenizer",
    "MPNetTokenizerFast",
)


def parse(path, config, named_tokens, *, config_path):
    """Reads a tokenizer as BERT's and MPNet's classes of `transformers` build it.

    Args:
        path: str. The `vocab.txt`.
        config: dict. Contents of `tokenizer_config.json`.
        named_tokens: iterable of str or dict. The special tokens that the files name.
        config_path: str. Where the configuration is from, for messages.

    Returns:
        `FoundTokenizer`. Its `added_tokens` lack special tokens that no file names.

    Raises:
        ValueError: if the class is another, or the ids of added tokens leave holes.
    """
    name = config.get("tokenizer_class")
    if name is not None and name not in _CLASSES:
        raise ValueError(
            f"{config_path} has tokenizer_class={name!r}, where {', '.join(_CLASSES)} can be read "
            "from a vocab.txt. Save it with tokenizer.json."
        )
    if config.get("do_basic_tokenize") is False:
        raise ValueError(f"{config_path} has do_basic_tokenize=False, where only True can be read.")
    vocabulary = vocabulary_lib.read_tokens(path)
    added_tokens, ids = _added_tokens(os.path.dirname(path), config, named_tokens)
    for token, index in sorted(ids.items(), key=lambda item: item[1]):
        if index == len(vocabulary):
            vocabulary.append(token)
        elif index > len(vocabulary) or vocabulary[index] != token:
            raise ValueError(
                f"{config_path} or {_ADDED_TOKENS_FILE} gives {token!r} the id {index}, which does "
                f"not fit {path} with {len(vocabulary)} tokens."
            )
    return FoundTokenizer(
        vocabulary=tuple(vocabulary),
        # What the classes take where nothing is said.
        lowercase=config.get("do_lower_case", True),
        strip_accents=config.get("strip_accents"),
        split_chinese=config.get("tokenize_chinese_chars", True),
        added_tokens=added_tokens,
        unk_token=None,
        template=None,
    )


def _added_tokens(directory, config, named_tokens):
    """Returns the tokens that the files name, as `AddedToken`s, and the ids of some."""
    decoder = config.get("added_tokens_decoder") or {}
    ids = {token["content"]: int(index) for index, token in decoder.items()}
    tokens = {token["content"]: _added_token(token) for token in decoder.values()}
    path = os.path.join(directory, _ADDED_TOKENS_FILE)
    if not decoder and os.path.exists(path):
        ids = read_json(path)
    for token in [*named_tokens, *(config.get("additional_special_tokens") or [])]:
        tokens.setdefault(_added_token(token).content, _added_token(token))
    for token in ids:
        tokens.setdefault(token, AddedToken(token, normalized=True, special=False))
    return tuple(tokens.values()), ids


def _added_token(token):
    if isinstance(token, str):
        return AddedToken(token)
    normalized, special = token.get("normalized", False), token.get("special", True)
    return AddedToken(token["content"], normalized=normalized, special=special)
