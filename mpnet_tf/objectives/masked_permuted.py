"""MPNet's objective: masked and permuted language modelling with position compensation."""

import math

import numpy as np
import tensorflow as tf

from mpnet_tf.objectives.corruption import corrupt
from mpnet_tf.objectives.prediction_count import num_predicted
from mpnet_tf.objectives.prediction_selection import (
    first_in_order,
    random_order_keys,
    select_predicted,
)
from mpnet_tf.objectives.prediction_units import GRANULARITIES, unit_starts
from mpnet_tf.objectives.visibility import END_OF_STEPS


class MaskedPermuted:
    """Turns packed rows of text into the slots and labels of MPNet's objective.

    A row of `sequence_length` tokens becomes, in this order:

    1. the tokens themselves, in the order of the text. Predicted token number k of a document is
       visible from step k + 1 on; every other token always is;
    2. `num_predictions` masks, which hold the places of the predicted tokens. The mask for token
       k is visible up to step k, so every step sees a full sentence's positions;
    3. `num_predictions` query slots. The one for token k asks at step k.

    Nothing is permuted in memory: the order of prediction is in the steps alone. Masks and query
    slots hold the same token, which is the mask for 80%, a random token for 10% and the token
    itself for 10% of them. The order of prediction is uniform over the predicted tokens.

    Args:
        roles: `TokenRoles` of the vocabulary.
        sequence_length: int. Tokens in a row.
        num_predictions: int or None. Places for predicted tokens in a row. Defaults to a tenth
            more than the prediction rate asks for on average, since counts are rounded per
            document.
        prediction_rate: float in (0, 1). Share of each document's tokens to predict.
        mask_rate: float in [0, 1]. Share of the predicted tokens that the mask stands for.
        random_rate: float in [0, 1]. Share that a random token stands for.
        granularity: "word" to predict whole words, "token" for single tokens.
        max_gram: int from 1. Longest run of words (or tokens) that is predicted as one unit.
        predict_special_tokens: bool. Whether `<s>`, `</s>` and the like may be predicted, as in
            MPNet's released code; here for comparisons.

    Raises:
        ValueError: if an argument is out of its range, or `num_predictions` is less than what one
            document that fills the row needs.

    References:
        [MPNet: Masked and Permuted Pre-training for Language Understanding](
        https://arxiv.org/abs/2004.09297), sections 2.2 and 2.3, equation 5.
    """

    def __init__(
        self,
        roles,
        sequence_length,
        *,
        num_predictions=None,
        prediction_rate=0.15,
        mask_rate=0.8,
        random_rate=0.1,
        granularity="word",
        max_gram=1,
        predict_special_tokens=False,
    ):
        self.roles = roles
        self.sequence_length = sequence_length
        self.prediction_rate = prediction_rate
        self.mask_rate = mask_rate
        self.random_rate = random_rate
        self.granularity = granularity
        self.max_gram = max_gram
        self.predict_special_tokens = predict_special_tokens
        self._check_settings()
        if num_predictions is None:
            num_predictions = math.ceil(sequence_length * prediction_rate * 10 / 9)
        self.num_predictions = num_predictions
        needed = int(self.num_predicted(sequence_length - 2))
        if num_predictions < needed:
            raise ValueError(
                f"`num_predictions` must be at least {needed}, what a document that fills a row "
                f"of {sequence_length} tokens predicts at `prediction_rate={prediction_rate}`. "
                f"Received: num_predictions={num_predictions}"
            )

    def _check_settings(self):
        if not 0 < self.prediction_rate < 1:
            raise ValueError(
                "`prediction_rate` must lie between 0 and 1. "
                f"Received: prediction_rate={self.prediction_rate}"
            )
        if self.sequence_length < 3:
            raise ValueError(
                "`sequence_length` must be at least 3: `<s>`, one token and `</s>`. "
                f"Received: sequence_length={self.sequence_length}"
            )
        rates_fit = self.mask_rate >= 0 and self.random_rate >= 0
        if not rates_fit or self.mask_rate + self.random_rate > 1 + 1e-9:
            raise ValueError(
                "`mask_rate` and `random_rate` must not be negative nor exceed 1 together. "
                f"Received: mask_rate={self.mask_rate}, random_rate={self.random_rate}"
            )
        if self.granularity not in GRANULARITIES:
            raise ValueError(
                f"`granularity` must be one of {GRANULARITIES}. "
                f"Received: granularity={self.granularity!r}"
            )
        if self.max_gram < 1:
            raise ValueError(f"`max_gram` must be at least 1. Received: max_gram={self.max_gram}")

    @property
    def num_content_slots(self):
        """int. Slots that are keys: the row's tokens and the masks."""
        return self.sequence_length + self.num_predictions

    @property
    def num_slots(self):
        """int. Content slots and query slots."""
        return self.num_content_slots + self.num_predictions

    def num_predicted(self, num_tokens):
        """Counts the predictions in documents of `num_tokens` tokens without `<s>` and `</s>`."""
        num_candidates = np.asarray(num_tokens) + (2 if self.predict_special_tokens else 0)
        return num_predicted(num_candidates, self.prediction_rate)

    def places_needed(self, num_tokens):
        """Counts the places of a row that documents of `num_tokens` tokens take.

        Those are their tokens, `<s>` and `</s>`; very short documents, which predict more than
        their share, take a few more, so that no row predicts more than it has places for.

        Args:
            num_tokens: int array. Tokens of each document, without `<s>` and `</s>`.

        Returns:
            int array of the same shape.
        """
        num_tokens = np.asarray(num_tokens)
        share = self.num_predicted(num_tokens) * self.sequence_length
        return np.maximum(num_tokens + 2, -(-share // self.num_predictions))

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
        unit_seed, choice_seed, order_seed, corruption_seed = tf.unstack(tf.random.split(seed, 4))
        predicted = self._choose(rows, unit_seed, choice_seed)
        places, valid = self._order(rows["segment_ids"], predicted, order_seed)
        taken = {
            name: tf.where(valid, tf.gather(feature, places, batch_dims=1), 0)
            for name, feature in rows.items()
        }
        target_ids = tf.where(valid, taken["token_ids"], self.roles.pad_token_id)
        stand_ins = corrupt(
            target_ids,
            corruption_seed,
            roles=self.roles,
            mask_rate=self.mask_rate,
            random_rate=self.random_rate,
        )
        taken["token_ids"] = tf.where(valid, stand_ins, self.roles.pad_token_id)
        slots = self._assemble(rows, taken, places, valid)
        return slots, target_ids, tf.cast(valid, tf.float32)

    def _choose(self, rows, unit_seed, choice_seed):
        """Marks the predicted tokens, bool `(batch_size, sequence_length)`."""
        candidates = rows["segment_ids"] > 0
        if not self.predict_special_tokens:
            candidates &= ~tf.gather(tf.constant(self.roles.is_special), rows["token_ids"])
        starts = unit_starts(
            rows,
            unit_seed,
            candidates=candidates,
            roles=self.roles,
            granularity=self.granularity,
            max_gram=self.max_gram,
        )
        return select_predicted(
            rows["segment_ids"],
            choice_seed,
            candidates=candidates,
            starts=starts,
            num_predicted=num_predicted(np.arange(self.sequence_length + 1), self.prediction_rate),
        )

    def _order(self, segment_ids, predicted, seed):
        """Lists the places of the predicted tokens, by document, in order of prediction."""
        most = tf.reduce_max(tf.reduce_sum(tf.cast(predicted, tf.int32), axis=1))
        check = tf.debugging.assert_less_equal(
            most,
            self.num_predictions,
            message="A row predicts more tokens than `num_predictions` leaves places for.",
        )
        with tf.control_dependencies([check] if check is not None else []):
            keys = random_order_keys(segment_ids, seed)
        return first_in_order(keys, predicted, self.num_predictions)

    def _assemble(self, rows, taken, places, valid):
        """Lays out tokens, masks and query slots with their steps and intervals."""
        # (batch_size, num_predictions): the number k of each prediction within its document.
        document = tf.where(valid, taken["segment_ids"], tf.int32.max)
        first = tf.searchsorted(document, document, side="left")
        prediction_step = tf.where(valid, tf.range(self.num_predictions) - first, 0)

        batch_size = tf.shape(places)[0]
        row_index = tf.broadcast_to(tf.range(batch_size)[:, tf.newaxis], tf.shape(places))
        # Places of empty predictions repeat predicted ones or others; adding zero changes nothing.
        token_step = tf.scatter_nd(
            tf.stack([row_index, places], axis=2),
            tf.where(valid, prediction_step + 1, 0),
            tf.shape(rows["token_ids"]),
        )
        no_step = tf.zeros_like(prediction_step)
        slots = {name: tf.concat([rows[name], taken[name], taken[name]], axis=1) for name in taken}
        slots["query_step"] = tf.concat([token_step, no_step, prediction_step], axis=1)
        slots["key_start"] = tf.concat([token_step, no_step], axis=1)
        slots["key_end"] = tf.concat(
            [
                tf.where(rows["segment_ids"] > 0, END_OF_STEPS, 0),
                tf.where(valid, prediction_step + 1, 0),
            ],
            axis=1,
        )
        slots["prediction_slots"] = tf.broadcast_to(
            tf.range(self.num_content_slots, self.num_slots), tf.shape(places)
        )
        return slots
