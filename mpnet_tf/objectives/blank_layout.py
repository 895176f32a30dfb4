"""The slots of blank infilling: part A, the text with masks, and part B, the spans they stand for.

Each part is a dict of int32 features: `token_ids`, `position_ids`, `block_position_ids`,
`segment_ids` and `query_step`, as `mpnet_tf.objectives.visibility` describes them. Spans are dicts
as `mpnet_tf.objectives.span_selection` describes them, by document and in the order of part B.
"""

import tensorflow as tf

from mpnet_tf.objectives.span_selection import first_of_document
from mpnet_tf.objectives.visibility import END_OF_STEPS


def make_part_a(rows, text, spans, *, mask_token_id):
    """Puts a mask in the place of each span.

    Args:
        rows: dict of int32 tensors `(batch_size, sequence_length)`: `token_ids`, `segment_ids`.
        text: dict as `mpnet_tf.objectives.span_selection.describe_text` returns it.
        spans: dict of spans, `(batch_size, max_spans)`. The mask takes the first token's place.
        mask_token_id: int.

    Returns:
        The features of the tokens `(batch_size, sequence_length)`, those to drop still among
        them, and an int32 tensor of this shape: how many are kept up to and with each.
    """
    token_ids, segment_ids = rows["token_ids"], rows["segment_ids"]
    is_span = spans["length"] > 0
    begins = _count_at(spans["start"], is_span, token_ids)
    stops = _count_at(spans["start"] + spans["length"], is_span, token_ids)
    is_mask = begins > 0
    covered = tf.cumsum(begins - stops, axis=1) > 0
    kept = (segment_ids > 0) & (is_mask | ~covered)
    kept_through = tf.cumsum(tf.cast(kept, tf.int32), axis=1)

    kept_before = tf.pad(kept_through, [[0, 0], [1, 0]])
    before_document = tf.gather(kept_before, text["first_place"], batch_dims=1)
    document = tf.maximum(segment_ids - 1, 0)
    part_a = {
        "token_ids": tf.where(is_mask, mask_token_id, token_ids),
        "position_ids": kept_through - 1 - tf.gather(before_document, document, batch_dims=1),
        "block_position_ids": tf.zeros_like(token_ids),
        "segment_ids": segment_ids,
        "query_step": tf.zeros_like(token_ids),
    }
    return part_a, kept_through


def _count_at(places, valid, row):
    """Counts the valid among `places` `(batch_size, n)` at each place of rows shaped as `row`."""
    batch_size, sequence_length = tf.unstack(tf.shape(row))
    # A span that ends with its row stops one place behind it.
    width = sequence_length + 1
    flat = places + tf.range(batch_size)[:, tf.newaxis] * width
    counts = tf.math.unsorted_segment_sum(tf.cast(valid, tf.int32), flat, batch_size * width)
    return tf.reshape(counts, [batch_size, width])[:, :sequence_length]


def make_part_b(rows, part_a, spans, *, roles, num_predictions):
    """Lays the spans out as inputs and targets.

    Args:
        rows: dict of int32 tensors `(batch_size, sequence_length)`: `token_ids`.
        part_a: dict as `make_part_a` returns it.
        spans: dict of spans, `(batch_size, max_spans)`.
        roles: `TokenRoles`.
        num_predictions: int. Slots of part B, at least what the spans take.

    Returns:
        The features of the slots, the target ids and a bool tensor that tells the slots from the
        empty places behind them, all `(batch_size, num_predictions)`.
    """
    document, length, start = spans["document"], spans["length"], spans["start"]
    num_places = tf.where(length > 0, length + 1, 0)
    ends = tf.cumsum(num_places, axis=1)
    begin = ends - num_places
    document_begin = tf.gather(begin, first_of_document(document), batch_dims=1)
    position = tf.gather(part_a["position_ids"], start, batch_dims=1)

    max_spans = tf.shape(length)[1]
    number = tf.range(num_predictions) + tf.zeros_like(ends[:, :1])
    span = tf.searchsorted(ends, number, side="right")
    real = span < max_spans
    of_span = tf.stack([length, start, begin, document_begin, position, document + 1], axis=2)
    of_span = tf.gather(of_span, tf.minimum(span, max_spans - 1), batch_dims=1)
    length, start, begin, document_begin, position, segment = tf.unstack(of_span, axis=2)

    offset = number - begin
    # The end of a span may stand where the row has no token any more.
    place = tf.minimum(start + offset, tf.shape(rows["token_ids"])[1] - 1)
    target_ids = tf.gather(rows["token_ids"], place, batch_dims=1)
    target_ids = tf.where(offset < length, target_ids, roles.span_end_token_id)
    target_ids = tf.where(real, target_ids, roles.pad_token_id)
    previous = tf.pad(target_ids[:, :-1], [[0, 0], [1, 0]])
    part_b = {
        "token_ids": tf.where(tf.equal(offset, 0), roles.span_start_token_id, previous),
        "position_ids": position,
        "block_position_ids": offset + 1,
        "segment_ids": segment,
        "query_step": number - document_begin + 1,
    }
    return part_b, target_ids, real


def assemble(part_a, kept_through, part_b, real, *, num_slots, pad_token_id):
    """Moves part A together, part B close behind it, and fills up with padding.

    Args:
        part_a, kept_through: as `make_part_a` returns them.
        part_b, real: as `make_part_b` returns them.
        num_slots: int. At least what both parts take.
        pad_token_id: int.

    Returns:
        A dict of slots as `mpnet_tf.objectives.visibility` lists them.
    """
    sequence_length, num_predictions = tf.shape(kept_through)[1], real.shape[1]
    num_a = kept_through[:, -1:]
    num_b = tf.reduce_sum(tf.cast(real, tf.int32), axis=1, keepdims=True)
    slot = tf.range(num_slots) + tf.zeros_like(num_a)
    in_a, is_padding = slot < num_a, slot >= num_a + num_b
    # One gather for all: from part A, part B and a place of padding.
    source = tf.where(in_a, tf.searchsorted(kept_through, slot + 1), sequence_length + slot - num_a)
    source = tf.where(is_padding, sequence_length + num_predictions, source)
    padding = tf.constant([pad_token_id] + (len(part_a) - 1) * [0])
    features = tf.concat(
        [
            tf.stack(list(part_a.values()), axis=2),
            tf.stack([part_b[name] for name in part_a], axis=2),
            padding + tf.zeros_like(num_a)[:, :, tf.newaxis],
        ],
        axis=1,
    )
    features = tf.unstack(tf.gather(features, source, batch_dims=1), axis=2)
    slots = dict(zip(part_a, features, strict=True))

    # Part A is seen at every step; a slot of part B by itself and by those behind it.
    slots["key_start"] = slots["query_step"]
    slots["key_end"] = tf.where(is_padding, 0, END_OF_STEPS)
    number = tf.range(num_predictions) + tf.zeros_like(num_a)
    slots["prediction_slots"] = tf.minimum(num_a + number, num_slots - 1)
    slots["objective_ids"] = tf.zeros_like(number)
    return slots
