"""Masked language modelling: masked tokens are predicted independently of one another."""

import tensorflow as tf

from mpnet_tf.objectives.token_prediction import TokenPrediction, scatter_to_row
from mpnet_tf.objectives.visibility import END_OF_STEPS


class Masked(TokenPrediction):
    """Turns packed rows of text into the slots and labels of masked language modelling.

    The slots are the row's tokens, with the stand-ins in the places of the predicted ones. All see
    all of their document, and the stand-ins are what is predicted: there are no query slots.

    Arguments are those of `TokenPrediction`.

    References:
        [BERT](https://arxiv.org/abs/1810.04805), section 3.1;
        [RoBERTa](https://arxiv.org/abs/1907.11692), section 4 (drawn anew in each epoch, no next
        sentence).
    """

    names = ("mlm",)

    @property
    def num_content_slots(self):
        """int. Slots that are keys: the row's tokens."""
        return self.sequence_length

    @property
    def num_slots(self):
        """int. All of them are content slots."""
        return self.num_content_slots

    def __call__(self, rows, seed):
        """Makes the slots and labels of a batch.

        Args:
            rows: dict of int32 tensors `(batch_size, sequence_length)`: `token_ids`,
                `position_ids`, and `segment_ids`, which counts the documents of a row from 1 and
                is 0 for padding.
            seed: int32 tensor `(2,)`. The same rows and seed give the same slots.

        Returns:
            A dict of slots as `mpnet_tf.objectives.visibility` lists them, `target_ids` int32 and
            `target_weights` float32, both `(batch_size, num_predictions)`; the weight is 1 for a
            prediction and 0 for an empty place.

        Raises:
            tf.errors.InvalidArgumentError: if a row predicts more tokens than it has places for.
        """
        prediction = self._predict(rows, seed, permuted=False)
        change = scatter_to_row(
            prediction["stand_ins"] - prediction["target_ids"], prediction, self.sequence_length
        )
        nothing = tf.zeros_like(rows["token_ids"])
        slots = {
            **rows,
            "token_ids": rows["token_ids"] + change,
            "block_position_ids": nothing,
            "query_step": nothing,
            "key_start": nothing,
            "key_end": tf.where(rows["segment_ids"] > 0, END_OF_STEPS, 0),
            "prediction_slots": prediction["places"],
            "objective_ids": tf.zeros_like(prediction["places"]),
        }
        return slots, prediction["target_ids"], tf.cast(prediction["valid"], tf.float32)
