"""Texts continued, and their blanks filled, by a GLM."""

import dataclasses

import tensorflow as tf

from mpnet_tf.data.vocabulary import CONTINUATION_PREFIX
from mpnet_tf.serving.blank_decoding import BlankDecoder
from mpnet_tf.serving.blanked_text import PartAMaker
from mpnet_tf.serving.served_text import for_each_row, valid_text
from mpnet_tf.serving.signature import Signature, option, text_input, token_inputs
from mpnet_tf.serving.token_choice import TokenChoice

# A blank costs a pass over the text and all that was filled before.
_MOST_BLANKS = 8


def generation_signatures(model, *, max_new_tokens=128):
    """Makes the signatures `generate`, `generate_with_options` and `generate_token_ids`.

    Args:
        model: `GLMCausalLM` with a preprocessor.
        max_new_tokens: int. Most tokens in a blank, whatever a request asks for.

    Returns:
        List of `Signature`.

    Raises:
        ValueError: if `max_new_tokens` is out of its range.
    """
    most = model.backbone.max_sequence_length - 1
    if not 1 <= max_new_tokens <= most:
        raise ValueError(
            f"`max_new_tokens` must be from 1 to {most}, the positions of the body in a blank. "
            f"Received: max_new_tokens={max_new_tokens}"
        )
    generator = _Generator(model, max_new_tokens)
    tokenizer = model.preprocessor.tokenizer
    mask = tokenizer.id_to_token(tokenizer.mask_token_id)
    texts = ["The capital of France", f"She plays the {mask} every day."]
    described = {"text": text_input(f"texts with blanks ({mask}), or to be continued", texts)}
    outputs = {
        "text": "string (batch_size,): the texts with what was written",
        "generated": "string (batch_size, max_blanks): what was written into each blank",
        "num_tokens": "int32 (batch_size, max_blanks): its tokens",
    }
    rows = generator.part_a.of_texts(tf.constant(texts))
    examples = {
        "token_ids": rows.slots["token_ids"],
        "padding_mask": rows.slots["segment_ids"],
    }
    return [
        Signature(
            "generate",
            f"Continues texts, or fills their blanks; the likeliest token at each place, at most "
            f"{max_new_tokens} in a blank and {_MOST_BLANKS} blanks in a text.",
            generator.generate,
            described,
            outputs,
        ),
        Signature(
            "generate_with_options",
            "Does the same, with options for each text.",
            generator.generate,
            {
                **described,
                "max_new_tokens": option(
                    tf.int32, "most tokens in a blank", default=max_new_tokens, example=8
                ),
                "temperature": option(
                    tf.float32, "0 for the likeliest token; higher is freer", default=0.0
                ),
                "top_k": option(
                    tf.int32, "choose from so many likeliest tokens; 0 for all", default=0
                ),
                "top_p": option(
                    tf.float32, "choose from the likeliest that reach this share", default=1.0
                ),
                "repetition_penalty": option(
                    tf.float32, "above 1 for fewer repetitions", default=1.0
                ),
                "seed": option(
                    tf.int32, "the same number gives the same text; -1 for chance", default=-1
                ),
            },
            outputs,
        ),
        Signature(
            "generate_token_ids",
            "Fills the blanks of rows of token ids.",
            generator.generate_token_ids,
            token_inputs(examples),
            {
                "new_token_ids": "int32 (batch_size, max_blanks, max_new_tokens): what was "
                "written, 0 behind its end",
                "num_tokens": outputs["num_tokens"],
            },
        ),
    ]


@dataclasses.dataclass(frozen=True)
class _Filled:
    """The blanks of a batch that are filled.

    Args:
        new_token_ids: int32 tensor `(batch_size, max_blanks, max_new_tokens)`.
        num_tokens: int32 tensor `(batch_size, max_blanks)`; -1 where a text has no such blank.
    """

    new_token_ids: tf.Tensor
    num_tokens: tf.Tensor


class _Generator:
    """What the signatures compute."""

    def __init__(self, model, max_new_tokens):
        self.max_new_tokens = max_new_tokens
        self.tokenizer = model.preprocessor.tokenizer
        self.is_continuation = model.preprocessor.roles.is_continuation
        self.decoder = BlankDecoder(model)
        self.part_a = PartAMaker(model.preprocessor, max_tokens=model.backbone.max_sequence_length)

    def generate(self, text, max_new_tokens=None, seed=None, **options):
        """Answers raw texts."""
        part_a = self.part_a.of_texts(valid_text(text))
        most = self.max_new_tokens
        if max_new_tokens is None:
            max_new_tokens = tf.constant([most])
        max_new_tokens = tf.clip_by_value(for_each_row(max_new_tokens, text), 0, most)
        filled = self._fill(part_a, max_new_tokens, _choice(text, seed, **options))
        return {
            "text": self._joined(part_a, filled),
            "generated": self._parts(filled),
            "num_tokens": tf.maximum(filled.num_tokens, 0),
        }

    def generate_token_ids(self, token_ids, padding_mask):
        """Answers rows of token ids."""
        part_a = self.part_a.of_token_ids(token_ids, padding_mask)
        max_new_tokens = for_each_row(tf.constant([self.max_new_tokens]), token_ids)
        filled = self._fill(part_a, max_new_tokens, _choice(token_ids, None))
        return {
            "new_token_ids": filled.new_token_ids,
            "num_tokens": tf.maximum(filled.num_tokens, 0),
        }

    def _fill(self, part_a, max_new_tokens, choice):
        """Fills one blank after another; each sees what is in those before it."""
        width = tf.maximum(tf.reduce_max(max_new_tokens), 1)
        num_blanks = tf.cast(part_a.blank_positions.row_lengths(), tf.int32)
        most_blanks = tf.minimum(tf.maximum(tf.reduce_max(num_blanks), 0), _MOST_BLANKS)
        positions = part_a.blank_positions.to_tensor()
        # The loop looks at a blank even where there is none.
        positions = tf.pad(positions, [[0, 0], [0, 1]])
        batch_size = tf.shape(positions)[0]

        def fill_next(number, slots, new_token_ids, num_tokens):
            is_blank = number < num_blanks
            place = positions[:, number]
            tokens, lengths = self.decoder.fill(
                slots, place, tf.where(is_blank, max_new_tokens, 0), choice
            )
            tokens = tf.pad(tokens, [[0, 0], [0, width - tf.shape(tokens)[1]]])
            lengths = tf.where(is_blank, lengths, -1)
            slots = self._with_span(slots, number, place, tokens, lengths)
            return (
                number + 1,
                slots,
                tf.concat([new_token_ids, tokens[:, tf.newaxis]], axis=1),
                tf.concat([num_tokens, lengths[:, tf.newaxis]], axis=1),
            )

        slots = part_a.slots
        open_shape = tf.TensorShape([None, None])
        _, _, new_token_ids, num_tokens = tf.while_loop(
            lambda number, *_: number < most_blanks,
            fill_next,
            (
                tf.constant(0),
                slots,
                tf.zeros([batch_size, 0, width], tf.int32),
                tf.zeros([batch_size, 0], tf.int32),
            ),
            shape_invariants=(
                tf.TensorShape([]),
                dict.fromkeys(slots, open_shape),
                tf.TensorShape([None, None, None]),
                open_shape,
            ),
            parallel_iterations=1,
        )
        return _Filled(new_token_ids, num_tokens)

    def _with_span(self, slots, number, place, tokens, lengths):
        """Adds what fills a blank to the slots; a row without this blank gets padding."""
        batch_size, width = tf.unstack(tf.shape(tokens))
        starts = tf.fill([batch_size, 1], self.decoder.start_token_id)
        places = tf.range(width + 1)
        is_real = places <= lengths[:, tf.newaxis]
        added = {
            "token_ids": tf.concat([starts, tokens], axis=1),
            "position_ids": tf.repeat(place[:, tf.newaxis], width + 1, axis=1),
            "block_position_ids": tf.where(is_real, places + 1, 0),
            "segment_ids": tf.cast(is_real, tf.int32),
            "query_step": tf.where(is_real, number * (width + 1) + places + 1, 0),
        }
        return {name: tf.concat([slots[name], added[name]], axis=1) for name in slots}

    def _parts(self, filled):
        """Turns what fills each blank into text, `(batch_size, max_blanks)`."""
        lengths = tf.reshape(tf.maximum(filled.num_tokens, 0), [-1])
        tokens = tf.reshape(
            filled.new_token_ids, [tf.size(lengths), tf.shape(filled.new_token_ids)[2]]
        )
        parts = self.tokenizer.detokenize(tf.RaggedTensor.from_tensor(tokens, lengths=lengths))
        return tf.reshape(parts, tf.shape(filled.num_tokens))

    def _joined(self, part_a, filled):
        """Puts what fills the blanks into the texts; further blanks stay."""
        parts = self._parts(filled)
        continues = tf.gather(tf.constant(self.is_continuation), filled.new_token_ids[:, :, 0]) & (
            filled.num_tokens > 0
        )
        mask = self.tokenizer.id_to_token(self.tokenizer.mask_token_id)
        pieces = part_a.pieces.to_tensor("")
        num_pieces = tf.cast(part_a.pieces.row_lengths(), tf.int32)
        num_filled = tf.shape(parts)[1]

        def add_piece(number, joined):
            has_part = number < num_filled
            place = tf.minimum(number, num_filled - 1)
            part = tf.cond(
                has_part, lambda: parts[:, place], lambda: tf.fill(tf.shape(joined), mask)
            )
            goes_on = tf.cond(
                has_part, lambda: continues[:, place], lambda: tf.zeros(tf.shape(joined), tf.bool)
            )
            stripped = tf.strings.regex_replace(joined, r"[\s\p{Z}]+$", "")
            bare = tf.strings.regex_replace(part, f"^{CONTINUATION_PREFIX}", "")
            added = tf.strings.join(
                [
                    tf.where(goes_on, stripped, joined),
                    tf.where(goes_on, bare, part),
                    pieces[:, number + 1],
                ]
            )
            return number + 1, tf.where(number + 1 < num_pieces, added, joined)

        _, joined = tf.while_loop(
            lambda number, _: number + 1 < tf.shape(pieces)[1],
            add_piece,
            (tf.constant(0), part_a.pieces[:, :1].to_tensor(shape=[None, 1])[:, 0]),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None])),
        )
        return joined


def _choice(rows, seed, temperature=None, top_k=None, top_p=None, repetition_penalty=None):
    """Makes the `TokenChoice` of a batch; what is not given chooses the likeliest token."""

    def each(values, default):
        return for_each_row(tf.constant([default]) if values is None else values, rows)

    seed = each(seed, 0)
    by_chance = tf.random.uniform(tf.shape(seed), maxval=2**31 - 1, dtype=tf.int32)
    return TokenChoice(
        temperature=each(temperature, 0.0),
        top_k=each(top_k, 0),
        top_p=each(top_p, 1.0),
        repetition_penalty=tf.maximum(each(repetition_penalty, 1.0), 1.0),
        seed=tf.where(seed < 0, by_chance, seed),
    )
