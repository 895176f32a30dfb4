"""The special tokens in a directory of GLM's authors: their ids and their roles."""

import os

from mpnet_tf.conversion.json_files import read_json
from mpnet_tf.data import vocabulary as vocabulary_lib

_ADDED_TOKENS_FILE = "added_tokens.json"
# The later files win where they differ.
_ROLE_FILES = ("special_tokens_map.json", "tokenizer_config.json")
# Where GLM's program adds tokens of its own to another vocabulary.
GLM_ROLES = {
    "start_token": "[CLS]",
    "pad_token": "<|endoftext|>",
    "end_token": "<|endoftext|>",
    "mask_token": "[MASK]",
    "unk_token": "[UNK]",
}
# GLM ends a text with what `transformers` calls the end of the sequence.
_NAMES = {
    "start_token": "cls_token",
    "pad_token": "pad_token",
    "end_token": "eos_token",
    "mask_token": "mask_token",
    "unk_token": "unk_token",
}


def read_added_tokens(directory, *, first_id):
    """Reads the tokens that a directory adds to a vocabulary.

    Args:
        directory: str.
        first_id: int. The id after the vocabulary's last.

    Returns:
        List of str, from `first_id` on, with names for ids that are left out; or None where there
        is no file with added tokens.

    Raises:
        ValueError: if an added token has an id of the vocabulary.
    """
    path = os.path.join(directory, _ADDED_TOKENS_FILE)
    if not os.path.exists(path):
        return None
    ids = read_json(path)
    for token, index in ids.items():
        if not isinstance(index, int) or index < first_id:
            raise ValueError(
                f"{path} gives {token!r} the id {index!r}, where ids from {first_id} on are free."
            )
    named = {index: token for token, index in ids.items()}
    if len(named) < len(ids):
        raise ValueError(f"{path} gives two tokens the same id. Keep one of them.")
    last_id = max(named, default=first_id - 1)
    fillers = iter(vocabulary_lib.filler_tokens(last_id + 1 - first_id))
    return [named.get(index) or next(fillers) for index in range(first_id, last_id + 1)]


def read_roles(directory, *, default):
    """Reads which tokens begin, end and fill up a row, and stand for what is unknown or left out.

    Args:
        directory: str.
        default: dict from roles to tokens. For what no file names.

    Returns:
        dict from `mpnet_tf.data.vocabulary.ROLES` to tokens.
    """
    roles = dict(default)
    for name in _ROLE_FILES:
        path = os.path.join(directory, name)
        if os.path.exists(path):
            config = read_json(path)
            for role, key in _NAMES.items():
                token = config.get(key)
                if token:
                    roles[role] = token["content"] if isinstance(token, dict) else token
    return roles
