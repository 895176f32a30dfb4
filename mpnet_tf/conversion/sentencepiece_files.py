"""SentencePiece tokenizers, in the files of GLM's authors."""

import dataclasses
import glob
import os
from typing import ClassVar

from mpnet_tf.conversion.glm_special_tokens import GLM_ROLES, read_added_tokens, read_roles
from mpnet_tf.data import vocabulary as vocabulary_lib

# What GLM's program puts after the pieces, in the order of the ids; it leaves one id out.
_GLM_TOKENS = (
    "<|endoftext|>",
    "[SEP]",
    "[CLS]",
    "[MASK]",
    "[UNK]",
    *vocabulary_lib.filler_tokens(1),
    vocabulary_lib.SPAN_START_TOKEN,
    vocabulary_lib.SPAN_END_TOKEN,
    vocabulary_lib.SENTENCE_MASK_TOKEN,
    vocabulary_lib.DOCUMENT_MASK_TOKEN,
)


@dataclasses.dataclass(frozen=True)
class SentencePieceSettings:
    """All that a SentencePiece tokenizer and the packing of its texts need to know.

    Args:
        model: bytes. What the model's file holds.
        further_tokens: tuple of str. The tokens after the model's pieces, in the order of ids.
            They are found whole in the text, but for those of
            `mpnet_tf.data.vocabulary.filler_tokens`.
        special_tokens: dict from `start_token`, `pad_token`, `end_token`, `mask_token` and
            `unk_token` to further tokens or pieces.
    """

    kind: ClassVar[str] = "SentencePiece"

    model: bytes
    further_tokens: tuple[str, ...] = _GLM_TOKENS
    special_tokens: dict[str, str] = dataclasses.field(default_factory=GLM_ROLES.copy)

    @property
    def tokens(self):
        """tuple of str. All tokens; a token's place is its id."""
        from mpnet_tf.data.sentencepiece import SentencePiece

        return (*SentencePiece(self.model, found_tokens={}).pieces, *self.further_tokens)

    def extended(self, tokens):
        """Returns the settings with further tokens at the end."""
        return dataclasses.replace(self, further_tokens=(*self.further_tokens, *tokens))


def find_model(path):
    """Returns the SentencePiece model that a path is, or that a directory holds, or None."""
    if os.path.isdir(path):
        found = sorted(glob.glob(os.path.join(glob.escape(path), "*.model")))
        return found[0] if len(found) == 1 else None
    return path if path.endswith(".model") and os.path.exists(path) else None


def read_sentencepiece(path):
    """Reads a SentencePiece tokenizer of GLM.

    Args:
        path: str. A model such as `cog-pretrain.model`, or a directory with one. The directory's
            `added_tokens.json` tells the ids after the pieces; without one they are those that
            GLM's program gives (with `--fix-command-token`, as its large Chinese model has it).

    Returns:
        `SentencePieceSettings`.

    Raises:
        ValueError: if the model cannot be read, or the ids of added tokens do not fit it.
    """
    with open(find_model(path), "rb") as file:
        settings = SentencePieceSettings(file.read(), further_tokens=())
    num_pieces = len(settings.tokens)
    further_tokens, roles = _GLM_TOKENS, GLM_ROLES
    if os.path.isdir(path):
        further_tokens = read_added_tokens(path, first_id=num_pieces) or _GLM_TOKENS
        roles = read_roles(path, default=GLM_ROLES)
    return SentencePieceSettings(settings.model, tuple(further_tokens), roles)
