"""Texts with blanks as the slots that a GLM body reads, and the filling of one blank after another.

A text with blanks is GLM's Part A. What fills a blank is a span of Part B: as input it begins with
the token that starts spans, and each of its slots has the blank's position and, as block position,
its place within the span. `mpnet_tf.objectives.visibility` describes the features.
"""

import dataclasses

import numpy as np

from mpnet_tf.objectives.visibility import END_OF_STEPS, SLOT_FEATURES

# Widths of batches are multiples of it, so that few shapes are compiled for texts of many lengths.
WIDTH_MULTIPLE = 32
# Stands for the tokens still to come: the id of no token, so that no stop token equals it.
NOT_YET = -1


@dataclasses.dataclass(frozen=True)
class BlankedText:
    """A text with blanks, as tokens.

    Args:
        token_ids: list of int. The whole text with a mask in the place of each blank.
        blank_positions: list of int. The places of the masks that are blanks, in order.
        pieces: list of str. The text before, between and behind the blanks.
    """

    token_ids: list
    blank_positions: list
    pieces: list


def blank_slots(texts, spans, *, pad_token_id):
    """Lays out texts and what fills their first blanks, as a GLM body sees them.

    Args:
        texts: list of `BlankedText`.
        spans: list with, for each text, a list of its spans in the order of its blanks, each a list
            of input token ids: the one that starts a span, and the span's own.
        pad_token_id: int.

    Returns:
        A dict of int32 arrays `(batch_size, num_slots)`: all features of `SLOT_FEATURES`, padded to
        a multiple of `WIDTH_MULTIPLE`.
    """
    rows = [_slots_of_text(text, filled) for text, filled in zip(texts, spans, strict=True)]
    num_slots = padded_width(max(row.shape[1] for row in rows))
    slots = np.zeros((len(SLOT_FEATURES), len(rows), num_slots), np.int32)
    slots[SLOT_FEATURES.index("token_ids")] = pad_token_id
    for index, row in enumerate(rows):
        slots[:, index, : row.shape[1]] = row
    return dict(zip(SLOT_FEATURES, slots, strict=True))


def padded_width(length):
    """Returns the next multiple of `WIDTH_MULTIPLE`."""
    return -(-length // WIDTH_MULTIPLE) * WIDTH_MULTIPLE


def _slots_of_text(text, spans):
    """Returns an int array `(len(SLOT_FEATURES), number of slots)`."""
    num_text_tokens = len(text.token_ids)
    lengths = [len(span) for span in spans]
    num_slots = num_text_tokens + sum(lengths)
    positions = np.repeat(np.array(text.blank_positions[: len(spans)], np.int32), lengths)
    features = {
        "token_ids": np.concatenate([text.token_ids, *spans]),
        "position_ids": np.concatenate([np.arange(num_text_tokens), positions]),
        "block_position_ids": np.concatenate(
            [np.zeros(num_text_tokens), *(np.arange(1, length + 1) for length in lengths)]
        ),
        "segment_ids": np.ones(num_slots),
        # All see the text; a slot of a span also itself and the slots before it.
        "query_step": np.maximum(np.arange(num_slots) - num_text_tokens + 1, 0),
    }
    return np.stack([features[name] for name in SLOT_FEATURES]).astype(np.int32)


def continuation_batch(texts, continuations, *, start_token_id, end_token_id, pad_token_id):
    """Makes the slots and labels that ask for given tokens in the only blank of each text.

    Args:
        texts: list of `BlankedText` with one blank each.
        continuations: list of lists of int. The tokens that fill the blanks.
        start_token_id: int. Begins a span.
        end_token_id: int, or None. What is to follow the last token; None if that is of no matter.
        pad_token_id: int.

    Returns:
        A dict of slots as `mpnet_tf.objectives.visibility` lists them, and the target ids, int32,
        and target weights, float32, `(batch_size, num_predictions)`: 1 for the targets asked for.
    """
    ends = [] if end_token_id is None else [end_token_id]
    targets = [[*tokens, *ends] for tokens in continuations]
    # A span's inputs are its targets, one place later.
    spans = [[[start_token_id, *tokens[:-1]]] if tokens else [] for tokens in targets]
    slots = blank_slots(texts, spans, pad_token_id=pad_token_id)
    real = slots["segment_ids"] > 0
    slots["key_start"] = slots["query_step"]
    slots["key_end"] = np.where(real, END_OF_STEPS, 0).astype(np.int32)

    lengths = np.array([len(tokens) for tokens in targets])
    number = np.arange(padded_width(max(1, lengths.max())))
    is_target = number < lengths[:, np.newaxis]
    first = np.array([len(text.token_ids) for text in texts])
    places = np.where(is_target, first[:, np.newaxis] + number, 0)
    slots["prediction_slots"] = places.astype(np.int32)
    slots["objective_ids"] = np.zeros_like(slots["prediction_slots"])
    target_ids = np.zeros(is_target.shape, np.int32)
    target_ids[is_target] = np.concatenate(targets)
    return slots, target_ids, is_target.astype(np.float32)


def fill_blanks(generate, texts, *, start_token_id, pad_token_id, max_new_tokens, max_length=None):
    """Fills the blanks of a batch of texts, from left to right.

    What fills a blank sees the text and what fills the blanks before it.

    Args:
        generate: function from a dict of int32 arrays to one of int `token_ids` and bool
            `padding_mask`, as `GLMCausalLM.generate_step` describes them.
        texts: list of `BlankedText`.
        start_token_id: int. Begins a span.
        pad_token_id: int.
        max_new_tokens: int. Most tokens in a blank.
        max_length: int or None. Most tokens of a text whose blanks are filled, other than by less
            than nothing.

    Returns:
        For each text a list with the token ids of each blank, which may be none.
    """
    filled = [[] for _ in texts]
    for number in range(max(len(text.blank_positions) for text in texts)):
        is_blank = np.array([number < len(text.blank_positions) for text in texts])
        budgets = [
            _budget(text, spans, max_new_tokens=max_new_tokens, max_length=max_length)
            for text, spans in zip(texts, filled, strict=True)
        ]
        spans = [[[start_token_id, *span] for span in spans] for spans in filled]
        new_token_ids = np.full((len(texts), 1 + max_new_tokens), NOT_YET, np.int32)
        new_token_ids[:, 0] = start_token_id
        outputs = generate(
            {
                **blank_slots(texts, spans, pad_token_id=pad_token_id),
                "blank_positions": np.array(
                    [
                        text.blank_positions[number] if is_open else 0
                        for text, is_open in zip(texts, is_blank, strict=True)
                    ],
                    np.int32,
                ),
                "num_new_tokens": np.where(is_blank, budgets, 0).astype(np.int32),
                "new_token_ids": new_token_ids,
            }
        )
        token_ids = np.asarray(outputs["token_ids"])
        lengths = np.asarray(outputs["padding_mask"]).sum(axis=1)
        for row in np.flatnonzero(is_blank):
            filled[row].append(token_ids[row, : lengths[row]].tolist())
    return filled


def _budget(text, spans, *, max_new_tokens, max_length):
    """Returns how many tokens the next blank may get."""
    if max_length is None:
        return max_new_tokens
    num_blanks = len(text.blank_positions)
    num_tokens = len(text.token_ids) - num_blanks + sum(map(len, spans))
    return min(max_new_tokens, max(0, max_length - num_tokens))
