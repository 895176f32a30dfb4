"""What the objectives that predict tokens of the text share: which ones, and what stands in."""

import math

import numpy as np
import tensorflow as tf

from mpnet_tf.objectives import draws
from mpnet_tf.objectives.corruption import corrupt
from mpnet_tf.objectives.look_up import look_up, look_up_in_rows, row_begins
from mpnet_tf.objectives.prediction_count import num_predicted
from mpnet_tf.objectives.prediction_selection import (
    list_places,
    select_independently,
    select_predicted,
    shuffle_places,
)
from mpnet_tf.objectives.prediction_units import GRANULARITIES, unit_starts
from mpnet_tf.objectives.setting_checks import check_prediction_rate, check_sequence_length

SELECTIONS = ("count", "bernoulli")


class TokenPrediction:
    """Base of the objectives that hide tokens of a row and predict them.

    Args:
        roles: `TokenRoles` of the vocabulary; None only checks the settings.
        sequence_length: int. Tokens in a row.
        num_predictions: int or None. Places for predicted tokens in a row. Defaults to what a
            document that fills the row needs: shorter ones, whose counts are rounded up, share
            rows of which a little stays empty. Under "bernoulli" six standard deviations more
            than the prediction rate asks for on average.
        prediction_rate: float in (0, 1). Share of each document's tokens to predict.
        mask_rate: float in [0, 1]. Share of the predicted tokens that the mask stands for.
        random_rate: float in [0, 1]. Share that a random token stands for; the rest stay.
        selection: "count" to predict that share of each document's tokens, rounded, and at least
            one; "bernoulli" to draw for each unit by itself whether it is predicted. The units
            that a row then draws beyond its places are left out.
        granularity: "word" to predict whole words, "token" for single tokens.
        max_gram: int from 1. Longest run of words (or tokens) that is predicted as one unit.
        predict_special_tokens: bool. Whether `<s>`, `</s>` and the like may be predicted, as in
            MPNet's released code; here for comparisons.

    Raises:
        ValueError: if an argument is out of its range, or `num_predictions` is less than what one
            document that fills the row needs.
    """

    # Whether a call takes a seed for each part of its rows, `(num_parts, 2)`.
    takes_seeds_of_parts = True

    def __init__(
        self,
        roles,
        sequence_length,
        *,
        num_predictions=None,
        prediction_rate=0.15,
        mask_rate=0.8,
        random_rate=0.1,
        selection="count",
        granularity="word",
        max_gram=1,
        predict_special_tokens=False,
    ):
        self.roles = roles
        self.sequence_length = sequence_length
        self.prediction_rate = prediction_rate
        self.mask_rate = mask_rate
        self.random_rate = random_rate
        self.selection = selection
        self.granularity = granularity
        self.max_gram = max_gram
        self.predict_special_tokens = predict_special_tokens
        self._check_settings()
        needed = int(self.num_predicted(sequence_length - 2))
        self._num_places = num_predictions or self._default_num_places(needed)
        if self._num_places < needed:
            raise ValueError(
                f"`num_predictions` must be at least {needed}, what a document that fills a row "
                f"of {sequence_length} tokens predicts at `prediction_rate={prediction_rate}`. "
                f"Received: num_predictions={num_predictions}"
            )

    def _check_settings(self):
        check_prediction_rate(self.prediction_rate)
        check_sequence_length(self.sequence_length)
        rates_fit = self.mask_rate >= 0 and self.random_rate >= 0
        if not rates_fit or self.mask_rate + self.random_rate > 1 + 1e-9:
            raise ValueError(
                "`mask_rate` and `random_rate` must not be negative nor exceed 1 together. "
                f"Received: mask_rate={self.mask_rate}, random_rate={self.random_rate}"
            )
        for name, allowed in (("selection", SELECTIONS), ("granularity", GRANULARITIES)):
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"`{name}` must be one of {allowed}. Received: {name}={value!r}")
        if self.max_gram < 1:
            raise ValueError(f"`max_gram` must be at least 1. Received: max_gram={self.max_gram}")

    def _default_num_places(self, needed):
        if self.selection == "count":
            return needed
        expected = self.sequence_length * self.prediction_rate
        deviation = math.sqrt(expected * (1 - self.prediction_rate))
        return min(math.ceil(expected + 6 * deviation), self.sequence_length)

    @property
    def num_predictions(self):
        """int. Predictions in a row, with empty places."""
        return self._num_places

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
        if self.selection == "bernoulli":
            return num_tokens + 2
        share = self.num_predicted(num_tokens) * self.sequence_length
        return np.maximum(num_tokens + 2, -(-share // self._num_places))

    def _predict(self, rows, seed, *, permuted):
        """Chooses the predicted tokens, their order, and what stands in for them.

        Args:
            rows: dict of int32 tensors `(batch_size, sequence_length)`.
            seed: integer tensor `(2,)` or `(num_parts, 2)`, as of `draws.integers`.
            permuted: bool. Whether each document's predictions come in random order; in that of
                the text otherwise.

        Returns:
            A dict of tensors `(batch_size, num_places)`: int32 `places` in the row and bool
            `valid`, the valid ones first, by document and in order of prediction; what `rows`
            holds there (0 and padding where not valid); `target_ids` and `stand_ins`.
        """
        length, num_places = self.sequence_length, self._num_places
        batch_size = tf.shape(rows["segment_ids"])[0]
        unit_length = length if self.max_gram > 1 else 0
        for_units, for_choice, for_order, for_corruption = draws.integers(
            seed,
            batch_size,
            [unit_length, length, num_places, num_places],
        )
        predicted = self._choose(rows, for_units, for_choice)
        places, valid = list_places(predicted, batch_size, length, num_places)
        valid = tf.ensure_shape(valid, [rows["segment_ids"].shape[0], num_places])
        if permuted:
            places = shuffle_places(places, valid, rows["segment_ids"], for_order)
        taken = {
            name: tf.where(valid, look_up_in_rows(feature, places), 0)
            for name, feature in rows.items()
        }
        taken["token_ids"] = tf.where(valid, taken["token_ids"], self.roles.pad_token_id)
        stand_ins = corrupt(
            taken["token_ids"],
            for_corruption,
            roles=self.roles,
            mask_rate=self.mask_rate,
            random_rate=self.random_rate,
        )
        return {
            **taken,
            "places": places,
            "valid": valid,
            "target_ids": taken["token_ids"],
            "stand_ins": tf.where(valid, stand_ins, self.roles.pad_token_id),
        }

    def _choose(self, rows, for_units, for_choice):
        """Lists the predicted tokens, as `select_predicted` does."""
        candidates = rows["segment_ids"] > 0
        # One look-up tells both.
        is_special = self.roles.is_special.astype(np.int8)
        kinds = look_up(tf.constant(2 * is_special + self.roles.is_continuation), rows["token_ids"])
        if not self.predict_special_tokens:
            candidates &= kinds < 2
        starts = unit_starts(
            rows["segment_ids"],
            for_units,
            candidates=candidates,
            continues=tf.bitwise.bitwise_and(kinds, 1) > 0,
            granularity=self.granularity,
            max_gram=self.max_gram,
        )
        if self.selection == "bernoulli":
            return select_independently(
                for_choice,
                candidates=candidates,
                starts=starts,
                prediction_rate=self.prediction_rate,
                most=self._num_places,
            )
        return select_predicted(
            rows["segment_ids"],
            for_choice,
            candidates=candidates,
            starts=starts,
            num_predicted=num_predicted(np.arange(self.sequence_length + 1), self.prediction_rate),
        )


def prediction_steps(prediction):
    """Numbers the predictions of each document from 0, in order of prediction.

    Args:
        prediction: dict as `TokenPrediction._predict` returns it.

    Returns:
        int32 tensor `(batch_size, num_places)`; 0 where a place is empty.
    """
    valid = prediction["valid"]
    document = tf.where(valid, prediction["segment_ids"], tf.int32.max)
    first = tf.searchsorted(document, document, side="left")
    return tf.where(valid, tf.range(tf.shape(valid)[1]) - first, 0)


def scatter_to_row(values, prediction, sequence_length):
    """Puts a value for each prediction at its place in the row, 0 elsewhere.

    Args:
        values: int32 tensor `(batch_size, num_places)`.
        prediction: dict as `TokenPrediction._predict` returns it.
        sequence_length: int.

    Returns:
        int32 tensor `(batch_size, sequence_length)`.
    """
    places = prediction["places"]
    batch_size = tf.shape(places)[0]
    scattered = tf.math.unsorted_segment_sum(
        values,
        tf.where(prediction["valid"], places + row_begins(batch_size, sequence_length), -1),
        batch_size * sequence_length,
    )
    scattered = tf.reshape(scattered, [-1, sequence_length])
    return tf.ensure_shape(scattered, [places.shape[0], sequence_length])
