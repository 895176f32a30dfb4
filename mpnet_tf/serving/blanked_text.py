"""Raw texts with blanks as GLM's Part A, in the graph."""

import dataclasses
import re

import tensorflow as tf

from mpnet_tf.models.token_windows import row_lengths

# Stands for a blank while a text is cut apart: a code point that no text may have.
_BLANK = "\uffff"


@dataclasses.dataclass(frozen=True)
class PartA:
    """Texts with blanks as tokens.

    Args:
        token_ids: int32 ragged tensor `(batch_size, None)`. The whole texts with their masks.
        blank_positions: int32 ragged tensor `(batch_size, None)`. The places of the masks.
        pieces: string ragged tensor `(batch_size, None)`, one more than the blanks: the text
            before, between and behind them. None where the texts came as tokens.
    """

    token_ids: tf.RaggedTensor
    blank_positions: tf.RaggedTensor
    pieces: tf.RaggedTensor | None

    @property
    def slots(self):
        """dict of int32 tensors `(batch_size, num_slots)`. The features of slots."""
        token_ids = self.token_ids.to_tensor()
        is_real = tf.sequence_mask(self.token_ids.row_lengths(), tf.shape(token_ids)[1])
        zeros = tf.zeros_like(token_ids)
        return {
            "token_ids": token_ids,
            "position_ids": tf.where(is_real, tf.range(tf.shape(token_ids)[1]), 0),
            "block_position_ids": zeros,
            "segment_ids": tf.cast(is_real, tf.int32),
            "query_step": zeros,
        }


class PartAMaker:
    """Turns raw texts into Part A, as `GLMCausalLMPreprocessor` does.

    A text that is too long loses its end, or its beginning where it has no blank and is to be
    continued.

    Args:
        preprocessor: `GLMCausalLMPreprocessor`.
        max_tokens: int. Most tokens of a text, special ones and the mask included.
    """

    def __init__(self, preprocessor, *, max_tokens):
        self.preprocessor = preprocessor
        self.tokenizer = preprocessor.tokenizer
        self.mask_tokens = preprocessor.mask_tokens
        roles = preprocessor.roles
        self.document_mask = (
            roles.mask_token_id
            if roles.document_mask_token_id is None
            else roles.document_mask_token_id
        )
        # A start token, an end token, and the mask of a text that is continued.
        self.room = max_tokens - 3

    def of_texts(self, text):
        """Returns the `PartA` of texts, a string tensor `(batch_size,)`."""
        if self.preprocessor.foreign_mask is not None:
            mask = self.tokenizer.id_to_token(self.preprocessor.roles.mask_token_id)
            foreign = re.escape(self.preprocessor.foreign_mask)
            text = tf.strings.regex_replace(text, foreign, mask)
        token_ids = self.tokenizer(text)
        is_mask = self._is_mask(token_ids.values)
        has_blank = tf.reduce_any(token_ids.with_values(is_mask), axis=1)
        lengths = row_lengths(token_ids)
        kept = tf.minimum(lengths, self.room)
        starts = tf.where(has_blank, 0, lengths - kept)
        token_ids = _cut(token_ids, starts, kept)
        mask = tf.RaggedTensor.from_row_lengths(
            tf.fill([tf.size(tf.where(~has_blank))], self.document_mask),
            tf.cast(~has_blank, tf.int64),
        )
        token_ids = self._with_special_tokens(tf.concat([token_ids, mask], axis=1))
        return PartA(token_ids, self._blank_positions(token_ids), self._pieces(text, has_blank))

    def of_token_ids(self, token_ids, padding_mask):
        """Returns the `PartA` of rows of token ids, int32 tensors `(batch_size, num_slots)`."""
        token_ids = tf.ragged.boolean_mask(token_ids, tf.cast(padding_mask, tf.bool))
        return PartA(token_ids, self._blank_positions(token_ids), None)

    def _is_mask(self, token_ids):
        masks = tf.constant(list(self.mask_tokens), tf.int32)
        return tf.reduce_any(tf.equal(token_ids[:, tf.newaxis], masks), axis=1)

    def _with_special_tokens(self, token_ids):
        num_rows = token_ids.nrows()
        starts = tf.fill([num_rows, 1], self.tokenizer.start_token_id)
        last = tf.concat([[-1], token_ids.values], axis=0)
        last = tf.gather(last, tf.cast(token_ids.row_limits(), tf.int32))
        needs_end = tf.ones([num_rows], tf.bool)
        if not self.preprocessor.end_token_after_document_mask:
            needs_end = tf.not_equal(last, self.document_mask)
        ends = tf.RaggedTensor.from_row_lengths(
            tf.fill([tf.size(tf.where(needs_end))], self.tokenizer.end_token_id),
            tf.cast(needs_end, tf.int64),
        )
        return tf.concat([tf.RaggedTensor.from_tensor(starts), token_ids, ends], axis=1)

    def _blank_positions(self, token_ids):
        places = tf.ragged.range(row_lengths(token_ids))
        is_mask = token_ids.with_values(self._is_mask(token_ids.values))
        return tf.ragged.boolean_mask(places, is_mask)

    def _pieces(self, text, has_blank):
        """Cuts texts at their blanks; a text without is followed by one."""
        masks = "|".join(map(re.escape, self.mask_tokens.values()))
        text = tf.strings.regex_replace(text, _BLANK, "")
        continued = tf.strings.regex_replace(text, r"[\s\p{Z}]+$", "")
        continued = tf.where(tf.equal(continued, ""), "", tf.strings.join([continued, " "]))
        whole = tf.where(
            has_blank,
            tf.strings.regex_replace(text, masks, _BLANK),
            tf.strings.join([continued, _BLANK]),
        )
        return tf.strings.split(whole, _BLANK)


def _cut(ragged, starts, lengths):
    """Returns a stretch of each row of a ragged tensor, which has it."""
    firsts = tf.cast(ragged.row_starts(), tf.int32) + starts
    indices = tf.ragged.range(firsts, firsts + lengths)
    return indices.with_values(tf.gather(ragged.values, indices.values))
