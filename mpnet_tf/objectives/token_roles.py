"""What an objective must know of a vocabulary: which ids are special, which continue a word."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class TokenRoles:
    """The part that each token id of a vocabulary plays.

    Args:
        pad_token_id: int. Fills the slots that hold nothing.
        mask_token_id: int. Stands for a token to predict.
        is_special: bool array `(vocabulary_size,)`. True for the ids that stand for no text.
        is_continuation: bool array `(vocabulary_size,)`. True for the ids that continue the word
            begun by the token before them (`##ing`).
    """

    pad_token_id: int
    mask_token_id: int
    is_special: np.ndarray
    is_continuation: np.ndarray

    @classmethod
    def from_tokenizer(cls, tokenizer):
        """Reads the roles off a tokenizer such as `mpnet_tf.models.MPNetTokenizer`."""
        is_special = np.zeros(tokenizer.vocabulary_size(), dtype=bool)
        is_special[list(tokenizer.special_token_ids)] = True
        return cls(
            pad_token_id=tokenizer.pad_token_id,
            mask_token_id=tokenizer.mask_token_id,
            is_special=is_special,
            is_continuation=np.asarray(tokenizer.continuation_flags, dtype=bool),
        )

    @property
    def vocabulary_size(self):
        """int. Number of token ids."""
        return len(self.is_special)

    @property
    def text_token_ids(self):
        """int32 array. The ids that stand for text."""
        return np.flatnonzero(~self.is_special).astype(np.int32)
