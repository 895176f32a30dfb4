"""Byte-level BPE tokenizers, in the files of GLM's authors and of `tokenizers`."""

import dataclasses
import json
import os
from typing import ClassVar

from mpnet_tf.conversion.glm_special_tokens import GLM_ROLES, read_added_tokens, read_roles
from mpnet_tf.conversion.json_files import read_json
from mpnet_tf.data import vocabulary as vocabulary_lib

_VOCABULARY_FILE = "vocab.json"
_MERGES_FILE = "merges.txt"
_TOKENIZER_FILE = "tokenizer.json"

_SPAN_TOKENS = (vocabulary_lib.SPAN_START_TOKEN, vocabulary_lib.SPAN_END_TOKEN)
# What GLM's program puts after GPT-2's tokens, and after RoBERTa's, in the order of the ids.
_AFTER_GPT2 = (
    *_SPAN_TOKENS,
    "[CLS]",
    "[MASK]",
    "[SEP]",
    "[UNK]",
    vocabulary_lib.DOCUMENT_MASK_TOKEN,
    vocabulary_lib.SENTENCE_MASK_TOKEN,
)
_AFTER_ROBERTA = _SPAN_TOKENS
_ROBERTA_ROLES = {
    "start_token": "<s>",
    "pad_token": "<pad>",
    "end_token": "</s>",
    "mask_token": "<mask>",
    "unk_token": "<unk>",
}


@dataclasses.dataclass(frozen=True)
class BytePairSettings:
    """All that a byte-level BPE tokenizer and the packing of its texts need to know.

    Args:
        definition: str. The tokenizer as `tokenizers` writes it into a `tokenizer.json`.
        further_tokens: tuple of str. The tokens after those of the definition, in the order of
            ids. They are found whole in the text.
        special_tokens: dict from `start_token`, `pad_token`, `end_token`, `mask_token` and
            `unk_token` to tokens.
    """

    kind: ClassVar[str] = "byte-level BPE"

    definition: str
    further_tokens: tuple[str, ...]
    special_tokens: dict[str, str]

    @property
    def tokens(self):
        """tuple of str. All tokens; a token's place is its id."""
        return (*_tokens_of(self.definition), *self.further_tokens)

    def extended(self, tokens):
        """Returns the settings with further tokens at the end."""
        return dataclasses.replace(self, further_tokens=(*self.further_tokens, *tokens))


def has_byte_pairs(directory):
    """Returns whether a directory holds a byte-level BPE tokenizer."""
    if os.path.exists(os.path.join(directory, _VOCABULARY_FILE)):
        return os.path.exists(os.path.join(directory, _MERGES_FILE))
    path = os.path.join(directory, _TOKENIZER_FILE)
    return os.path.exists(path) and (read_json(path).get("model") or {}).get("type") == "BPE"


def read_byte_pairs(directory):
    """Reads a byte-level BPE tokenizer of GLM.

    Args:
        directory: str. With `vocab.json` and `merges.txt`, or a `tokenizer.json`. An
            `added_tokens.json` tells the ids after those; without one they are those that GLM's
            program gives to what is missing.

    Returns:
        `BytePairSettings`.

    Raises:
        ValueError: if the files are damaged, or the ids of added tokens do not fit.
    """
    definition = _definition(directory)
    tokens = _tokens_of(definition)
    is_robertas = set(_ROBERTA_ROLES.values()) <= set(tokens)
    roles = read_roles(directory, default=_ROBERTA_ROLES if is_robertas else GLM_ROLES)
    further_tokens = None
    if os.path.exists(os.path.join(directory, _VOCABULARY_FILE)):
        further_tokens = read_added_tokens(directory, first_id=len(tokens))
    if further_tokens is None:
        usual = _AFTER_ROBERTA if is_robertas else _AFTER_GPT2
        further_tokens = [token for token in usual if token not in tokens]
    return BytePairSettings(definition, tuple(further_tokens), roles)


def _definition(directory):
    import tokenizers

    vocabulary, merges = (
        os.path.join(directory, name) for name in (_VOCABULARY_FILE, _MERGES_FILE)
    )
    try:
        if not os.path.exists(vocabulary):
            return tokenizers.Tokenizer.from_file(os.path.join(directory, _TOKENIZER_FILE)).to_str()
        model = tokenizers.models.BPE.from_file(vocabulary, merges)
    # `tokenizers` raises nothing more precise.
    except Exception as error:
        raise ValueError(f"{directory} has a tokenizer that cannot be read: {error}") from error
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    return tokenizer.to_str()


def _tokens_of(definition):
    """Returns the tokens of a `tokenizer.json` in the order of their ids."""
    definition = json.loads(definition)
    ids = dict(definition["model"]["vocab"])
    ids |= {token["content"]: token["id"] for token in definition["added_tokens"]}
    tokens = sorted(ids, key=ids.get)
    if [ids[token] for token in tokens] != list(range(len(tokens))):
        raise ValueError("The ids of a byte-level BPE vocabulary must be 0, 1, 2 and so on.")
    return tokens
