"""Causal language modelling: every token is predicted from those before it."""

import numpy as np
import tensorflow as tf

from mpnet_tf.objectives.setting_checks import check_sequence_length
from mpnet_tf.objectives.visibility import END_OF_STEPS


class Causal:
    """Turns packed rows of text into the slots and labels of causal language modelling.

    The slots are the row's tokens. A token is visible from its own place on, and each slot predicts
    the token behind it.

    Args:
        roles: `TokenRoles` of the vocabulary; None only checks the settings.
        sequence_length: int. Tokens in a row.
        predict_special_tokens: bool. Whether `</s>` and the like are predicted too, which a model
            needs to know where to stop.

    Raises:
        ValueError: if `sequence_length` is less than 3.

    References:
        [Improving Language Understanding by Generative Pre-Training](
        https://cdn.openai.com/research-covers/language-unsupervised/language_understanding_paper.pdf),
        equation 1.
    """

    names = ("clm",)

    def __init__(self, roles, sequence_length, *, predict_special_tokens=False):
        check_sequence_length(sequence_length)
        self.roles = roles
        self.sequence_length = sequence_length
        self.predict_special_tokens = predict_special_tokens
        # The last slot has no token behind it.
        self.num_predictions = sequence_length - 1
        self.num_content_slots = self.num_slots = sequence_length

    def places_needed(self, num_tokens):
        """Counts the places of a row that documents of `num_tokens` tokens take."""
        return np.asarray(num_tokens) + 2

    def __call__(self, rows, seed):
        """Makes the slots and labels of a batch; arguments and results as of `Masked`.

        Nothing is drawn: `seed` has no influence.
        """
        del seed
        segment_ids = rows["segment_ids"]
        target_ids = rows["token_ids"][:, 1:]
        is_target = (segment_ids[:, 1:] == segment_ids[:, :-1]) & (segment_ids[:, 1:] > 0)
        if not self.predict_special_tokens:
            is_target &= ~tf.gather(tf.constant(self.roles.is_special), target_ids)
        slots = {
            **rows,
            "block_position_ids": tf.zeros_like(segment_ids),
            "query_step": rows["position_ids"],
            "key_start": rows["position_ids"],
            "key_end": tf.where(segment_ids > 0, END_OF_STEPS, 0),
            "prediction_slots": tf.broadcast_to(
                tf.range(self.num_predictions), tf.shape(target_ids)
            ),
            "objective_ids": tf.zeros_like(target_ids),
        }
        target_ids = tf.where(is_target, target_ids, self.roles.pad_token_id)
        return slots, target_ids, tf.cast(is_target, tf.float32)
