"""Which stretches of text blank infilling leaves out: random spans, whole sentences, endings.

Spans are few beside the tokens they stand among, so they are handled as lists of their own: dicts
of int32 tensors `(batch_size, num_spans)` with `document` (its number in the row, from 0) and
`length`, 0 where a place of the list is empty. `start` is the place in the row of a span's first
token.
"""

import math

import numpy as np
import tensorflow as tf

from mpnet_tf.objectives.prediction_selection import first_in_order, order_keys


def describe_text(rows, is_special):
    """Finds the documents of each row and the tokens in them that may be left out.

    Args:
        rows: dict of int32 tensors `(batch_size, sequence_length)`: `token_ids`, and `segment_ids`
            in which the documents follow one another and padding comes last.
        is_special: bool tensor `(vocabulary_size,)`. True for the ids that are never left out.

    Returns:
        A dict of tensors. By token, `(batch_size, sequence_length)`: bool `is_candidate`, and
        int32 `candidates_through` and `others_through`, which count the tokens up to and with
        each one that may be left out and that may not. By document, int32
        `(batch_size, num_documents)`: `first_place`, `first_candidate` (how many candidates of
        the row come before it) and `num_candidates`. The last document is empty in every row;
        empty places of lists belong to it.
    """
    segment_ids = rows["segment_ids"]
    batch_size, sequence_length = tf.unstack(tf.shape(segment_ids))
    is_candidate = (segment_ids > 0) & ~tf.gather(is_special, rows["token_ids"])
    through = tf.cumsum(tf.cast(is_candidate, tf.int32), axis=1)

    # The largest number in an empty batch is negative.
    num_documents = tf.maximum(tf.reduce_max(segment_ids), 0) + 1
    borders = tf.searchsorted(
        tf.where(segment_ids > 0, segment_ids, tf.int32.max),
        tf.broadcast_to(tf.range(1, num_documents + 2), [batch_size, num_documents + 1]),
    )
    before = tf.gather(tf.pad(through, [[0, 0], [1, 0]]), borders, batch_dims=1)
    return {
        "is_candidate": is_candidate,
        "candidates_through": through,
        "others_through": tf.range(1, sequence_length + 1) - through,
        "first_place": borders[:, :-1],
        "first_candidate": before[:, :-1],
        "num_candidates": before[:, 1:] - before[:, :-1],
    }


def draw_lengths(text, seed, *, probabilities, thresholds):
    """Draws the spans of each document, without places: iid lengths until there are enough.

    Args:
        text: dict as `describe_text` returns it.
        seed: int32 tensor `(2,)`.
        probabilities: float array `(max_span_length,)`, as of `length_probabilities`.
        thresholds: two arrays `(sequence_length + 1,)`, as of `stopping_thresholds`.

    Returns:
        A dict of spans. Those of a document stand in the order of their drawing and have to be
        shuffled: the last one, which runs over the threshold, tends to be longer than the rest.
    """
    threshold_seed, length_seed = tf.unstack(tf.random.split(seed, 2))
    num_candidates = text["num_candidates"]
    fate = tf.random.stateless_uniform(tf.shape(num_candidates), threshold_seed)
    low, share_above = (tf.gather(tf.constant(table), num_candidates) for table in thresholds)
    threshold = low + tf.cast(fate < share_above, tf.int32)

    # No length is below 1, so as many draws as the threshold says are enough for a document.
    ends = tf.cumsum(threshold, axis=1)
    num_draws = tf.maximum(tf.reduce_max(ends), 1)
    numbers = tf.range(num_draws) + tf.zeros_like(ends[:, :1])
    document = tf.searchsorted(ends, numbers, side="right")
    document = tf.minimum(document, tf.shape(ends)[1] - 1)
    borders = tf.constant(np.cumsum(probabilities)[:-1], tf.float32)
    fate = tf.random.stateless_uniform(tf.shape(document), length_seed)
    length = 1 + tf.searchsorted(borders, tf.reshape(fate, [-1]), side="right")
    length = tf.reshape(length, tf.shape(document))

    sums = tf.cumsum(length, axis=1, exclusive=True)
    base = tf.gather(sums, tf.minimum(ends - threshold, num_draws - 1), batch_dims=1)
    of_document = tf.stack([base, threshold, num_candidates], axis=2)
    of_document = tf.gather(of_document, document, batch_dims=1)
    base, threshold, num_candidates = tf.unstack(of_document, axis=2)
    covered = sums - base
    # A span that is longer than the rest of a short document is cut to it.
    length = tf.minimum(length, num_candidates - covered)
    return {"document": document, "length": tf.where(covered < threshold, length, 0)}


def draw_endings(text, seed, *, shortest):
    """Draws an ending of each document, its length uniformly random.

    Args:
        text: dict as `describe_text` returns it.
        seed: int32 tensor `(2,)`.
        shortest: int array `(sequence_length + 1,)`. The least number of tokens, by how many
            candidates a document has; the most is all of them. Special tokens among them are
            in the ending and do not count.

    Returns:
        A dict of spans with their `start`, one for each document with candidates.
    """
    num_candidates = text["num_candidates"]
    least = tf.gather(tf.constant(shortest, tf.int32), num_candidates)
    fate = tf.random.stateless_uniform(tf.shape(num_candidates), seed)
    length = least + tf.cast(fate * tf.cast(num_candidates - least + 1, tf.float32), tf.int32)

    last_candidate = text["first_candidate"] + num_candidates
    last = tf.searchsorted(text["candidates_through"], last_candidate)
    start = tf.searchsorted(text["candidates_through"], last_candidate - length + 1)
    has_ending = num_candidates > 0
    return {
        "document": tf.range(tf.shape(length)[1]) + tf.zeros_like(length),
        "length": tf.where(has_ending, last + 1 - start, 0),
        "start": tf.where(has_ending, start, 0),
    }


def draw_sentences(rows, text, seed, *, is_sentence_end, prediction_rate):
    """Draws whole sentences of each document until its share of tokens is covered.

    The sentence that crosses the share is taken with the probability that makes the expected
    number of tokens just that share.

    Args:
        rows: dict of int32 tensors `(batch_size, sequence_length)`.
        text: dict as `describe_text` returns it.
        seed: int32 tensor `(2,)`.
        is_sentence_end: bool tensor `(vocabulary_size,)`.
        prediction_rate: float in (0, 1). Share of each document's candidates.

    Returns:
        A dict of spans with their `start`.
    """
    order_seed, fate_seed = tf.unstack(tf.random.split(seed, 2))
    sentences = _list_sentences(rows, text, is_sentence_end)
    keys = _random_order_keys(sentences["document"], order_seed)
    sentences = _take(sentences, tf.argsort(keys, axis=1))

    document, length = sentences["document"], sentences["length"]
    num_candidates = tf.gather(text["num_candidates"], document, batch_dims=1)
    share = prediction_rate * tf.cast(num_candidates, tf.float32)
    sums = tf.cumsum(length, axis=1, exclusive=True)
    covered = sums - tf.gather(sums, first_of_document(document), batch_dims=1)
    missing = share - tf.cast(covered, tf.float32)
    # Always true where the sentence is no longer than what is missing, never where nothing is.
    fate = tf.random.stateless_uniform(tf.shape(length), fate_seed)
    taken = fate * tf.cast(length, tf.float32) < missing
    return {**sentences, "length": tf.where(taken, length, 0)}


def _list_sentences(rows, text, is_sentence_end):
    """Lists the sentences of each row in the order of the text."""
    candidate, segment_ids = text["is_candidate"], rows["segment_ids"]
    ends = tf.gather(is_sentence_end, rows["token_ids"])
    continues = candidate[:, 1:] & candidate[:, :-1] & ~ends[:, :-1]
    continues &= tf.equal(segment_ids[:, 1:], segment_ids[:, :-1])
    starts = candidate & ~tf.pad(continues, [[0, 0], [1, 0]])

    starts_through = tf.cumsum(tf.cast(starts, tf.int32), axis=1)
    most = tf.maximum(tf.reduce_max(starts_through), 1)
    numbers = tf.range(1, most + 1) + tf.zeros_like(starts_through[:, :1])
    start = tf.searchsorted(starts_through, numbers)
    found = start < tf.shape(segment_ids)[1]
    start = tf.where(found, start, 0)
    # A sentence reaches to the next one, or to the next token that is no candidate.
    borders_through = starts_through + text["others_through"]
    end = tf.searchsorted(borders_through, tf.gather(borders_through, start, batch_dims=1) + 1)
    segment = tf.gather(segment_ids, start, batch_dims=1)
    return {
        "document": tf.where(found, segment - 1, _empty_document(text)),
        "length": tf.where(found, end - start, 0),
        "start": start,
    }


def fit_into_row(text, spans, seed, *, max_spans, num_places):
    """Shuffles the spans of each document, and leaves out those a row has no places for.

    Args:
        text: dict as `describe_text` returns it.
        spans: dict of spans in any order.
        seed: int32 tensor `(2,)`.
        max_spans: int. Most spans of a row.
        num_places: int. Most tokens of a row's spans, with one more for each span.

    Returns:
        A dict of tensors `(batch_size, max_spans)`: the spans by document, in random order.
    """
    missing = tf.maximum(max_spans - tf.shape(spans["length"])[1], 0)
    spans = {name: tf.pad(value, [[0, 0], [0, missing]]) for name, value in spans.items()}
    # In random order over the row first, so that it is not always the last document that goes
    # short. A span that fits no row is no reason to leave out others.
    valid = (spans["length"] > 0) & (spans["length"] < num_places)
    keys = _random_order_keys(tf.zeros_like(spans["length"]), seed)
    order, valid = first_in_order(keys, valid, max_spans)
    spans = _take(spans, order)
    places = tf.cumsum(tf.where(valid, spans["length"] + 1, 0), axis=1)
    valid &= places <= num_places

    # Then by document, which keeps the random order within each.
    document = tf.where(valid, spans["document"], _empty_document(text))
    order = tf.argsort(document * max_spans + tf.range(max_spans), axis=1)
    lengths = tf.where(valid, spans["length"], 0)
    return _take({**spans, "document": document, "length": lengths}, order)


def place_spans(text, spans, seed, *, max_spans):
    """Gives each span a place, uniformly over all ways that keep a token between any two.

    Of the K tokens that a document with n spans keeps, n - 1 are bound to part the spans. The
    other K - n + 1 are free: so the ways are the sets of n numbers, from 0 to K - n + 1 and with
    repetition, that say how many free tokens stand before each span. Polya's urn draws such a set
    uniformly without shuffling the tokens: it holds each number once, and what is drawn goes back
    with one more of its kind. So draw i takes a number, or repeats one of the i draws before it.

    Args:
        text: dict as `describe_text` returns it.
        spans: dict of spans as `fit_into_row` returns it.
        seed: int32 tensor `(2,)`.
        max_spans: int. Most spans of a row.

    Returns:
        The dict with `start`. Spans that would run over a special token are cut before it; those
        that no kept token is left to part from the others are left out.
    """
    urn_seed, tie_seed = tf.unstack(tf.random.split(seed, 2))
    document, length = spans["document"], spans["length"]
    of_document = tf.stack([text["first_candidate"], text["num_candidates"]], axis=2)
    of_document = tf.gather(of_document, document, batch_dims=1)
    first_candidate, num_candidates = tf.unstack(of_document, axis=2)
    # (batch_size, max_spans, max_spans): documents have few spans, so comparing all is cheap.
    same_document = tf.equal(document[:, :, tf.newaxis], document[:, tf.newaxis, :])
    index = tf.range(max_spans)
    first = first_of_document(document)
    rank = index - first

    num_kept = num_candidates - _sum_where(same_document, length)
    length = tf.where(rank <= num_kept, length, 0)
    is_span = tf.cast(length > 0, tf.int32)
    num_kept = num_candidates - _sum_where(same_document, length)
    num_numbers = num_kept - _sum_where(same_document, is_span) + 2

    fate = tf.random.stateless_uniform(tf.shape(document), urn_seed)
    drawn = tf.cast(fate * tf.cast(num_numbers + rank, tf.float32), tf.int32)
    source = tf.where(drawn < num_numbers, index, first + drawn - num_numbers)
    # A draw may repeat one that itself repeats: each round follows twice as many as the last.
    for _ in range(math.ceil(math.log2(max_spans))):
        source = tf.gather(source, source, batch_dims=1)
    free_before = tf.gather(drawn, source, batch_dims=1)

    # Spans with as many free tokens before them stand in random order.
    keys = _random_order_keys(free_before, tie_seed)
    is_before = same_document & (keys[:, tf.newaxis, :] < keys[:, :, tf.newaxis])
    candidate = first_candidate + free_before + _sum_where(is_before, length + is_span)
    start = tf.searchsorted(text["candidates_through"], candidate + 1)
    end = tf.searchsorted(text["others_through"], start - candidate + 1)
    length = tf.where(length > 0, tf.minimum(length, end - start), 0)
    return {"document": document, "length": length, "start": tf.where(length > 0, start, 0)}


def first_of_document(document):
    """Finds the first item of each item's document in lists that are sorted by document.

    Args:
        document: int32 tensor `(batch_size, num_items)`.

    Returns:
        int32 tensor of the same shape: indices into `num_items`.
    """
    return tf.searchsorted(document, document, side="left")


def _empty_document(text):
    """Returns the number of the document that is empty in every row."""
    return tf.shape(text["num_candidates"])[1] - 1


def _take(spans, order):
    """Gathers the spans at the indices `order`, `(batch_size, count)`."""
    values = tf.gather(tf.stack(list(spans.values()), axis=2), order, batch_dims=1)
    return dict(zip(spans, tf.unstack(values, axis=2), strict=True))


def _sum_where(mask, values):
    """Sums `values` `(batch_size, n)` where `mask` `(batch_size, n, n)`, for each of its rows."""
    return tf.reduce_sum(tf.where(mask, values[:, tf.newaxis, :], 0), axis=2)


def _random_order_keys(groups, seed):
    """Draws sort keys that shuffle within groups and keep the groups in order."""
    # Over all of int32: without a range there is nothing to reduce the numbers to.
    return order_keys(
        groups,
        tf.random.stateless_uniform(
            tf.shape(groups), seed, minval=None, maxval=None, dtype=tf.int32
        ),
    )
