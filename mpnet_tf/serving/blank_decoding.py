"""Blanks filled token by token, in the graph and with options for each row."""

import tensorflow as tf

from mpnet_tf.layers.visibility_bias import HIDDEN_SCORE


class BlankDecoder:
    """Fills a blank of each row, keeping the keys and values of earlier slots.

    What `GLMCausalLM` does with keras_hub's samplers; its loop calls ops of XLA's, which
    TensorFlow Serving does not link.

    Args:
        model: `GLMCausalLM` with a preprocessor.
    """

    def __init__(self, model):
        roles = model.preprocessor.roles
        self.model = model
        self.start_token_id = roles.span_start_token_id
        self.end_token_id = roles.span_end_token_id
        is_token = tf.range(model.backbone.vocabulary_size) < len(roles.is_special)
        is_special = tf.pad(
            tf.constant(roles.is_special),
            [[0, model.backbone.vocabulary_size - len(roles.is_special)]],
        )
        is_end = tf.equal(tf.range(model.backbone.vocabulary_size), self.end_token_id)
        self.logit_bias = tf.where((is_token & ~is_special) | is_end, 0.0, HIDDEN_SCORE).numpy()

    def fill(self, slots, blank_positions, num_new_tokens, choice):
        """Fills a blank of each row.

        Args:
            slots: dict of int32 tensors `(batch_size, num_slots)`, as `PartA.slots`.
            blank_positions: int32 `(batch_size,)`. Where in its text each blank is.
            num_new_tokens: int32 `(batch_size,)`. Most tokens in it; 0 for none.
            choice: `TokenChoice`.

        Returns:
            int32 tensors `(batch_size, width)`, the tokens with 0 behind a row's last, and
            `(batch_size,)`, how many they are.
        """
        batch_size = tf.shape(blank_positions)[0]
        vocabulary_size = self.model.backbone.vocabulary_size
        width = tf.maximum(tf.reduce_max(num_new_tokens), 1)
        inputs = {**slots, "blank_positions": blank_positions, "num_new_tokens": num_new_tokens}
        cache = self.model.make_cache(inputs, width)
        output_kernel = self.model.lm_head.output_kernel()

        def goes_on(number, _cache, _last, _is_there, lengths, _tokens):
            is_open = tf.reduce_any(_is_open(number, lengths, num_new_tokens))
            # Once at least: tokens of which none was ever written could not be stacked.
            return (number < width) & (is_open | tf.equal(number, 0))

        def add_token(number, cache, last, is_there, lengths, tokens):
            logits, _, cache = self.model.call_with_cache(
                last[:, tf.newaxis], cache, number, output_kernel
            )
            token_ids = choice.choose(logits[:, 0] + self.logit_bias, is_there, number)
            is_added = _is_open(number, lengths, num_new_tokens)
            is_added &= tf.not_equal(token_ids, self.end_token_id)
            is_there |= tf.one_hot(token_ids, vocabulary_size, True, False, dtype=tf.bool)
            tokens = tokens.write(number, tf.where(is_added, token_ids, 0))
            lengths += tf.cast(is_added, tf.int32)
            return number + 1, cache, token_ids, is_there, lengths, tokens

        state = (
            tf.constant(0),
            cache,
            tf.fill([batch_size], self.start_token_id),
            tf.zeros([batch_size, vocabulary_size], tf.bool),
            tf.zeros([batch_size], tf.int32),
            tf.TensorArray(tf.int32, width, element_shape=[None]),
        )
        *_, lengths, tokens = tf.while_loop(
            goes_on,
            add_token,
            state,
            shape_invariants=tf.nest.map_structure(_growing_shape, state),
            parallel_iterations=1,
        )
        return tf.transpose(tf.reshape(tokens.stack(), [width, batch_size])), lengths


def _is_open(number, lengths, num_new_tokens):
    """Tells the rows that ended at none of the `number` tokens before and have room for another."""
    return tf.equal(lengths, number) & (lengths < num_new_tokens)


def _growing_shape(value):
    """Returns the shape of a loop's value, of which only the rank is certain."""
    if isinstance(value, tf.TensorArray):
        return tf.TensorShape(None)
    return tf.TensorShape([None] * value.shape.rank)
