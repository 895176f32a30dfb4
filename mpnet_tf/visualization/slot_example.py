"""The slots of one row of text, without padding, for pictures and tables."""

import dataclasses

import numpy as np
import tensorflow as tf

from mpnet_tf.objectives.visibility import (
    END_OF_STEPS,
    KEY_FEATURES,
    PREDICTION_FEATURES,
    SLOT_FEATURES,
)
from mpnet_tf.visualization.sentences import find_sentences

TOKEN = "token"
PREDICTED = "predicted"
STAND_IN = "stand-in"
QUERY = "query"

# Where chance decides how much is predicted, many a short text has nothing, which shows nothing.
_MAX_DRAWS = 20
# Tokens of a sentence that make a picture of readable size.
_LONGEST_SENTENCE = 18


@dataclasses.dataclass(frozen=True)
class SlotExample:
    """The slots of one or more documents of a row.

    Args:
        slots: dict of int arrays `(num_slots,)`, `(num_content_slots,)` or `(num_predictions,)`,
            with the features that `mpnet_tf.objectives.visibility` lists; `block_position_ids`
            may be missing where all would be 0.
        tokens: tuple of str, one for each slot.
        targets: tuple of str. The token to predict at each of `prediction_slots`, or nothing
            where that is of no interest.

    Raises:
        ValueError: if there is not one token for each slot and one target for each prediction.
    """

    slots: dict[str, np.ndarray]
    tokens: tuple[str, ...]
    targets: tuple[str, ...] = ()

    def __post_init__(self):
        num_slots = len(self.slots["token_ids"])
        if len(self.tokens) != num_slots:
            raise ValueError(
                f"`tokens` must name each of the {num_slots} slots. "
                f"Received: {len(self.tokens)} tokens"
            )
        num_predictions = len(self.slots["prediction_slots"])
        if self.targets and len(self.targets) != num_predictions:
            raise ValueError(
                f"`targets` must name each of the {num_predictions} predictions, or none. "
                f"Received: {len(self.targets)} targets"
            )

    @property
    def block_positions(self):
        """int array `(num_slots,)`. Places in the blank that is filled, from 1; 0 for others."""
        return self.slots.get("block_position_ids", np.zeros_like(self.slots["token_ids"]))

    @property
    def predictions(self):
        """dict from slot, an int, to the token it is to predict; empty without `targets`."""
        slots = self.slots["prediction_slots"] if self.targets else ()
        return dict(zip(map(int, slots), self.targets, strict=True))

    def parts(self):
        """Names the part that each slot plays.

        Returns:
            List of str: `QUERY` for a slot that is never a key; `PREDICTED` for one that only
            later steps see, since it tells what an earlier one had to predict; `STAND_IN` for what
            stands in the place of predicted tokens; `TOKEN` for all others.
        """
        num_content_slots = len(self.slots["key_start"])
        parts = [QUERY] * len(self.tokens)
        for slot in range(num_content_slots):
            if self.slots["key_start"][slot] > 0:
                parts[slot] = PREDICTED
            elif self._stands_in(slot):
                parts[slot] = STAND_IN
            else:
                parts[slot] = TOKEN
        return parts

    def seen_by(self):
        """Tells by which steps each content slot is seen.

        Returns:
            List of str, `(num_content_slots,)`: "all", "from 3", "to 1" or "1 to 3", ends included.
        """
        texts = []
        for start, end in zip(self.slots["key_start"], self.slots["key_end"], strict=True):
            first = f"from {start}" if start > 0 else "all"
            last = f"{start} to {end - 1}" if start > 0 else f"to {end - 1}"
            texts.append(first if end >= END_OF_STEPS else last)
        return texts

    def _stands_in(self, slot):
        """Tells whether a content slot that the first step sees stands for something predicted."""
        if self.slots["key_end"][slot] < END_OF_STEPS:
            # MPNet: no longer seen once the token itself is.
            return True
        same_document = self.slots["segment_ids"] == self.slots["segment_ids"][slot]
        # Blank infilling: the tokens of a blank have the position of what marks it.
        same_place = self.slots["position_ids"] == self.slots["position_ids"][slot]
        if (same_document & same_place & (self.block_positions > 0)).any():
            return True
        # Masked prediction, which is made on the spot. A causal model's first token predicts too,
        # but what it predicts is seen later on.
        num_content_slots = len(self.slots["key_start"])
        reveals = same_document[:num_content_slots] & (self.slots["key_start"] > 0)
        return slot in self.slots["prediction_slots"] and not reveals.any()


def document_example(batch, vocabulary, *, row=0, segment_id=None):
    """Cuts the slots of one document, or of a whole row, out of a batch.

    Args:
        batch: what an objective makes of a batch: dict of slots, target ids and target weights.
        vocabulary: sequence of str; a token's place is its id.
        row: int. Row of the batch.
        segment_id: int from 1, which document of the row, or None for all.

    Returns:
        `SlotExample`.

    Raises:
        ValueError: if the row holds no such document.
    """
    slots, target_ids, target_weights = batch
    features = {name: np.asarray(values)[row] for name, values in slots.items()}
    segment_ids = features["segment_ids"]
    kept = segment_ids > 0 if segment_id is None else segment_ids == segment_id
    if not kept.any() or segment_id == 0:
        raise ValueError(
            "`segment_id` must be that of a document in the row. "
            f"Received: row={row}, segment_id={segment_id}"
        )
    example = {name: features[name][kept] for name in SLOT_FEATURES if name in features}
    for name in KEY_FEATURES:
        example[name] = features[name][kept[: len(features[name])]]
    # Places without a prediction point anywhere; their weight is 0.
    predicts = kept[features["prediction_slots"]] & (np.asarray(target_weights)[row] > 0)
    for name in PREDICTION_FEATURES:
        if name in features:
            example[name] = features[name][predicts]
    new_places = np.cumsum(kept) - 1
    example["prediction_slots"] = new_places[example["prediction_slots"]]
    return SlotExample(
        example,
        tokens=tuple(vocabulary[token] for token in example["token_ids"]),
        targets=tuple(vocabulary[token] for token in np.asarray(target_ids)[row][predicts]),
    )


def row_example(documents, tokenizer, make_objective, *, seed=0):
    """Makes the slots of documents that share a row, as an objective makes them in training.

    An objective that leaves it to chance how much is predicted may find nothing in a short text;
    it is then asked again, a few times.

    Args:
        documents: list of lists of int, the documents' token ids without `<s>` and `</s>`.
        tokenizer: `mpnet_tf.models.MPNetTokenizer`.
        make_objective: callable from the sequence length, an int, to the objective.
        seed: int.

    Returns:
        `SlotExample` of all the documents.
    """
    objective = _roomy_objective(make_objective, np.array([len(ids) for ids in documents]))
    token_ids, position_ids, segment_ids = [], [], []
    for number, document in enumerate(documents, start=1):
        length = len(document) + 2
        token_ids += [tokenizer.start_token_id, *document, tokenizer.end_token_id]
        position_ids += range(length)
        segment_ids += [number] * length
    padding = [0] * (objective.sequence_length - len(token_ids))
    rows = {
        "token_ids": token_ids + [tokenizer.pad_token_id] * len(padding),
        "position_ids": position_ids + padding,
        "segment_ids": segment_ids + padding,
    }
    rows = {name: tf.constant([values], tf.int32) for name, values in rows.items()}
    for draw in range(_MAX_DRAWS):
        batch = objective(rows, tf.constant([seed, draw]))
        example = document_example(batch, tokenizer.get_vocabulary())
        if example.targets:
            break
    return example


def _roomy_objective(make_objective, document_lengths):
    """Makes the objective for the shortest row that has room for what it predicts."""
    sequence_length = int(np.sum(document_lengths + 2))
    while True:
        objective = make_objective(sequence_length)
        # Short documents may need more places than they have tokens. An objective has its places
        # for predictions in proportion to the row, or refuses to have too few.
        needed = int(np.sum(objective.places_needed(document_lengths)))
        if needed <= sequence_length:
            return objective
        sequence_length = needed


def sentence_example(documents, tokenizer, make_objective, *, seed=0):
    """Makes the slots of one sentence, as an objective makes them in training.

    Args:
        documents: list of int arrays, the documents' token ids without `<s>` and `</s>`.
        tokenizer: `mpnet_tf.models.MPNetTokenizer`.
        make_objective: callable from the sequence length, an int, to the objective.
        seed: int.

    Returns:
        `SlotExample` of the first among the longest sentences that still make a readable picture,
        or None if the documents hold none.
    """
    sentences = find_sentences(documents, tokenizer, longest=_LONGEST_SENTENCE)
    if not sentences:
        return None
    sentence = max(sentences, key=len).tolist()
    return row_example([sentence], tokenizer, make_objective, seed=seed)
