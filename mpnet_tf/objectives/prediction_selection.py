"""Which tokens are predicted: whole units in random order, until each document has its share."""

import numpy as np
import tensorflow as tf

from mpnet_tf.objectives import draws
from mpnet_tf.objectives.document_filling import cut_first_units, fill_documents
from mpnet_tf.objectives.look_up import look_up, look_up_in_rows, row_begins

_LAST = tf.int64.max
_RANDOM_BITS = 32
# Units to look at first, beside those that would fill the documents.
_EARLY_UNITS = 2.4


def random_order_keys(segment_ids, seed):
    """Draws sort keys that shuffle within documents and keep the documents in order.

    Args:
        segment_ids: int32 tensor `(batch_size, num_items)`.
        seed: int32 tensor `(2,)`.

    Returns:
        int64 tensor `(batch_size, num_items)`.
    """
    return _order_keys(segment_ids, _draw_integers(tf.shape(segment_ids), seed))


def first_in_order(keys, valid, count):
    """Finds the items with the smallest keys.

    Args:
        keys: int64 tensor `(batch_size, num_items)`.
        valid: bool tensor `(batch_size, num_items)`. False for items to leave out.
        count: int. How many to return.

    Returns:
        int32 indices and bool validity, both `(batch_size, count)`; the valid ones come first.
    """
    keys = tf.where(valid, keys, _LAST)
    indices = tf.argsort(keys, axis=1, stable=True)[:, :count]
    return indices, tf.gather(valid, indices, batch_dims=1)


def list_places(predicted, count):
    """Lists the places of the predicted tokens in the order of the text.

    Args:
        predicted: bool tensor `(batch_size, sequence_length)`.
        count: int. How many to list.

    Returns:
        int32 places and bool validity, both `(batch_size, count)`; the valid ones come first.

    Raises:
        tf.errors.InvalidArgumentError: if a row has more predicted tokens than `count`.
    """
    totals = tf.reduce_sum(tf.cast(predicted, tf.int32), axis=1, keepdims=True)
    check = tf.debugging.assert_less_equal(
        tf.reduce_max(totals),
        count,
        message="A row predicts more tokens than `num_predictions` leaves places for.",
    )
    with tf.control_dependencies([check] if check is not None else []):
        valid = tf.range(count) < totals
    # Row by row, the valid items of the list are as many as the predicted tokens.
    listed = tf.math.unsorted_segment_sum(
        tf.cast(tf.where(predicted)[:, 1], tf.int32),
        tf.where(tf.reshape(valid, [-1]))[:, 0],
        tf.size(valid),
    )
    return tf.reshape(listed, tf.shape(valid)), tf.ensure_shape(valid, [predicted.shape[0], count])


def shuffle_places(places, valid, segment_ids, seed):
    """Shuffles listed places within their documents.

    Args:
        places: int32 tensor `(batch_size, count)`, by document.
        valid: bool tensor `(batch_size, count)`. The valid ones come first, and stay there.
        segment_ids: int32 tensor `(batch_size, sequence_length)`.
        seed: int32 tensor `(2,)`.

    Returns:
        int32 tensor `(batch_size, count)`.
    """
    segments = tf.where(valid, look_up_in_rows(segment_ids, places), tf.int32.max)
    order = tf.argsort(random_order_keys(segments, seed), axis=1)
    return look_up_in_rows(places, order)


def select_predicted(segment_ids, seed, *, candidates, starts, num_predicted):
    """Selects the tokens to predict, document by document.

    The units of a document are taken in random order, each if it still fits the document's number
    of predicted tokens, so no word is cut to meet the number. Where no unit fits at all, the
    first one is cut, so that every document predicts something.

    Args:
        segment_ids: int32 tensor `(batch_size, sequence_length)`. Documents of a row in order,
            0 for padding.
        seed: int32 tensor `(2,)` or `(num_parts, 2)`, as of `draws`.
        candidates: bool tensor `(batch_size, sequence_length)`. True where a token may be
            predicted.
        starts: bool tensor `(batch_size, sequence_length)`. True where a unit begins.
        num_predicted: int32 array `(sequence_length + 1,)`. Tokens to predict in a document, by
            its number of candidates.

    Returns:
        Bool tensor `(batch_size, sequence_length)`: True where a token is predicted.
    """
    batch_size, sequence_length = tf.unstack(tf.shape(starts))
    units = _number_units(segment_ids, seed, candidates=candidates, starts=starts)
    num_candidates = tf.math.unsorted_segment_sum(
        tf.cast(candidates, tf.int32), units["documents"], units["num_documents"]
    )
    budgets = look_up(tf.constant(num_predicted), num_candidates)

    # Nearly all documents are full before the units with the smallest draws are used up, and those
    # are few to sort.
    early_share = min(1.0, _EARLY_UNITS * int(np.max(num_predicted)) / len(num_predicted))
    border = int((early_share - 0.5) * 2**_RANDOM_BITS) - 1
    early = _list_units(units, units["is_unit"] & (units["draws"] <= border))
    taken, _, remaining = fill_documents(
        early["keys"], early["lengths"], early["documents"], budgets=budgets
    )
    is_short = remaining > 0

    def refill():
        """Starts anew in the documents that are not full, with all of their units."""
        full = ~look_up(is_short, early["documents"])
        late = _list_units(units, units["is_unit"])
        of_short = tf.where(look_up(is_short, late["documents"]))
        late = {name: tf.gather_nd(values, of_short) for name, values in late.items()}
        short_budgets = tf.where(is_short, budgets, 0)
        taken_late, order, remaining = fill_documents(
            late["keys"], late["lengths"], late["documents"], budgets=short_budgets
        )
        taken_late = cut_first_units(
            taken_late, order, late["documents"], budgets=short_budgets, remaining=remaining
        )
        return (
            tf.concat([early["places"], late["places"]], axis=0),
            tf.concat([tf.where(full, taken, 0), taken_late], axis=0),
        )

    first, taken = tf.cond(tf.reduce_any(is_short), refill, lambda: (early["places"], taken))
    places = tf.ragged.range(first, first + taken).flat_values
    num_places = batch_size * sequence_length
    marked = tf.math.unsorted_segment_sum(tf.ones_like(places), places, num_places)
    # With a special token amid an n-gram there are places between that are not predicted.
    return candidates & tf.reshape(marked > 0, tf.shape(starts))


def select_independently(seed, *, candidates, starts, prediction_rate, most):
    """Selects the tokens to predict by a draw of its own for each unit.

    Args:
        seed: int32 tensor `(2,)`.
        candidates: bool tensor `(batch_size, sequence_length)`. True where a token may be
            predicted.
        starts: bool tensor `(batch_size, sequence_length)`. True where a unit begins.
        prediction_rate: float in (0, 1). Probability of each unit.
        most: int. Tokens to predict in a row; those drawn beyond them are left out.

    Returns:
        Bool tensor `(batch_size, sequence_length)`: True where a token is predicted.
    """
    drawn = draws.uniform(tf.shape(starts), seed) < prediction_rate
    unit_of_token = tf.maximum(tf.cumsum(tf.cast(starts, tf.int32), axis=1) - 1, 0)
    # Any draw serves a unit; the one at the place of its number is at hand.
    selected = candidates & tf.gather(drawn, unit_of_token, batch_dims=1)
    return selected & (tf.cumsum(tf.cast(selected, tf.int32), axis=1) <= most)


def _number_units(segment_ids, seed, *, candidates, starts):
    """Finds the units of a batch and draws for them.

    The units of a row are numbered from 0, and so are the draws of the row that belong to them.

    Returns:
        A dict of tensors. `(batch_size, sequence_length)`, by a unit's number in its row: bool
        `is_unit`, False for the numbers left over, and int32 `draws`. By its number in the batch:
        `lengths` and `places`, where it begins in the rows laid end to end. `(batch_size,)`:
        `first_unit` of each row. And the `documents` of the tokens, int32
        `(batch_size, sequence_length)`, numbered through the batch; `num_documents` of them.
    """
    batch_size, sequence_length = tf.unstack(tf.shape(starts))
    documents_in_row = tf.reduce_max(segment_ids) + 1
    candidate_places = tf.where(tf.reshape(candidates, [-1]))
    # A unit is a run of candidates, so its length is how many places on in their list the next
    # one begins.
    begins = tf.where(tf.gather_nd(tf.reshape(starts, [-1]), candidate_places))
    num_candidates = tf.shape(candidate_places, tf.int64)[:1]
    ends = tf.concat([tf.reshape(begins, [-1])[1:], num_candidates], axis=0)
    num_units = tf.reduce_sum(tf.cast(starts, tf.int32), axis=1, keepdims=True)
    return {
        "is_unit": tf.range(sequence_length) < num_units,
        "draws": _draw_integers(tf.shape(starts), seed),
        "lengths": tf.cast(ends - tf.reshape(begins, [-1]), tf.int32),
        "places": tf.cast(tf.gather_nd(candidate_places, begins)[:, 0], tf.int32),
        "first_unit": tf.cumsum(num_units[:, 0], exclusive=True),
        "documents": segment_ids + row_begins(batch_size, documents_in_row),
        "num_documents": batch_size * documents_in_row,
    }


def _list_units(units, wanted):
    """Lists the units that are wanted, in the order of the text.

    Args:
        units: dict as `_number_units` returns it.
        wanted: bool tensor `(batch_size, sequence_length)`.

    Returns:
        A dict of vectors `(num_wanted,)`: int64 `keys`, and int32 `places`, `lengths` and
        `documents`.
    """
    index = tf.where(wanted)
    row, number_in_row = tf.unstack(tf.cast(index, tf.int32), axis=1)
    numbers = look_up(units["first_unit"], row) + number_in_row
    places = look_up(units["places"], numbers)
    documents = look_up(tf.reshape(units["documents"], [-1]), places)
    return {
        "keys": _order_keys(documents, tf.gather_nd(units["draws"], index)),
        "places": places,
        "lengths": look_up(units["lengths"], numbers),
        "documents": documents,
    }


def _draw_integers(shape, seed):
    # Over all of int32, negative ones too: without a range there is nothing to reduce them to.
    return draws.uniform(shape, seed, minval=None, maxval=None, dtype=tf.int32)


def _order_keys(groups, random_numbers):
    """Makes int64 keys that keep groups in order and shuffle within them."""
    return tf.cast(groups, tf.int64) * 2**_RANDOM_BITS + tf.cast(random_numbers, tf.int64)
