"""What an objective must know of a vocabulary: which ids are special, which continue a word."""

import dataclasses

import numpy as np

from mpnet_tf.data import vocabulary as vocabulary_lib


@dataclasses.dataclass(frozen=True)
class TokenRoles:
    """The part that each token id of a vocabulary plays.

    Args:
        pad_token_id: int. Fills the slots that hold nothing.
        mask_token_id: int. Stands for a token to predict.
        is_special: bool array `(vocabulary_size,)`. True for the ids that stand for no text.
        is_continuation: bool array `(vocabulary_size,)`. True for the ids that continue the word
            begun by the token before them (`##ing`).
        is_sentence_end: bool array `(vocabulary_size,)`, or None. True for the ids that end a
            sentence; None where the vocabulary is not known to have any.
        span_start_token_id: int or None. What blank infilling gives to begin a span. This and
            the next three are None where the vocabulary lacks the token.
        span_end_token_id: int or None. What a span is to end with.
        document_mask_token_id: int or None. Stands for the end of a document.
        sentence_mask_token_id: int or None. Stands for a whole sentence.
    """

    pad_token_id: int
    mask_token_id: int
    is_special: np.ndarray
    is_continuation: np.ndarray
    is_sentence_end: np.ndarray | None = None
    span_start_token_id: int | None = None
    span_end_token_id: int | None = None
    document_mask_token_id: int | None = None
    sentence_mask_token_id: int | None = None

    @classmethod
    def from_tokenizer(cls, tokenizer):
        """Reads the roles off a tokenizer such as `mpnet_tf.models.MPNetTokenizer`."""
        is_special = np.zeros(tokenizer.vocabulary_size(), dtype=bool)
        is_special[list(tokenizer.special_token_ids)] = True
        vocabulary = tokenizer.get_vocabulary()
        special_ids = dict(zip(tokenizer.special_tokens, tokenizer.special_token_ids, strict=True))
        return cls(
            pad_token_id=tokenizer.pad_token_id,
            mask_token_id=tokenizer.mask_token_id,
            is_special=is_special,
            is_continuation=np.asarray(tokenizer.continuation_flags, dtype=bool),
            is_sentence_end=np.isin(vocabulary, vocabulary_lib.SENTENCE_ENDS),
            span_start_token_id=special_ids.get(vocabulary_lib.SPAN_START_TOKEN),
            span_end_token_id=special_ids.get(vocabulary_lib.SPAN_END_TOKEN),
            document_mask_token_id=special_ids.get(vocabulary_lib.DOCUMENT_MASK_TOKEN),
            sentence_mask_token_id=special_ids.get(vocabulary_lib.SENTENCE_MASK_TOKEN),
        )

    @property
    def vocabulary_size(self):
        """int. Number of token ids."""
        return len(self.is_special)

    @property
    def text_token_ids(self):
        """int32 array. The ids that stand for text."""
        return np.flatnonzero(~self.is_special).astype(np.int32)
