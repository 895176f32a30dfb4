"""Permuted language modelling: tokens predicted one after the other, in random order."""

import tensorflow as tf

from mpnet_tf.objectives.token_prediction import (
    TokenPrediction,
    prediction_steps,
    scatter_to_row,
)
from mpnet_tf.objectives.visibility import END_OF_STEPS


class Permuted(TokenPrediction):
    """Turns packed rows of text into the slots and labels of permuted language modelling.

    A row of `sequence_length` tokens becomes, in this order:

    1. the tokens themselves, in the order of the text. Predicted token number k of a document is
       visible from step k + 1 on; every other token always is;
    2. `num_predictions` query slots. The one for token k asks at step k, and sees nothing in the
       places of the tokens still to come: that is what MPNet's position compensation adds.

    Arguments are those of `TokenPrediction`, and:

    Args:
        permutation: bool. Whether the order of prediction is random; that of the text otherwise.

    References:
        [XLNet](https://arxiv.org/abs/1906.08237), section 2.2, as
        [MPNet](https://arxiv.org/abs/2004.09297), section 2.1, restates it.
    """

    names = ("plm",)

    def __init__(self, roles, sequence_length, *, permutation=True, **settings):
        super().__init__(roles, sequence_length, **settings)
        self.permutation = permutation

    @property
    def num_content_slots(self):
        """int. Slots that are keys: the row's tokens."""
        return self.sequence_length

    @property
    def num_slots(self):
        """int. Content slots and query slots."""
        return self.num_content_slots + self.num_predictions

    def __call__(self, rows, seed):
        """Makes the slots and labels of a batch; arguments and results as of `Masked`."""
        prediction = self._predict(rows, seed, permuted=self.permutation)
        step = prediction_steps(prediction)
        token_step = scatter_to_row(step + 1, prediction, self.sequence_length)
        queries = {**prediction, "token_ids": prediction["stand_ins"]}
        slots = {name: tf.concat([rows[name], queries[name]], axis=1) for name in rows}
        slots["block_position_ids"] = tf.zeros_like(slots["token_ids"])
        slots["query_step"] = tf.concat([token_step, step], axis=1)
        slots["key_start"] = token_step
        slots["key_end"] = tf.where(rows["segment_ids"] > 0, END_OF_STEPS, 0)
        slots["prediction_slots"] = tf.broadcast_to(
            tf.range(self.num_content_slots, self.num_slots), tf.shape(step)
        )
        slots["objective_ids"] = tf.zeros_like(step)
        return slots, prediction["target_ids"], tf.cast(prediction["valid"], tf.float32)
