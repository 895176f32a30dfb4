"""Decoding without a cache, to compare with."""

import functools

import numpy as np
import tensorflow as tf

from mpnet_tf.models import Pretrainer
from mpnet_tf.models.glm_causal_lm import GLMCausalLM
from tests.models.writing_model import is_allowed


class RecomputingLM(GLMCausalLM):
    """Decodes with the sampler, but runs `Pretrainer` over slots made here for each token."""

    @functools.cached_property
    def pretrainer(self):
        return Pretrainer(self.backbone, lm_head=self.lm_head)

    def generate_step(self, inputs, stop_token_ids=None):
        new_token_ids, limits = inputs["new_token_ids"], inputs["num_new_tokens"]
        width = new_token_ids.shape[1] - 1
        number = np.arange(width)
        (stop_token_id,) = stop_token_ids

        def next(prompt, cache, index):
            index, prompt, rows = int(index), np.asarray(prompt), np.asarray(cache)
            ones = np.ones((len(rows), width), int)
            blank = {
                "token_ids": np.maximum(prompt[:, :width], 0),
                "position_ids": inputs["blank_positions"][rows][:, None] * ones,
                "block_position_ids": (number + 1) * ones,
                "segment_ids": (number < index) * ones,
                "query_step": (number + 1000) * ones,
            }
            slots = {
                name: np.concatenate([inputs[name][rows], values], axis=1).astype("int32")
                for name, values in blank.items()
            }
            last = inputs["token_ids"].shape[1] + index - 1
            slots["key_start"] = slots["query_step"]
            slots["key_end"] = np.where(slots["segment_ids"] > 0, 10**6, 0).astype("int32")
            slots["prediction_slots"] = np.full((len(rows), 1), last, "int32")
            slots["objective_ids"] = np.zeros((len(rows), 1), "int32")
            logits = np.array(self.pretrainer(slots, training=False))[:, 0]
            logits[:, ~is_allowed(stop_token_id)] = -1e9
            done = (prompt[:, 1:index] == stop_token_id).any(axis=1) | (index > limits[rows])
            logits[done] = np.where(np.arange(logits.shape[1]) == stop_token_id, 0, -1e9)
            return tf.constant(logits), None, cache

        token_ids = np.asarray(
            self.sampler(
                next,
                tf.constant(new_token_ids),
                # Which text a row is of: samplers with beams repeat it.
                cache=tf.range(len(limits)),
                index=1,
                mask=tf.constant(new_token_ids >= 0),
                stop_token_ids=stop_token_ids,
            )
        )[:, 1:]
        has_ended = np.cumsum(token_ids == stop_token_id, axis=1) > 0
        return {
            "token_ids": token_ids,
            "padding_mask": ~has_ended & (number < limits[:, None]),
        }
