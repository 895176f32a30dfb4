"""Which tokens are predicted: whole units in random order, until each document has its share."""

import math

import tensorflow as tf

from mpnet_tf.objectives.document_filling import cut_first_units, fill_documents
from mpnet_tf.objectives.draws import shares
from mpnet_tf.objectives.look_up import look_up, look_up_in_rows, row_begins

_LAST = tf.int64.max
_RANDOM_BITS = 32
# Standard deviations of the number of units to look at first, by which they exceed those that
# would fill a document.
_EARLY_DEVIATIONS = 4.5


def order_keys(groups, random_numbers):
    """Makes sort keys that keep groups in order and shuffle within them.

    Args:
        groups: int32 tensor of any shape, such as segment ids.
        random_numbers: int32 tensor of that shape, as of `draws.integers`.

    Returns:
        int64 tensor of that shape.
    """
    return tf.cast(groups, tf.int64) * 2**_RANDOM_BITS + tf.cast(random_numbers, tf.int64)


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


def list_places(predicted, batch_size, sequence_length, count):
    """Lists the places of the predicted tokens of each row.

    Args:
        predicted: int32 tensor `(num_predicted,)`. Their places in the rows laid end to end, in
            the order of the text.
        batch_size: int32 scalar. Number of rows.
        sequence_length: int. Tokens in a row.
        count: int. How many to list.

    Returns:
        int32 places and bool validity, both `(batch_size, count)`; the valid ones come first.

    Raises:
        tf.errors.InvalidArgumentError: if a row has more predicted tokens than `count`.
    """
    rows = predicted // sequence_length
    totals = tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, batch_size)
    check = tf.debugging.assert_less_equal(
        totals,
        count,
        message="A row predicts more tokens than `num_predictions` leaves places for.",
    )
    with tf.control_dependencies([check] if check is not None else []):
        valid = tf.range(count) < totals[:, tf.newaxis]
    # Row by row, the valid items of the list are as many as the predicted tokens.
    listed = tf.math.unsorted_segment_sum(
        predicted - rows * sequence_length,
        tf.where(tf.reshape(valid, [-1]))[:, 0],
        tf.size(valid),
    )
    return tf.reshape(listed, tf.shape(valid)), valid


def shuffle_places(places, valid, segment_ids, random_numbers):
    """Shuffles listed places within their documents.

    Args:
        places: int32 tensor `(batch_size, count)`, by document.
        valid: bool tensor `(batch_size, count)`. The valid ones come first, and stay there.
        segment_ids: int32 tensor `(batch_size, sequence_length)`.
        random_numbers: int32 tensor `(batch_size, count)`, as of `draws.integers`.

    Returns:
        int32 tensor `(batch_size, count)`.
    """
    segments = tf.where(valid, look_up_in_rows(segment_ids, places), tf.int32.max)
    order = tf.argsort(order_keys(segments, random_numbers), axis=1)
    return look_up_in_rows(places, order)


def select_predicted(segment_ids, random_numbers, *, candidates, starts, num_predicted):
    """Selects the tokens to predict, document by document.

    The units of a document are taken in random order, each if it still fits the document's number
    of predicted tokens, so no word is cut to meet the number. Where no unit fits at all, the
    first one is cut, so that every document predicts something.

    Args:
        segment_ids: int32 tensor `(batch_size, sequence_length)`. Documents of a row in order,
            0 for padding.
        random_numbers: int32 tensor `(batch_size, sequence_length)`, as of `draws.integers`. A
            row's units take them in the order of the text.
        candidates: bool tensor `(batch_size, sequence_length)`. True where a token may be
            predicted.
        starts: bool tensor `(batch_size, sequence_length)`. True where a unit begins; it ends
            before the next one, or before what is no candidate.
        num_predicted: int32 array `(sequence_length + 1,)`. Tokens to predict in a document, by
            its number of candidates.

    Returns:
        int32 tensor `(num_predicted,)`: the places of the predicted tokens in the rows laid end
        to end, in the order of the text.
    """
    units = _number_units(segment_ids, candidates=candidates, starts=starts)
    num_candidates = tf.math.unsorted_segment_sum(
        tf.cast(candidates, tf.int32), units["documents"], units["num_documents"]
    )
    budgets = look_up(tf.constant(num_predicted), num_candidates)

    # Nearly all documents are full before the units with the smallest draws are used up, and those
    # are few to sort.
    early_share = _early_share(num_predicted)
    border = int((early_share - 0.5) * 2**_RANDOM_BITS) - 1
    early = _list_units(units, random_numbers, units["is_unit"] & (random_numbers <= border))
    taken, _, remaining = fill_documents(
        early["keys"], early["lengths"], early["documents"], budgets=budgets
    )
    is_short = remaining > 0

    def refill():
        """Starts anew in the documents that are not full, with all of their units."""
        full = ~look_up(is_short, early["documents"])
        late = _list_units(units, random_numbers, units["is_unit"])
        of_short = tf.where(look_up(is_short, late["documents"]))
        late = {name: tf.gather_nd(values, of_short) for name, values in late.items()}
        short_budgets = tf.where(is_short, budgets, 0)
        taken_late, order, remaining = fill_documents(
            late["keys"], late["lengths"], late["documents"], budgets=short_budgets
        )
        taken_late = cut_first_units(
            taken_late, order, late["documents"], budgets=short_budgets, remaining=remaining
        )
        places = tf.concat([early["places"], late["places"]], axis=0)
        taken_of_both = tf.concat([tf.where(full, taken, 0), taken_late], axis=0)
        return tf.sort(_list_tokens(places, taken_of_both))

    return tf.cond(tf.reduce_any(is_short), refill, lambda: _list_tokens(early["places"], taken))


def select_independently(random_numbers, *, candidates, starts, prediction_rate, most):
    """Selects the tokens to predict by a draw of its own for each unit.

    Args:
        random_numbers: int32 tensor `(batch_size, sequence_length)`, as of `draws.integers`.
        candidates: bool tensor `(batch_size, sequence_length)`. True where a token may be
            predicted.
        starts: bool tensor `(batch_size, sequence_length)`. True where a unit begins.
        prediction_rate: float in (0, 1). Probability of each unit.
        most: int. Tokens to predict in a row; those drawn beyond them are left out.

    Returns:
        int32 tensor `(num_predicted,)`, as of `select_predicted`.
    """
    drawn = shares(random_numbers) < prediction_rate
    unit_of_token = tf.maximum(tf.cumsum(tf.cast(starts, tf.int32), axis=1) - 1, 0)
    # Any draw serves a unit; the one at the place of its number is at hand.
    selected = candidates & tf.gather(drawn, unit_of_token, batch_dims=1)
    selected &= tf.cumsum(tf.cast(selected, tf.int32), axis=1) <= most
    return _list_true(selected)


def _early_share(num_predicted):
    """Finds the share of units among which a document as long as its row has nearly always enough.

    Of n units, share s has n s on average with a standard deviation of sqrt(n s (1 - s)).
    """
    num_units, needed = len(num_predicted) - 1, int(num_predicted[-1])
    # n s - d sqrt(n s (1 - s)) = m, solved for s.
    squared = _EARLY_DEVIATIONS**2
    half = needed + squared / 2
    root = math.sqrt(half**2 - needed**2 * (1 + squared / num_units))
    return min(1.0, (half + root) / (num_units + squared))


def _number_units(segment_ids, *, candidates, starts):
    """Finds the units of a batch, which are numbered in each row from 0 and through the batch.

    Returns:
        A dict of tensors. Bool `is_unit`, `(batch_size, sequence_length)`: by a unit's number in
        its row, False for the numbers left over. By its number in the batch, int32: `lengths`
        and `places`, where it begins in the rows laid end to end. `(batch_size,)`: `first_unit`
        of each row. And the `documents` of the tokens, int32 `(batch_size, sequence_length)`,
        numbered through the batch; `num_documents` of them.
    """
    batch_size, sequence_length = tf.unstack(tf.shape(starts))
    documents_in_row = tf.reduce_max(segment_ids) + 1
    goes_on = tf.pad(candidates[:, 1:] & ~starts[:, 1:], [[0, 0], [0, 1]])
    begins, ends = _list_true(starts), _list_true(candidates & ~goes_on)
    num_units = tf.reduce_sum(tf.cast(starts, tf.int32), axis=1, keepdims=True)
    return {
        "is_unit": tf.range(sequence_length) < num_units,
        "lengths": ends - begins + 1,
        "places": begins,
        "first_unit": tf.cumsum(num_units[:, 0], exclusive=True),
        "documents": segment_ids + row_begins(batch_size, documents_in_row),
        "num_documents": batch_size * documents_in_row,
    }


def _list_units(units, random_numbers, wanted):
    """Lists the units that are wanted, in the order of the text.

    Args:
        units: dict as `_number_units` returns it.
        random_numbers: int32 tensor `(batch_size, sequence_length)`.
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
        "keys": order_keys(documents, tf.gather_nd(random_numbers, index)),
        "places": places,
        "lengths": look_up(units["lengths"], numbers),
        "documents": documents,
    }


def _list_tokens(first, taken):
    """Lists the places of the tokens taken of each unit, from its first on."""
    is_taken = tf.where(taken > 0)
    first, taken = tf.gather_nd(first, is_taken), tf.gather_nd(taken, is_taken)
    return tf.ragged.range(first, first + taken).flat_values


def _list_true(marks):
    """Lists the places of what is True in rows laid end to end."""
    return tf.cast(tf.where(tf.reshape(marks, [-1]))[:, 0], tf.int32)
