"""What describes a WordPiece tokenizer, whatever files it comes from."""

import dataclasses
from typing import ClassVar

from mpnet_tf.data import vocabulary as vocabulary_lib
from mpnet_tf.data.added_tokens import AddedToken, default_added_tokens


@dataclasses.dataclass(frozen=True)
class TokenizerSettings:
    """All that a WordPiece tokenizer and the packing of its texts need to know.

    Args:
        vocabulary: tuple of str. A token's place is its id.
        lowercase: bool. Whether text is lowercased.
        strip_accents: bool or None. Whether accents are stripped; None means as `lowercase` says.
        split_chinese: bool. Whether each Chinese character is a word by itself.
        special_tokens: dict from `start_token`, `pad_token`, `end_token`, `mask_token` and
            `unk_token` to tokens of the vocabulary.
        pair_separators: int. How many end tokens stand between the two texts of a pair.
        has_segment_ids: bool. Whether the model tells the texts of a pair apart by segment ids.
        model_max_length: int or None. Most tokens that the model takes, where that is known.
        added_tokens: tuple of `AddedToken` in the order of their ids: all that are found whole in
            the text. None stands for the special tokens of the vocabulary. Default None.

    Raises:
        ValueError: if `special_tokens` lacks a role or has another.
    """

    kind: ClassVar[str] = "WordPiece"

    vocabulary: tuple[str, ...]
    lowercase: bool
    strip_accents: bool | None
    split_chinese: bool
    special_tokens: dict[str, str]
    pair_separators: int
    has_segment_ids: bool
    model_max_length: int | None
    added_tokens: tuple[AddedToken, ...] | None = None

    def __post_init__(self):
        if set(self.special_tokens) != set(vocabulary_lib.ROLES):
            raise ValueError(
                f"`special_tokens` must name {', '.join(vocabulary_lib.ROLES)}. "
                f"Received: special_tokens={self.special_tokens}"
            )
        if self.added_tokens is None:
            added_tokens = default_added_tokens(self.vocabulary, self.special_tokens)
            object.__setattr__(self, "added_tokens", added_tokens)

    @property
    def tokens(self):
        """tuple of str. All tokens; a token's place is its id."""
        return self.vocabulary

    def extended(self, tokens):
        """Returns the settings with further tokens at the end."""
        vocabulary = (*self.vocabulary, *tokens)
        new = default_added_tokens(vocabulary, self.special_tokens)
        added = {token.content: token for token in (*self.added_tokens, *new)}
        return dataclasses.replace(self, vocabulary=vocabulary, added_tokens=tuple(added.values()))
