"""One example's slots, without padding, for pictures and tables."""

import dataclasses

import numpy as np
import tensorflow as tf

from mpnet_tf.objectives.visibility import END_OF_STEPS
from mpnet_tf.visualization.sentences import find_sentences

TOKEN = "token"
PREDICTED_TOKEN = "predicted token"
MASK = "mask"
QUERY = "query"

# Tokens of a sentence that make a picture of readable size.
_LONGEST_SENTENCE = 18


@dataclasses.dataclass(frozen=True)
class SlotExample:
    """The slots of one example.

    Args:
        slots: dict of int arrays `(num_slots,)`, `(num_content_slots,)` or `(num_predictions,)`,
            with the features that `mpnet_tf.objectives.visibility` lists.
        tokens: tuple of str, one for each slot.

    Raises:
        ValueError: if there is not one token for each slot.
    """

    slots: dict[str, np.ndarray]
    tokens: tuple[str, ...]

    def __post_init__(self):
        num_slots = len(self.slots["token_ids"])
        if len(self.tokens) != num_slots:
            raise ValueError(
                f"`tokens` must name each of the {num_slots} slots. "
                f"Received: {len(self.tokens)} tokens"
            )

    def parts(self):
        """Names the part that each slot plays.

        Returns:
            List of `TOKEN`, `PREDICTED_TOKEN`, `MASK` or `QUERY`. A mask that every step sees, as
            in plain masked language modelling, counts as a token.
        """
        parts = []
        for start, end in zip(self.slots["key_start"], self.slots["key_end"], strict=True):
            if start > 0:
                parts.append(PREDICTED_TOKEN)
            else:
                parts.append(MASK if end < END_OF_STEPS else TOKEN)
        return parts + [QUERY] * (len(self.tokens) - len(parts))


def document_example(slots, vocabulary, *, row=0, segment_id=1):
    """Cuts the slots of one document out of a batch.

    Args:
        slots: dict of int tensors, as an objective makes them for a batch.
        vocabulary: sequence of str; a token's place is its id.
        row: int. Row of the batch.
        segment_id: int from 1. Which document of the row.

    Returns:
        `SlotExample`.

    Raises:
        ValueError: if the row holds no such document.
    """
    features = {name: np.asarray(values)[row] for name, values in slots.items()}
    kept = features["segment_ids"] == segment_id
    if segment_id < 1 or not kept.any():
        raise ValueError(
            "`segment_id` must be that of a document in the row. "
            f"Received: row={row}, segment_id={segment_id}"
        )
    predicted = features.pop("prediction_slots")
    # The features of content slots are shorter than those of all slots.
    example = {name: values[kept[: len(values)]] for name, values in features.items()}
    new_places = np.cumsum(kept) - 1
    example["prediction_slots"] = new_places[predicted[kept[predicted]]]
    return SlotExample(example, tuple(vocabulary[token] for token in example["token_ids"]))


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
    sentence = max(sentences, key=len)
    token_ids = [tokenizer.start_token_id, *sentence.tolist(), tokenizer.end_token_id]
    rows = {
        "token_ids": token_ids,
        "position_ids": list(range(len(token_ids))),
        "segment_ids": [1] * len(token_ids),
    }
    rows = {name: tf.constant([values], tf.int32) for name, values in rows.items()}
    slots, _, _ = make_objective(len(token_ids))(rows, tf.constant([seed, 0]))
    return document_example(slots, tokenizer.get_vocabulary())
