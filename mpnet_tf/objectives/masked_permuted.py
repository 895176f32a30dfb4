"""MPNet's objective: masked and permuted language modelling with position compensation."""

import tensorflow as tf

from mpnet_tf.objectives.token_prediction import (
    TokenPrediction,
    prediction_steps,
    scatter_to_row,
)
from mpnet_tf.objectives.visibility import END_OF_STEPS


class MaskedPermuted(TokenPrediction):
    """Turns packed rows of text into the slots and labels of MPNet's objective.

    A row of `sequence_length` tokens becomes, in this order:

    1. the tokens themselves, in the order of the text. Predicted token number k of a document is
       visible from step k + 1 on; every other token always is;
    2. one mask for each predicted token, which holds its place. The mask for token k is visible
       up to step k, so every step sees a full sentence's positions;
    3. one query slot for each predicted token. The one for token k asks at step k.

    Nothing is permuted in memory: the order of prediction is in the steps alone. Masks and query
    slots hold the same token, which is the mask for 80%, a random token for 10% and the token
    itself for 10% of them. The order of prediction is uniform over the predicted tokens.

    Arguments are those of `TokenPrediction`, and:

    Args:
        permutation: bool. Whether the order of prediction is random; that of the text otherwise.
        mlm_loss_weight: float from 0. Above 0, what the masks themselves make of their places
            counts too, with this weight beside 1 for the query slots. A mask sees no predicted
            token, so this is the loss of masked language modelling; the masks are there anyway,
            and only the last layer and the head have more to do.

    Raises:
        ValueError: also if `mlm_loss_weight` is negative.

    References:
        [MPNet: Masked and Permuted Pre-training for Language Understanding](
        https://arxiv.org/abs/2004.09297), sections 2.2 and 2.3, equation 5.
    """

    def __init__(
        self, roles, sequence_length, *, permutation=True, mlm_loss_weight=0.0, **settings
    ):
        super().__init__(roles, sequence_length, **settings)
        if not mlm_loss_weight >= 0:
            raise ValueError(
                "`mlm_loss_weight` must not be negative. "
                f"Received: mlm_loss_weight={mlm_loss_weight}"
            )
        self.permutation = permutation
        self.mlm_loss_weight = mlm_loss_weight

    @property
    def names(self):
        """tuple of str. The losses that make up the objective."""
        return ("mpnet", "mlm") if self.mlm_loss_weight else ("mpnet",)

    @property
    def num_predictions(self):
        """int. Predictions in a row, with empty places."""
        return self._num_places * len(self.names)

    @property
    def num_content_slots(self):
        """int. Slots that are keys: the row's tokens and the masks."""
        return self.sequence_length + self._num_places

    @property
    def num_slots(self):
        """int. Content slots and query slots."""
        return self.num_content_slots + self._num_places

    def __call__(self, rows, seed):
        """Makes the slots and labels of a batch; arguments and results as of `Masked`.

        With a weight for the masks' loss, their predictions follow those of the query slots, and
        `target_weights` holds that weight for them.
        """
        prediction = self._predict(rows, seed, permuted=self.permutation)
        slots = self._assemble(rows, prediction)
        target_ids, valid = prediction["target_ids"], tf.cast(prediction["valid"], tf.float32)
        if not self.mlm_loss_weight:
            return slots, target_ids, valid
        queries = slots["prediction_slots"]
        masks = queries - self._num_places
        slots["prediction_slots"] = tf.concat([queries, masks], axis=1)
        slots["objective_ids"] = tf.repeat([[0, 1]], self._num_places, axis=1) + tf.zeros_like(
            slots["prediction_slots"]
        )
        target_weights = tf.concat([valid, self.mlm_loss_weight * valid], axis=1)
        return slots, tf.concat([target_ids, target_ids], axis=1), target_weights

    def _assemble(self, rows, prediction):
        """Lays out tokens, masks and query slots with their steps and intervals."""
        step = prediction_steps(prediction)
        token_step = scatter_to_row(step + 1, prediction, self.sequence_length)
        masks = {**prediction, "token_ids": prediction["stand_ins"]}
        slots = {name: tf.concat([rows[name], masks[name], masks[name]], axis=1) for name in rows}
        slots["block_position_ids"] = tf.zeros_like(slots["token_ids"])
        slots["query_step"] = tf.concat([token_step, tf.zeros_like(step), step], axis=1)
        slots["key_start"] = tf.concat([token_step, tf.zeros_like(step)], axis=1)
        slots["key_end"] = tf.concat(
            [
                tf.where(rows["segment_ids"] > 0, END_OF_STEPS, 0),
                tf.where(prediction["valid"], step + 1, 0),
            ],
            axis=1,
        )
        slots["prediction_slots"] = tf.broadcast_to(
            tf.range(self.num_content_slots, self.num_slots), tf.shape(step)
        )
        slots["objective_ids"] = tf.zeros_like(step)
        return slots
