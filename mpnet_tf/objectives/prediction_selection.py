"""Which tokens are predicted: whole units in random order, until each document has its share."""

import tensorflow as tf

from mpnet_tf.objectives.look_up import look_up, look_up_in_rows, row_begins

_LAST = tf.int64.max
_RANDOM_BITS = 32


def random_order_keys(segment_ids, seed):
    """Draws sort keys that shuffle within documents and keep the documents in order.

    Args:
        segment_ids: int32 tensor `(batch_size, num_items)`.
        seed: int32 tensor `(2,)`.

    Returns:
        int64 tensor `(batch_size, num_items)`.
    """
    # Over all of int32, negative ones too: without a range there is nothing to reduce them to.
    draws = tf.random.stateless_uniform(
        tf.shape(segment_ids), seed, minval=None, maxval=None, dtype=tf.int32
    )
    return tf.cast(segment_ids, tf.int64) * 2**_RANDOM_BITS + tf.cast(draws, tf.int64)


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
    index = tf.where(predicted)
    listed = tf.RaggedTensor.from_value_rowids(
        tf.cast(index[:, 1], tf.int32),
        index[:, 0],
        nrows=tf.shape(predicted, tf.int64)[0],
        validate=False,
    )
    totals = listed.row_lengths()
    check = tf.debugging.assert_less_equal(
        tf.reduce_max(totals),
        tf.constant(count, tf.int64),
        message="A row predicts more tokens than `num_predictions` leaves places for.",
    )
    shape = [predicted.shape[0], count]
    with tf.control_dependencies([check] if check is not None else []):
        places = listed.to_tensor(shape=shape)
    valid = tf.range(count, dtype=tf.int64) < totals[:, tf.newaxis]
    return places, tf.ensure_shape(valid, shape)


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
        seed: int32 tensor `(2,)`.
        candidates: bool tensor `(batch_size, sequence_length)`. True where a token may be
            predicted.
        starts: bool tensor `(batch_size, sequence_length)`. True where a unit begins.
        num_predicted: int32 array `(sequence_length + 1,)`. Tokens to predict in a document, by
            its number of candidates.

    Returns:
        Bool tensor `(batch_size, sequence_length)`: True where a token is predicted.
    """
    batch_size, sequence_length = tf.unstack(tf.shape(starts))
    begins = row_begins(batch_size, sequence_length)
    # Units are numbered through the batch. A row has as many numbers for them as tokens; those
    # left over stand for units without tokens. -1 is no unit.
    num_units = batch_size * sequence_length
    unit_of_token = tf.cumsum(tf.cast(starts, tf.int32), axis=1) - 1 + begins
    unit_of_token = tf.where(candidates, unit_of_token, -1)
    lengths = tf.math.unsorted_segment_sum(tf.ones_like(unit_of_token), unit_of_token, num_units)
    segments = tf.math.unsorted_segment_max(segment_ids, unit_of_token, num_units)
    # Units without tokens belong to a document behind all others.
    documents_in_row = tf.reduce_max(segment_ids) + 2
    segments = tf.where(lengths > 0, segments, documents_in_row - 1)

    keys = random_order_keys(tf.reshape(segments, [-1, sequence_length]), seed)
    order = tf.argsort(keys, axis=1) + begins
    documents = look_up(segments, order) + row_begins(batch_size, documents_in_row)
    order = tf.reshape(order, [-1])
    quotas = _fill_documents(
        look_up(lengths, order),
        tf.reshape(documents, [-1]),
        num_documents=batch_size * documents_in_row,
        num_predicted=tf.constant(num_predicted),
    )

    # Back to the text: a unit's predicted tokens are those before the place where its quota ends.
    places = tf.broadcast_to(tf.range(sequence_length), tf.shape(starts))
    ends = tf.math.unsorted_segment_min(places, unit_of_token, num_units)
    ends += tf.math.unsorted_segment_sum(quotas, order, num_units)
    return candidates & (places < look_up(ends, tf.maximum(unit_of_token, 0)))


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


def _fill_documents(lengths, documents, *, num_documents, num_predicted):
    """Says how many tokens of each unit are predicted: all, none, or a part of a cut unit.

    Args:
        lengths: int32 tensor `(num_units,)`. Tokens of each unit.
        documents: int32 tensor `(num_units,)`, ascending. The document of each unit.
        num_documents: int32 scalar.
        num_predicted: int32 tensor. Tokens to predict in a document, by its number of tokens.

    Returns:
        int32 tensor `(num_units,)`.
    """
    num_units = tf.size(lengths)

    def by_document(values, documents):
        return tf.math.unsorted_segment_sum(values, documents, num_documents)

    budgets = look_up(num_predicted, by_document(lengths, documents))

    def one_pass(taken, remaining, units, lengths, documents):
        """Takes each document's waiting units up to the first that does not fit."""
        ends = tf.cumsum(by_document(lengths, documents), exclusive=True) + remaining
        fits = tf.cumsum(lengths) <= look_up(ends, documents)
        now_taken = tf.where(fits, lengths, 0)
        taken += tf.math.unsorted_segment_sum(now_taken, units, num_units)
        remaining -= by_document(now_taken, documents)
        # A unit that does not fit now will fit never: what remains only shrinks.
        waiting = tf.where(~fits & (lengths <= look_up(remaining, documents)))
        units, lengths, documents = (
            tf.gather_nd(values, waiting) for values in (units, lengths, documents)
        )
        return taken, remaining, units, lengths, documents

    taken, remaining, *_ = tf.while_loop(
        lambda taken, remaining, units, lengths, documents: tf.size(units) > 0,
        one_pass,
        [tf.zeros_like(lengths), budgets, tf.range(num_units), lengths, documents],
        shape_invariants=[tf.TensorShape([None])] * 5,
    )
    # Where nothing was taken, the first unit is cut.
    cut = tf.where(remaining < budgets, 0, budgets)
    firsts = tf.searchsorted(documents, tf.range(num_documents))
    return taken + tf.math.unsorted_segment_sum(cut, tf.where(cut > 0, firsts, -1), num_units)
