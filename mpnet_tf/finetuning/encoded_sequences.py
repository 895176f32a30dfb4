"""Texts and their targets as tokens, cut to fit."""

import dataclasses

import numpy as np
import tensorflow as tf
from absl import logging

from mpnet_tf.models.blank_filling import BlankedText

_TEXTS_AT_ONCE = 4096


@dataclasses.dataclass(frozen=True)
class EncodedSequences:
    """Texts with a blank, and what is to fill it, as tokens.

    Args:
        source_ids: int32 ragged tensor `(num_examples, None)`. GLM's Part A: each text with its
            blank and special tokens.
        blank_positions: int32 array `(num_examples,)`. Where in it the blank is.
        target_ids: int32 ragged tensor `(num_examples, None)`, or None where the targets are not
            known. What is to be predicted: a target and the token that ends it, or as much as there
            is room for.
        references: the targets as they are written, or None.
    """

    source_ids: tf.RaggedTensor
    blank_positions: np.ndarray
    target_ids: tf.RaggedTensor | None
    references: tuple[str, ...] | None

    def __len__(self):
        return len(self.blank_positions)

    @property
    def source_lengths(self):
        """int64 array `(num_examples,)`. Tokens of Part A."""
        return self.source_ids.row_lengths().numpy()

    @property
    def lengths(self):
        """int64 array `(num_examples,)`. Slots of Part A and Part B."""
        return self.source_lengths + self.target_ids.row_lengths().numpy()

    def blanked_texts(self, examples):
        """Returns texts as `GLMCausalLM.fill_blanked` takes them.

        Args:
            examples: int array of their numbers.

        Returns:
            List of `BlankedText` without the text around the blank.
        """
        rows = tf.gather(self.source_ids, examples).to_list()
        positions = self.blank_positions[examples].tolist()
        return [
            BlankedText(row, [position], ["", ""])
            for row, position in zip(rows, positions, strict=True)
        ]


def encode_sequences(examples, model, layout):
    """Turns texts and their targets into tokens, and warns of those that are cut.

    A text that is too long loses tokens at its own end; the rest of the layout's pattern, and with
    it the blank, stays. A target that is too long loses its end, and is not said to end there.

    Args:
        examples: `LabelledTexts` with the targets as `pairs`; or `EncodedSequences`, which are
            returned as they are.
        model: `GLMCausalLM` with a preprocessor.
        layout: `SequenceLayout`.

    Returns:
        `EncodedSequences`.

    Raises:
        ValueError: if a length is more than the body has positions for, the pattern leaves no room
            for a text or has several blanks, or a text has a mask token itself.
    """
    if isinstance(examples, EncodedSequences):
        return examples
    preprocessor = model.checked_preprocessor()
    layout = layout.fitted(model.backbone)
    before, after, blank_position = _frame(layout, preprocessor)
    _, space, _ = layout.parts()
    room = layout.source_length - len(before) - len(after)
    sources, too_long = _tokens_of(
        [space + text for text in examples.texts], preprocessor.tokenizer, room
    )
    _check_has_no_mask(sources, examples, preprocessor)
    lengths = sources.row_lengths().numpy()
    targets, targets_too_long = None, 0
    if examples.pairs is not None:
        end = (preprocessor.roles.span_end_token_id,)
        targets, targets_too_long = _tokens_of(
            examples.pairs, preprocessor.tokenizer, layout.target_length, end=end
        )
    if too_long or targets_too_long:
        logging.warning(
            "%s: of %d texts, %d are longer than %d tokens, and %d targets longer than %d with the "
            "token that ends them. They are cut at the end.",
            examples.source,
            len(examples),
            too_long,
            room,
            targets_too_long,
            layout.target_length,
        )
    is_behind = blank_position >= len(before)
    return EncodedSequences(
        _surrounded(sources, before, after),
        (blank_position + is_behind * lengths).astype(np.int32),
        targets,
        examples.pairs,
    )


def _frame(layout, preprocessor):
    """Returns the tokens before and behind a text, and the blank's place if it were empty."""
    text_before, _, after = layout.parts()
    (frame,) = preprocessor.generate_preprocess([text_before + after])
    if len(frame.blank_positions) != 1:
        raise ValueError(
            f"`pattern` must have one blank. Received: pattern={layout.pattern!r}, with "
            f"{len(frame.blank_positions)} mask tokens"
        )
    if len(frame.token_ids) >= layout.source_length:
        raise ValueError(
            f"`source_length` must be above {len(frame.token_ids)}, the tokens of the pattern with "
            f"special tokens. Received: source_length={layout.source_length}"
        )
    (tokens_before,) = preprocessor.tokens_of([text_before])
    # One more for the token that starts a text.
    num_before = 1 + len(tokens_before)
    return frame.token_ids[:num_before], frame.token_ids[num_before:], frame.blank_positions[0]


def _tokens_of(texts, tokenizer, most, *, end=()):
    """Returns the tokens of texts, at most so many of each, and how many texts had more."""
    rows, too_long = [], 0
    with tf.device("cpu"):
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = tokenizer(list(texts[start : start + _TEXTS_AT_ONCE]))
            part = _surrounded(tf.cast(part, tf.int32), [], end)
            too_long += int(tf.math.count_nonzero(part.row_lengths() > most))
            rows.append(part[:, :most])
        return tf.concat(rows, axis=0), too_long


def _surrounded(rows, before, after):
    """Puts the same tokens before and behind each row of a ragged tensor."""
    with tf.device("cpu"):
        number = rows.nrows()
        parts = [tf.tile(tf.constant([part], tf.int32), [number, 1]) for part in (before, after)]
        return tf.concat([parts[0], rows, parts[1]], axis=1)


def _check_has_no_mask(sources, examples, preprocessor):
    is_mask = np.isin(sources.flat_values.numpy(), list(preprocessor.mask_tokens))
    if is_mask.any():
        row = int(sources.value_rowids().numpy()[is_mask.argmax()])
        raise ValueError(
            "Texts must have no mask tokens: the layout's pattern says where the blank is. "
            f"Received: {examples.texts[row][:80]!r}, text {row + 1} of {examples.source}"
        )
