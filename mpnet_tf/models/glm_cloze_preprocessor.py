"""Raw text into questions with a blank, and all answers to each side by side in it."""

import dataclasses
import functools

import keras
import numpy as np
import tensorflow as tf

from mpnet_tf.models.argument_checks import positive_integer
from mpnet_tf.models.blank_filling import padded_width
from mpnet_tf.models.blank_roles import blank_roles
from mpnet_tf.models.cloze_pattern import BLANK, PAIR, TEXT, ClozePattern
from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.raw_text_preprocessor import RawTextPreprocessor
from mpnet_tf.models.span_tree import make_span_tree
from mpnet_tf.models.text_packer import kept_lengths
from mpnet_tf.models.wordpiece_tokenizer import TransformerTokenizer
from mpnet_tf.objectives.visibility import END_OF_STEPS


@keras.saving.register_keras_serializable(package="mpnet_tf")
class GLMClozePreprocessor(RawTextPreprocessor):
    """Turns texts, or pairs of texts, into the slots in which a GLM body reads all verbalizers.

    A row is the pattern with the text in it, `[CLS] ... [MASK] ... [SEP]`, and then the
    verbalizers of all classes as spans of the one blank, as `SpanTree` lays them out: each sees the
    text and its own beginning, so that one pass over the text serves all classes. Rows are as long
    as the longest of their batch needs, in multiples of 32. A text that is too long is cut at its
    end, of a pair the longer one first; the pattern stays whole.

    As in GLM's released code, the token that ends a span is predicted too if any verbalizer has
    several tokens, since a span that goes on is another answer; single tokens are compared alone.

    Args:
        tokenizer: a tokenizer whose vocabulary has `<|startofpiece|>` and `<|endofpiece|>`. Its
            work is part of the graph, unless it is a `BytePairTokenizer`.
        pattern: `ClozePattern`, or a dict with its arguments.
        sequence_length: int. Most tokens of a pattern with its texts, special tokens included; at
            most the body's `max_sequence_length`. Default 512.

    Call arguments:
        x: string tensor of shape `(batch_size,)` or list of str; or, for a pattern that takes
            pairs, a tuple of two of them of the same length.
        y: labels of any kind, or None. Default None.
        sample_weight: weights of any kind, or None. Default None.

    Returns:
        Dict of int32 tensors: the slots as `mpnet_tf.objectives.visibility` lists them, with a
        prediction for each slot of the spans; and `span_predictions` and `span_token_ids`, of shape
        `(batch_size, num_classes, longest_span)`: of each token of a class's span, the number of
        the prediction that tells it, and the token's id, -1 after the span's last. With labels or
        weights, a tuple of it and of them, as they were given.

    Raises:
        ValueError: if the vocabulary lacks a token of a verbalizer or one that spans need, two
            verbalizers are the same tokens, the pattern does not fit into `sequence_length`, or `x`
            is of another kind than the pattern takes.

    References:
        [GLM](https://arxiv.org/abs/2103.10360), sections 2.1 and 2.3.
    """

    backbone_cls = GLMBackbone
    # Of presets: keras_hub loads whatever tokenizer is there.
    tokenizer_cls = TransformerTokenizer

    def __init__(self, tokenizer, pattern, sequence_length=512, **kwargs):
        super().__init__(**kwargs)
        self.tokenizer = tokenizer
        self.pattern = pattern if isinstance(pattern, ClozePattern) else ClozePattern(**pattern)
        self.sequence_length = positive_integer("sequence_length", sequence_length)
        # That of a saved tokenizer comes later.
        if tokenizer.vocabulary is not None:
            self.text_room(self.pattern.has_pair)
        self.built = True

    def call(self, x, y=None, sample_weight=None):
        with tf.device("cpu"):
            columns = x if isinstance(x, tuple) else (x,)
            if any(column.shape.rank != 1 for column in columns):
                raise ValueError(
                    "`x` must be texts of shape (batch_size,) or a tuple of two such. "
                    f"Received: shapes={[column.shape for column in columns]}"
                )
            slots = self._slots(*self._questions(columns))
        return keras.utils.pack_x_y_sample_weight(slots, y, sample_weight)

    def text_room(self, is_pair):
        if is_pair != self.pattern.has_pair:
            kinds = ("texts", "pairs of texts")
            raise ValueError(
                f"`x` must be {kinds[self.pattern.has_pair]} for the pattern "
                f"{self.pattern.pattern!r}. Received: {kinds[is_pair]}"
            )
        num_fixed = sum(map(len, self._fixed_parts))
        room = self.sequence_length - num_fixed
        longest = self._spans.span_token_ids.shape[1]
        if room < 1 or longest > self.sequence_length:
            raise ValueError(
                f"`sequence_length` must be at least {max(num_fixed + 1, longest)}, for the "
                f"pattern and a token of a text, and for each verbalizer. "
                f"Received: sequence_length={self.sequence_length}"
            )
        return room

    @functools.cached_property
    def _roles(self):
        return blank_roles(self.tokenizer)

    def _tokens_of(self, texts):
        # Also where a graph that cuts the first texts is being made.
        with tf.init_scope():
            return self.tokenizer(texts).to_list()

    @functools.cached_property
    def _fixed_parts(self):
        """The tokens of each part of the pattern, none for a text, with the special ones around."""
        parts = [
            [] if part.place else self._tokens_of([part.words])[0] for part in self.pattern.parts
        ]
        blank = [part.place for part in self.pattern.parts].index(BLANK)
        parts[blank] = [self._roles.mask_token_id]
        return [[self.tokenizer.start_token_id], *parts, [self.tokenizer.end_token_id]]

    @functools.cached_property
    def _spans(self):
        """`SpanTree` of the verbalizers."""
        # Where a tokenizer takes account of it, an answer begins with the white space before it.
        (blank,) = (part for part in self.pattern.parts if part.place == BLANK)
        verbalizers = [blank.words + words for words in self.pattern.verbalizers.values()]
        spans = self._tokens_of(verbalizers)
        for words, span in zip(self.pattern.verbalizers.values(), spans, strict=True):
            if not span or self._roles.is_special[span].any():
                tokens = " ".join(map(self.tokenizer.id_to_token, span))
                raise ValueError(
                    "`verbalizers` must be words that the tokenizer's vocabulary has. "
                    f"Received: {words!r}, with the tokens {tokens or 'none'}. Choose another word."
                )
        if len(set(map(tuple, spans))) < len(spans):
            raise ValueError(
                "`verbalizers` must be different tokens for each class. "
                f"Received: verbalizers={dict(self.pattern.verbalizers)}, of which two are the "
                "same to the tokenizer"
            )
        if max(map(len, spans)) > 1:
            spans = [[*span, self._roles.span_end_token_id] for span in spans]
        return make_span_tree(spans, start_token_id=self._roles.span_start_token_id)

    def _questions(self, columns):
        """Puts texts into the pattern.

        Returns:
            int32 `tf.RaggedTensor` `(batch_size, None)`, the tokens, and int32 tensor
            `(batch_size,)`, the place of the blank among them.
        """
        room = self.text_room(len(columns) == 2)
        texts = self._texts(columns, room)
        batch_size = tf.size(columns[0])
        places = [None, *(part.place for part in self.pattern.parts), None]
        rows, num_tokens = [], tf.zeros(batch_size, tf.int32)
        for place, token_ids in zip(places, self._fixed_parts, strict=True):
            if place == BLANK:
                blank = num_tokens
            if place in texts:
                row = texts[place]
            else:
                row = tf.repeat(tf.constant([token_ids], tf.int32), batch_size, axis=0)
                row = tf.RaggedTensor.from_tensor(row)
            rows.append(row)
            num_tokens += tf.cast(row.row_lengths(), tf.int32)
        return tf.concat(rows, axis=1), blank

    def _texts(self, columns, room):
        """Returns the tokens of the texts by their places in the pattern, cut to what is kept."""
        white_space = {part.place: part.words for part in self.pattern.parts if part.place}
        texts = {
            place: self.tokenizer(tf.strings.join([white_space[place], column]))
            for place, column in zip((TEXT, PAIR), columns, strict=False)
        }
        lengths = [tf.cast(text.row_lengths(), tf.int32) for text in texts.values()]
        if len(lengths) == 2:
            tf.debugging.assert_equal(
                *map(tf.size, lengths),
                message="The texts of pairs must be as many on either side.",
            )
            lengths = kept_lengths(*lengths, room)
        else:
            lengths = [tf.minimum(lengths[0], room)]
        return {
            place: tf.RaggedTensor.from_tensor(text.to_tensor(), lengths=kept)
            for (place, text), kept in zip(texts.items(), lengths, strict=True)
        }

    def _slots(self, questions, blanks):
        """Puts the verbalizers' spans behind the questions."""
        tree, pad_token_id = self._spans, self._roles.pad_token_id
        lengths = tf.cast(questions.row_lengths(), tf.int32)[:, tf.newaxis]
        num_span_slots = len(tree.token_ids)
        num_slots = padded_width(tf.reduce_max(lengths) + num_span_slots)
        # Each (batch_size, num_slots) from here on.
        position_ids = tf.range(num_slots)[tf.newaxis]
        span_slots = position_ids - lengths
        is_text, is_slot = span_slots < 0, span_slots < num_span_slots
        span_slots = tf.clip_by_value(span_slots, 0, num_span_slots - 1)

        def lay_out(of_text, of_spans, of_padding=0):
            if isinstance(of_spans, np.ndarray):
                of_spans = tf.gather(of_spans, span_slots)
            return tf.where(is_text, of_text, tf.where(is_slot, of_spans, of_padding))

        token_ids = questions.to_tensor()
        token_ids = tf.pad(token_ids, [[0, 0], [0, num_slots - tf.shape(token_ids)[1]]])
        steps = lay_out(0, tree.query_step)
        num_rows = tf.shape(lengths)[0]
        predictions = lengths + tf.range(num_span_slots)
        return {
            "token_ids": lay_out(token_ids, tree.token_ids, pad_token_id),
            "position_ids": lay_out(position_ids, blanks[:, tf.newaxis]),
            "block_position_ids": lay_out(0, tree.block_position_ids),
            "segment_ids": lay_out(1, 1),
            "query_step": steps,
            "key_start": steps,
            "key_end": lay_out(END_OF_STEPS, tree.key_end),
            "prediction_slots": predictions,
            "objective_ids": tf.zeros_like(predictions),
            "span_predictions": tf.repeat(tree.span_slots[np.newaxis], num_rows, axis=0),
            "span_token_ids": tf.repeat(tree.span_token_ids[np.newaxis], num_rows, axis=0),
        }

    def get_config(self):
        """Returns the configuration; the tokenizer's vocabulary is not part of it."""
        return {
            **super().get_config(),
            "pattern": dataclasses.asdict(self.pattern),
            "sequence_length": self.sequence_length,
        }

    @classmethod
    def _add_missing_kwargs(cls, loader, kwargs):
        """Completes the arguments where a preset has a tokenizer, but no pattern."""
        if "pattern" not in kwargs:
            raise no_pattern_error(loader.preset)
        longest = loader.config["config"]["max_sequence_length"]
        return {"sequence_length": longest, **super()._add_missing_kwargs(loader, kwargs)}


def no_pattern_error(preset):
    """Returns the error for a preset of another model, where no pattern is given."""
    return ValueError(
        "`pattern` must be given for a preset that has none of its own. "
        f"Received: preset={preset!r} and no pattern"
    )
