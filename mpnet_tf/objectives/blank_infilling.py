"""GLM's objective: autoregressive blank infilling."""

import math

import numpy as np
import tensorflow as tf

from mpnet_tf.data import vocabulary
from mpnet_tf.objectives import span_selection
from mpnet_tf.objectives.blank_layout import assemble, make_part_a, make_part_b
from mpnet_tf.objectives.setting_checks import check_prediction_rate, check_sequence_length
from mpnet_tf.objectives.span_lengths import length_probabilities, stopping_thresholds

LEVELS = ("span", "document", "sentence")

# What default sizes allow for: the shortest sentences and documents, on average over a row.
_SHORT_SENTENCE = 3
_SHORT_DOCUMENT = 16


class BlankInfilling:
    """Turns packed rows of text into the slots and labels of GLM's objective.

    Spans of text are left out, and each is given back token by token. A row becomes, in this
    order:

    1. Part A: the text with one mask in the place of each span. All of it sees all of it.
    2. Part B: for each document its spans in random order, as inputs: a token that starts a span,
       then the span's own. A slot sees Part A and what stands before it in Part B; it predicts
       the next token of its span, and at last the token that ends a span.
    3. Padding.

    A slot of Part B has the position of its span's mask, and its place within the span, from 1, as
    block position: a model cannot tell from them how long a span is.

    Args:
        roles: `TokenRoles` of the vocabulary; None only checks the settings.
        sequence_length: int. Tokens in a row.
        level: "span" to leave out spans of random length, which stand apart from each other;
            "document" for the ending of each document, "sentence" for whole sentences.
        num_predictions: int or None. Slots of Part B in a row; spans that a row draws beyond them
            are left out, at random. Defaults to two standard deviations more than what rows of
            very short documents take on average; on the sentence level to a quarter of the row,
            or 64, more than the average; on the document level to `sequence_length`.
        prediction_rate: float in (0, 1). Share of each document's tokens to leave out, on average;
            without effect on the document level.
        mean_span_length: float above 0. On the span level, mean of the Poisson distribution that
            lengths are drawn from; 0 and what is above `max_span_length` are drawn again.
        max_span_length: int from 1 or None. Longest span of the span level. Defaults to 40, or to
            what a row can hold.
        min_document_share: float in (0, 1]. Shortest ending of the document level, as a share of
            the document's tokens. Up to all of them, every length is drawn alike often.

    Raises:
        ValueError: if an argument is out of its range, or the vocabulary lacks a token that the
            level needs.

    References:
        [GLM: General Language Model Pretraining with Autoregressive Blank Infilling](
        https://arxiv.org/abs/2103.10360), sections 2.1 and 2.2.
    """

    def __init__(
        self,
        roles,
        sequence_length,
        *,
        level="span",
        num_predictions=None,
        prediction_rate=0.15,
        mean_span_length=3.0,
        max_span_length=None,
        min_document_share=0.5,
    ):
        self.roles = roles
        self.sequence_length = sequence_length
        self.level = level
        self.prediction_rate = prediction_rate
        self.mean_span_length = mean_span_length
        self.max_span_length = max_span_length
        self.min_document_share = min_document_share
        self._check_settings()
        if max_span_length is None:
            self.max_span_length = min(40, sequence_length - 2)
        if roles is not None:
            self._check_roles()
        self._probabilities = length_probabilities(mean_span_length, self.max_span_length)
        self._thresholds = stopping_thresholds(
            self._probabilities, prediction_rate, sequence_length
        )
        self.max_spans, default_predictions, needed = self._sizes()
        self.num_predictions = default_predictions if num_predictions is None else num_predictions
        if self.num_predictions < needed:
            raise ValueError(
                f"`num_predictions` must be at least {needed}, what a document that fills a row "
                f"of {sequence_length} tokens leaves out on average. "
                f"Received: num_predictions={num_predictions}"
            )
        # A span takes two places or more.
        self.max_spans = min(self.max_spans, self.num_predictions // 2)

    def _check_settings(self):
        if self.level not in LEVELS:
            raise ValueError(f"`level` must be one of {LEVELS}. Received: level={self.level!r}")
        check_prediction_rate(self.prediction_rate)
        check_sequence_length(self.sequence_length)
        if not 0 < self.mean_span_length <= self.sequence_length:
            raise ValueError(
                "`mean_span_length` must be above 0 and no longer than a row of "
                f"{self.sequence_length} tokens. Received: mean_span_length={self.mean_span_length}"
            )
        longest = self.sequence_length - 2
        if self.max_span_length is not None and not 1 <= self.max_span_length <= longest:
            raise ValueError(
                f"`max_span_length` must lie between 1 and {longest}, what a row of "
                f"{self.sequence_length} tokens holds between `<s>` and `</s>`. "
                f"Received: max_span_length={self.max_span_length}"
            )
        if not 0 < self.min_document_share <= 1:
            raise ValueError(
                "`min_document_share` must be above 0 and at most 1. "
                f"Received: min_document_share={self.min_document_share}"
            )

    def _check_roles(self):
        needed = {
            vocabulary.SPAN_START_TOKEN: self.roles.span_start_token_id,
            vocabulary.SPAN_END_TOKEN: self.roles.span_end_token_id,
        }
        if self.level == "document":
            needed[vocabulary.DOCUMENT_MASK_TOKEN] = self.roles.document_mask_token_id
        if self.level == "sentence":
            needed[vocabulary.SENTENCE_MASK_TOKEN] = self.roles.sentence_mask_token_id
        missing = [repr(token) for token, token_id in needed.items() if token_id is None]
        if missing:
            raise ValueError(
                f"Blank infilling with `level={self.level!r}` needs {', '.join(missing)} in the "
                "vocabulary. Train it with mpnet-train-vocab, or add a line for each of them."
            )
        ends = self.roles.is_sentence_end
        if self.level == "sentence" and (ends is None or not np.any(ends)):
            raise ValueError(
                "Blank infilling with `level='sentence'` needs a token that ends a sentence in the "
                f"vocabulary, one of {' '.join(vocabulary.SENTENCE_ENDS)}. Train it with "
                "mpnet-train-vocab, or add a line for one of them."
            )

    def _sizes(self):
        """Returns spans and predictions of a row by default, and the least predictions it needs.

        A row of very short documents is as uneven as can be: each span comes by a draw of its own,
        so their number is Poisson distributed.
        """
        expected = self.prediction_rate * self.sequence_length
        num_tokens = self.sequence_length - 2
        if self.level == "document":
            shortest = int(self._shortest_endings()[num_tokens])
            # Documents are few and uneven: some more than a row of such has.
            num_spans = math.ceil(self.sequence_length / _SHORT_DOCUMENT) + 4
            return num_spans, self.sequence_length, math.ceil((shortest + num_tokens) / 2) + 1

        if self.level == "sentence":
            mean_length = _SHORT_SENTENCE
            # Sentences are few and uneven: a long one needs room beside the share.
            num_predictions = expected + max(0.25 * self.sequence_length, 64)
            needed = self.prediction_rate * num_tokens + 1
        else:
            lengths = np.arange(1, self.max_span_length + 1)
            mean_length = lengths @ self._probabilities
            mean_square = (lengths + 1) ** 2 @ self._probabilities
            num_predictions = expected * (1 + 1 / mean_length)
            num_predictions += 2 * math.sqrt(expected / mean_length * mean_square)
            needed = self.prediction_rate * num_tokens * (1 + 1 / mean_length)
        num_spans = expected / mean_length
        num_spans = math.ceil(num_spans + 2 * math.sqrt(num_spans))
        num_predictions = max(2, min(math.ceil(num_predictions), self.sequence_length))
        # However high the rate, a kept token parts the spans.
        return num_spans, num_predictions, max(2, min(math.ceil(needed), num_tokens + 1))

    def _shortest_endings(self):
        """Returns the shortest ending of documents on the document level, by their tokens."""
        num_tokens = np.arange(self.sequence_length + 1)
        # The small addend keeps products such as 0.55 * 100 = 55.00000000000001 on their number.
        return np.maximum(np.ceil(self.min_document_share * num_tokens - 1e-9), 1).astype(np.int32)

    @property
    def names(self):
        """tuple of str. The loss that makes up the objective."""
        return ("glm",) if self.level == "span" else (f"glm_{self.level}",)

    @property
    def num_content_slots(self):
        """int. Slots that are keys: all of them."""
        return self.num_slots

    @property
    def num_slots(self):
        """int. The row's tokens, and a mask and a starting token for each span."""
        return self.sequence_length + 2 * self.max_spans

    def places_needed(self, num_tokens):
        """Counts the places of a row that documents of `num_tokens` tokens take."""
        return np.asarray(num_tokens) + 2

    def __call__(self, rows, seed):
        """Makes the slots and labels of a batch; arguments and results as of `MaskedPermuted`.

        In `rows` documents must follow one another, with padding behind the last.
        """
        draw_seed, fit_seed, place_seed = tf.unstack(tf.random.split(seed, 3))
        text = span_selection.describe_text(rows, tf.constant(self.roles.is_special))
        spans = span_selection.fit_into_row(
            text,
            self._draw(rows, text, draw_seed),
            fit_seed,
            max_spans=self.max_spans,
            num_places=self.num_predictions,
        )
        if self.level == "span":
            spans = span_selection.place_spans(text, spans, place_seed, max_spans=self.max_spans)
        mask_token_id = {
            "span": self.roles.mask_token_id,
            "document": self.roles.document_mask_token_id,
            "sentence": self.roles.sentence_mask_token_id,
        }[self.level]
        part_a, kept_through = make_part_a(rows, text, spans, mask_token_id=mask_token_id)
        part_b, target_ids, real = make_part_b(
            rows, part_a, spans, roles=self.roles, num_predictions=self.num_predictions
        )
        slots = assemble(
            part_a,
            kept_through,
            part_b,
            real,
            num_slots=self.num_slots,
            pad_token_id=self.roles.pad_token_id,
        )
        # An ending may hold special tokens of the text: they are given and not asked for.
        is_asked = ~tf.gather(tf.constant(self.roles.is_special), target_ids)
        is_asked |= tf.equal(target_ids, self.roles.span_end_token_id)
        return slots, target_ids, tf.cast(real & is_asked, tf.float32)

    def _draw(self, rows, text, seed):
        """Draws the spans of the level, as `mpnet_tf.objectives.span_selection` describes them."""
        if self.level == "document":
            return span_selection.draw_endings(text, seed, shortest=self._shortest_endings())
        if self.level == "sentence":
            return span_selection.draw_sentences(
                rows,
                text,
                seed,
                is_sentence_end=tf.constant(self.roles.is_sentence_end),
                prediction_rate=self.prediction_rate,
            )
        return span_selection.draw_lengths(
            text, seed, probabilities=self._probabilities, thresholds=self._thresholds
        )
