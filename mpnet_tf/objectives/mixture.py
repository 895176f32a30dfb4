"""Several objectives in one run, drawn for each row."""

import numpy as np
import tensorflow as tf

from mpnet_tf.objectives.visibility import KEY_FEATURES, SLOT_FEATURES


class Mixture:
    """Draws an objective for each row and gives all rows one static layout.

    The content slots come first as ever: each objective's are filled up with padding to the
    longest, and so are query slots and predictions.

    Args:
        objectives: list of objectives for rows of one length.
        weights: list of float. Share of the rows that each gets; they sum to 1.

    Raises:
        ValueError: if the weights are no shares, their number is not that of the objectives, or
            the objectives are for rows of different lengths.
    """

    def __init__(self, objectives, weights):
        lengths = [objective.sequence_length for objective in objectives]
        if len(set(lengths)) != 1:
            raise ValueError(
                "`objectives` must be for rows of one length. "
                f"Received: sequence_length={', '.join(map(str, lengths))}"
            )
        if len(weights) != len(objectives) or min(weights) <= 0 or abs(sum(weights) - 1) > 1e-6:
            raise ValueError(
                f"`weights` must be {len(objectives)} positive numbers that sum to 1. "
                f"Received: weights={list(weights)}, which sum to {sum(weights):g}"
            )
        self.objectives = list(objectives)
        self.weights = list(weights)
        self.roles = objectives[0].roles
        self.sequence_length = lengths[0]
        self.names = tuple(dict.fromkeys(name for part in objectives for name in part.names))
        self.num_predictions = max(part.num_predictions for part in objectives)
        self.num_content_slots = max(part.num_content_slots for part in objectives)
        most_queries = max(part.num_slots - part.num_content_slots for part in objectives)
        self.num_slots = self.num_content_slots + most_queries

    def places_needed(self, num_tokens):
        """Counts the places of a row that documents take, whichever objective the row gets."""
        return np.max([part.places_needed(num_tokens) for part in self.objectives], axis=0)

    def __call__(self, rows, seed):
        """Makes the slots and labels of a batch; arguments and results as of each objective.

        `objective_ids` numbers the objectives as `names` lists them.
        """
        choice_seed, *seeds = tf.unstack(tf.random.split(seed, len(self.objectives) + 1))
        batch_size = tf.shape(rows["token_ids"])[0]
        borders = tf.constant(np.cumsum(self.weights)[:-1], tf.float32)
        draws = tf.random.stateless_uniform([batch_size], choice_seed)
        choice = tf.searchsorted(borders, draws, side="right")

        indices, parts = [], []
        for number, (objective, part_seed) in enumerate(zip(self.objectives, seeds, strict=True)):
            index = tf.cast(tf.where(tf.equal(choice, number))[:, 0], tf.int32)
            part_rows = {name: tf.gather(feature, index) for name, feature in rows.items()}
            indices.append(index)
            parts.append(self._laid_out(objective, *objective(part_rows, part_seed)))

        def together(*features):
            shape = [rows["token_ids"].shape[0], features[0].shape[1]]
            return tf.ensure_shape(tf.dynamic_stitch(indices, features), shape)

        return tf.nest.map_structure(together, *parts)

    def _laid_out(self, objective, slots, target_ids, target_weights):
        """Fills the slots and labels of one objective up to the layout of all."""
        own_content = objective.num_content_slots
        num_queries = self.num_slots - self.num_content_slots
        made = {}
        for name in SLOT_FEATURES:
            fill = self.roles.pad_token_id if name == "token_ids" else 0
            content, queries = slots[name][:, :own_content], slots[name][:, own_content:]
            made[name] = tf.concat(
                [
                    _filled_up(content, self.num_content_slots, fill),
                    _filled_up(queries, num_queries, fill),
                ],
                axis=1,
            )
        for name in KEY_FEATURES:
            made[name] = _filled_up(slots[name], self.num_content_slots, 0)

        predicted = slots["prediction_slots"]
        shift = tf.where(predicted < own_content, 0, self.num_content_slots - own_content)
        made["prediction_slots"] = _filled_up(predicted + shift, self.num_predictions, 0)
        own_names = tf.constant([self.names.index(name) for name in objective.names])
        objective_ids = tf.gather(own_names, slots["objective_ids"])
        made["objective_ids"] = _filled_up(objective_ids, self.num_predictions, 0)
        return (
            made,
            _filled_up(target_ids, self.num_predictions, self.roles.pad_token_id),
            _filled_up(target_weights, self.num_predictions, 0),
        )


def _filled_up(values, length, fill):
    """Pads `(batch_size, num_values)` to `(batch_size, length)`."""
    missing = length - values.shape[1]
    return tf.pad(values, [[0, 0], [0, missing]], constant_values=fill) if missing else values
