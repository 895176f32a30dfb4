"""Decoding of a blank's tokens, one at a time, with the keys and values of earlier slots kept."""

from keras import ops

from mpnet_tf.layers.transformer_block import cache_indices
from mpnet_tf.layers.visibility_bias import HIDDEN_SCORE
from mpnet_tf.models.blank_filling import NOT_YET
from mpnet_tf.objectives.visibility import END_OF_STEPS, visible_keys


class CachedBlankDecoding:
    """Part of a model with `backbone` and `lm_head`: fills one blank of each text of a batch.

    The cache is a dict whose tensors all have the batch first, as samplers that keep several
    beams a text repeat and reorder it:

    - `key_values`: for each layer a pair of float tensors `(batch_size, num_heads, num_keys,
      head_dim)`. The places of the context come first, then those of the blank.
    - `context_is_real`: bool `(batch_size, context_length)`. False for padding.
    - `blank_positions`, `num_new_tokens`: int `(batch_size,)`, as `generate_step` takes them.
    """

    def generate_step(self, inputs, stop_token_ids=None):
        """Fills one blank of each text of a batch.

        Args:
            inputs: dict of
                `token_ids`, `position_ids`, `block_position_ids`, `segment_ids`, `query_step`:
                int `(batch_size, context_length)`, the texts and what fills their blanks so far, as
                `mpnet_tf.models.blank_filling.blank_slots` lays them out;
                `blank_positions`: int `(batch_size,)`, where in its text the blank is;
                `num_new_tokens`: int `(batch_size,)`, most tokens in it, at most `width`; 0 where
                there is nothing to fill;
                `new_token_ids`: int `(batch_size, 1 + width)`, the token that starts a span and
                `NOT_YET` behind it;
                `logit_bias`: float32 `(vocabulary_size,)`, added to all logits.
            stop_token_ids: sequence of int, or None. What ends the blank.

        Returns:
            A dict of int `token_ids` and bool `padding_mask`, `(batch_size, width)`: what was
            generated, and True for what is in the blank, without the token that ended it.
        """
        inputs = {name: ops.convert_to_tensor(value) for name, value in inputs.items()}
        new_token_ids = inputs["new_token_ids"]
        width = ops.shape(new_token_ids)[1] - 1
        # What every step needs alike is made before the loop.
        output_kernel = self.lm_head.output_kernel()
        logits_when_done = self._only_token(stop_token_ids[0] if stop_token_ids else 0)

        def next(prompt, cache, index):
            token_ids = ops.slice(prompt, [0, index - 1], [ops.shape(prompt)[0], 1])
            logits, hidden_states, cache = self.call_with_cache(
                token_ids, cache, index - 1, output_kernel
            )
            # A text that is done gets stop tokens without doubt, at no cost to its beam.
            is_done = _is_done(prompt, index, cache["num_new_tokens"], stop_token_ids)
            logits = ops.where(
                ops.expand_dims(is_done, 1),
                logits_when_done,
                logits[:, 0] + inputs["logit_bias"],
            )
            return logits, hidden_states[:, 0], cache

        token_ids = self.sampler(
            next=next,
            prompt=new_token_ids,
            cache=self.make_cache(inputs, width),
            index=1,
            mask=ops.not_equal(new_token_ids, NOT_YET),
            stop_token_ids=stop_token_ids,
            model=self,
        )[:, 1:]
        number = ops.arange(1, width + 1)
        is_stop = _is_any(token_ids, stop_token_ids)
        is_open = ops.equal(ops.cumsum(ops.cast(is_stop, "int32"), axis=1), 0)
        is_within = number <= ops.expand_dims(inputs["num_new_tokens"], 1)
        return {"token_ids": token_ids, "padding_mask": ops.logical_and(is_open, is_within)}

    def call_with_cache(self, token_ids, cache, cache_update_index, output_kernel=None):
        """Computes slots of the blanks with what the cache holds of the slots before them.

        Args:
            token_ids: int tensor `(batch_size, num_slots)`. Tokens that follow one another.
            cache: dict as the class describes it.
            cache_update_index: int or int tensor. The first one's place in the blank, from 0.
            output_kernel: what the head's method of this name returns, or None for a single call.
                Default None.

        Returns:
            float32 logits `(batch_size, num_slots, vocabulary_size)`, hidden states
            `(batch_size, num_slots, hidden_dim)`, and the cache with these slots.
        """
        context_is_real = cache["context_is_real"]
        batch_size, context_length = ops.shape(context_is_real)
        width = ops.shape(cache["key_values"][0][0])[2] - context_length
        place = cache_update_index + ops.arange(ops.shape(token_ids)[1])
        # (num_slots, width)
        is_before = ops.arange(width) <= ops.expand_dims(place, 1)
        num_slots = ops.shape(token_ids)[1]
        # (batch_size, num_slots, num_keys)
        visible = ops.concatenate(
            [
                ops.broadcast_to(
                    ops.expand_dims(context_is_real, 1), (batch_size, num_slots, context_length)
                ),
                ops.broadcast_to(is_before, (batch_size, num_slots, width)),
            ],
            axis=2,
        )
        position_ids = ops.expand_dims(cache["blank_positions"], 1) + ops.zeros_like(token_ids)
        hidden = self.backbone.embeddings(
            token_ids,
            position_ids,
            block_position_ids=ops.zeros_like(token_ids) + place + 1,
            training=False,
        )
        # A body without relative positions reads no positions here.
        attention_bias = self.backbone.attention_bias(None, None, visible)
        indices = cache_indices(batch_size, self.backbone.num_heads, context_length + place)
        key_values = []
        for layer, key_value in zip(
            self.backbone.transformer_layers, cache["key_values"], strict=True
        ):
            hidden, key_value = layer.call_with_cache(hidden, attention_bias, key_value, indices)
            key_values.append(key_value)
        hidden = self.backbone.final_norm(hidden)
        logits = self.lm_head.project(hidden, output_kernel)
        return logits, hidden, {**cache, "key_values": tuple(key_values)}

    def make_cache(self, inputs, width):
        """Runs the body over the context; the places of the blank stay empty.

        Args:
            inputs: dict of tensors, as `generate_step` takes them, without those of the new tokens.
            width: int or int32 scalar. Places of the blank.

        Returns:
            The cache, as the class describes it.
        """
        is_real = inputs["segment_ids"] > 0
        visible = visible_keys(
            query_step=inputs["query_step"],
            query_segment_ids=inputs["segment_ids"],
            key_start=inputs["query_step"],
            key_end=ops.where(is_real, END_OF_STEPS, 0),
            key_segment_ids=inputs["segment_ids"],
        )
        attention_bias = self.backbone.attention_bias(None, None, visible)
        hidden = self.backbone.embeddings(
            inputs["token_ids"],
            inputs["position_ids"],
            block_position_ids=inputs["block_position_ids"],
            training=False,
        )
        key_values = []
        for layer in self.backbone.transformer_layers:
            hidden, key_value = layer.call_with_cache(hidden, attention_bias)
            padding = ((0, 0), (0, 0), (0, width), (0, 0))
            key_values.append(tuple(ops.pad(one, padding) for one in key_value))
        return {
            "key_values": tuple(key_values),
            "context_is_real": is_real,
            "blank_positions": inputs["blank_positions"],
            "num_new_tokens": inputs["num_new_tokens"],
        }

    def _only_token(self, token_id):
        """Returns float32 logits `(vocabulary_size,)` that leave nothing but one token."""
        is_token = ops.equal(ops.arange(self.backbone.vocabulary_size), token_id)
        return ops.where(is_token, ops.cast(0, "float32"), ops.cast(HIDDEN_SCORE, "float32"))


def _is_done(prompt, index, num_new_tokens, stop_token_ids):
    """Tells the texts whose blank is full or has ended before column `index` of `prompt`."""
    number = ops.arange(ops.shape(prompt)[1])
    # The first column holds the token that starts the span.
    is_new = ops.logical_and(number > 0, number < index)
    has_ended = ops.any(ops.logical_and(_is_any(prompt, stop_token_ids), is_new), axis=1)
    return ops.logical_or(has_ended, index > num_new_tokens)


def _is_any(token_ids, stop_token_ids):
    if stop_token_ids is None:
        return ops.zeros_like(token_ids, dtype="bool")
    return ops.any(ops.equal(ops.expand_dims(token_ids, -1), list(stop_token_ids)), axis=-1)
