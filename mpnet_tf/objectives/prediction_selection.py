"""Which tokens are predicted: whole units in random order, until each document has its share."""

import tensorflow as tf

_LAST = tf.int64.max
_RANDOM_BITS = 40


def random_order_keys(segment_ids, seed):
    """Draws sort keys that shuffle within documents and keep the documents in order.

    Args:
        segment_ids: int32 tensor `(batch_size, num_items)`.
        seed: int32 tensor `(2,)`.

    Returns:
        int64 tensor `(batch_size, num_items)`.
    """
    draws = tf.random.stateless_uniform(
        tf.shape(segment_ids), seed, maxval=2**_RANDOM_BITS, minval=0, dtype=tf.int64
    )
    return tf.bitwise.left_shift(tf.cast(segment_ids, tf.int64), _RANDOM_BITS) + draws


def text_order_keys(segment_ids):
    """Makes sort keys that keep the order of the text.

    Args:
        segment_ids: int32 tensor `(batch_size, num_items)`.

    Returns:
        int64 tensor `(batch_size, num_items)`.
    """
    places = tf.range(tf.shape(segment_ids, tf.int64)[1])
    return tf.broadcast_to(places, tf.shape(segment_ids))


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


def select_predicted(segment_ids, seed, *, candidates, starts, num_predicted):
    """Selects the tokens to predict, document by document.

    The units of a document are taken in random order, each if it still fits the document's number
    of predicted tokens, so no word is cut to meet the number. Where no unit fits at all, the
    first one is cut, so that every document predicts something.

    Args:
        segment_ids: int32 tensor `(batch_size, sequence_length)`. Documents of a row in order,
            0 for padding.
        seed: int32 tensor `(2,)`.
        candidates: bool tensor `(batch_size, sequence_length)`. True where a token may be
            predicted.
        starts: bool tensor `(batch_size, sequence_length)`. True where a unit begins.
        num_predicted: int32 array `(sequence_length + 1,)`. Tokens to predict in a document, by
            its number of candidates.

    Returns:
        Bool tensor `(batch_size, sequence_length)`: True where a token is predicted.
    """
    unit_of_token = tf.maximum(tf.cumsum(tf.cast(starts, tf.int32), axis=1) - 1, 0)
    units = _describe_units(segment_ids, candidates, unit_of_token)
    units = _shuffle_units(units, seed)
    quota = _fill_documents(units, tf.constant(num_predicted))

    # Back from the shuffled order to the order of the text.
    quota_of_unit = _unsort(quota, units["index"])
    quota_of_token = tf.gather(quota_of_unit, unit_of_token, batch_dims=1)
    places = tf.range(tf.shape(starts)[1])
    first_place = tf.boolean_mask(tf.broadcast_to(places, tf.shape(starts)), starts)
    first_place = tf.RaggedTensor.from_row_lengths(
        first_place, tf.reduce_sum(tf.cast(starts, tf.int64), axis=1)
    ).to_tensor(shape=[None, starts.shape[1]])
    place_in_unit = places - tf.gather(first_place, unit_of_token, batch_dims=1)
    return candidates & (place_in_unit < quota_of_token)


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
    drawn = tf.random.stateless_uniform(tf.shape(starts), seed) < prediction_rate
    unit_of_token = tf.maximum(tf.cumsum(tf.cast(starts, tf.int32), axis=1) - 1, 0)
    # Any draw serves a unit; the one at the place of its number is at hand.
    selected = candidates & tf.gather(drawn, unit_of_token, batch_dims=1)
    return selected & (tf.cumsum(tf.cast(selected, tf.int32), axis=1) <= most)


def _describe_units(segment_ids, candidates, unit_of_token):
    """Gathers each unit's document and length, both `(batch_size, sequence_length)`."""
    batch_size, sequence_length = tf.unstack(tf.shape(unit_of_token))
    flat_units = unit_of_token + tf.range(batch_size)[:, tf.newaxis] * sequence_length
    flat_units = tf.boolean_mask(flat_units, candidates)
    num_flat_units = batch_size * sequence_length
    lengths = tf.math.unsorted_segment_sum(tf.ones_like(flat_units), flat_units, num_flat_units)
    segments = tf.math.unsorted_segment_max(
        tf.boolean_mask(segment_ids, candidates), flat_units, num_flat_units
    )
    shape = [batch_size, sequence_length]
    lengths = tf.reshape(lengths, shape)
    # Rows have as many places for units as tokens. The places left over belong to no document:
    # a number above any document's sorts them last.
    segments = tf.where(lengths > 0, tf.reshape(segments, shape), sequence_length + 1)
    return {"length": lengths, "segment": segments}


def _shuffle_units(units, seed):
    """Sorts the units by document, in random order within each."""
    keys = random_order_keys(units["segment"], seed)
    index = tf.argsort(keys, axis=1, stable=True)
    segment = tf.gather(units["segment"], index, batch_dims=1)
    return {
        "index": index,
        "length": tf.gather(units["length"], index, batch_dims=1),
        "document_first": tf.searchsorted(segment, segment, side="left"),
        "document_last": tf.searchsorted(segment, segment, side="right") - 1,
    }


def _fill_documents(units, num_predicted):
    """Says how many tokens of each unit are predicted: all, none, or a part of a cut unit."""
    length = units["length"]
    first, last = units["document_first"], units["document_last"]

    def sum_before_and_with(values):
        """Sums `values` from the document's first unit to each unit, and over the document."""
        sums = tf.cumsum(values, axis=1)
        base = tf.gather(sums - values, first, batch_dims=1)
        return sums - base, tf.gather(sums, last, batch_dims=1) - base

    _, num_candidates = sum_before_and_with(length)
    # The places that belong to no document have no tokens, thus nothing to predict.
    budget = tf.gather(num_predicted, num_candidates)

    def one_pass(taken, remaining, _):
        # A unit that does not fit now will fit never: what remains only shrinks.
        fits = ~taken & (length <= remaining) & (length > 0)
        running, _ = sum_before_and_with(tf.where(fits, length, 0))
        now_taken = fits & (running <= remaining)
        _, used = sum_before_and_with(tf.where(now_taken, length, 0))
        return taken | now_taken, remaining - used, tf.reduce_any(now_taken)

    taken, remaining, _ = tf.while_loop(
        lambda _taken, _remaining, progress: progress,
        one_pass,
        [tf.zeros_like(length, tf.bool), budget, tf.constant(True)],
    )
    nothing_taken = tf.equal(remaining, budget) & (budget > 0)
    is_first = tf.equal(tf.range(tf.shape(length)[1]), first)
    return tf.where(taken, length, tf.where(nothing_taken & is_first, budget, 0))


def _unsort(values, index):
    """Undoes the sort by which `values` were gathered along `index`."""
    batch_size, num_items = tf.unstack(tf.shape(index))
    flat_index = index + tf.range(batch_size)[:, tf.newaxis] * num_items
    flat = tf.scatter_nd(
        tf.reshape(flat_index, [-1, 1]), tf.reshape(values, [-1]), [batch_size * num_items]
    )
    return tf.reshape(flat, [batch_size, num_items])
