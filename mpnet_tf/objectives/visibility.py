"""Slots, and who may see whom among them.

Every pretraining objective turns token sequences into *slots*. The first `num_content_slots` are
content slots: queries and keys at once. The rest, where an objective has them, are query slots:
queries only. Each slot has a query step, each content slot an interval of steps in which it is
visible, so a `(num_slots, num_slots)` mask is never stored on the host.

A batch of slots is a dict of int32 tensors:

| feature | shape | meaning |
| --- | --- | --- |
| `token_ids` | `(batch_size, num_slots)` | what stands in the slot |
| `position_ids` | `(batch_size, num_slots)` | its place in its document, from 0 |
| `block_position_ids` | `(batch_size, num_slots)` | place in the blank it fills, from 1, or 0 |
| `segment_ids` | `(batch_size, num_slots)` | its document within the row, from 1; 0 is padding |
| `query_step` | `(batch_size, num_slots)` | how far the prediction has come for it |
| `key_start`, `key_end` | `(batch_size, num_content_slots)` | steps that see it: `[start, end)` |
| `prediction_slots` | `(batch_size, num_predictions)` | the slots whose logits are wanted |
| `objective_ids` | `(batch_size, num_predictions)` | which objective of a mixture asks, from 0 |

and the labels beside it are `target_ids` and `target_weights`, `(batch_size, num_predictions)`.
"""

from keras import ops

# Above the number of any prediction step, and safe to add one to in int32.
END_OF_STEPS = 2**30

SLOT_FEATURES = (
    "token_ids",
    "position_ids",
    "block_position_ids",
    "segment_ids",
    "query_step",
)
KEY_FEATURES = ("key_start", "key_end")
PREDICTION_FEATURES = ("prediction_slots", "objective_ids")


def visible_keys(*, query_step, query_segment_ids, key_start, key_end, key_segment_ids):
    """Tells which keys each query may see.

    Query i sees key j when both belong to the same document and i's step lies in j's interval.
    Padding has an empty interval, so nothing sees it.

    Args:
        query_step: int tensor `(batch_size, num_queries)`.
        query_segment_ids: int tensor `(batch_size, num_queries)`.
        key_start: int tensor `(batch_size, num_keys)`. The first step that sees the key.
        key_end: int tensor `(batch_size, num_keys)`. The first step that sees it no more.
        key_segment_ids: int tensor `(batch_size, num_keys)`.

    Returns:
        Bool tensor `(batch_size, num_queries, num_keys)`: True means "may attend".
    """
    query_step = ops.expand_dims(query_step, 2)
    query_segment_ids = ops.expand_dims(query_segment_ids, 2)
    key_start = ops.expand_dims(key_start, 1)
    key_end = ops.expand_dims(key_end, 1)
    same_document = ops.equal(query_segment_ids, ops.expand_dims(key_segment_ids, 1))
    in_interval = ops.logical_and(
        ops.less_equal(key_start, query_step), ops.less(query_step, key_end)
    )
    return ops.logical_and(same_document, in_interval)


def visible_slots(slots):
    """Tells which content slots each slot may see.

    Args:
        slots: dict of int tensors as the module's docstring lists them.

    Returns:
        Bool tensor `(batch_size, num_slots, num_content_slots)`: True means "may attend".
    """
    num_content_slots = ops.shape(slots["key_start"])[1]
    return visible_keys(
        query_step=slots["query_step"],
        query_segment_ids=slots["segment_ids"],
        key_start=slots["key_start"],
        key_end=slots["key_end"],
        key_segment_ids=slots["segment_ids"][:, :num_content_slots],
    )
