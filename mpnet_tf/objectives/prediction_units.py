"""Units of prediction: the tokens, whole words or n-grams of words that are hidden together."""

import math

import numpy as np
import tensorflow as tf

from mpnet_tf.objectives.draws import shares

GRANULARITIES = ("token", "word")


def unit_starts(segment_ids, random_numbers, *, candidates, continues, granularity, max_gram):
    """Marks the tokens at which a unit of prediction begins.

    A unit is a run of candidates: what may not be predicted ends it.

    Args:
        segment_ids: int32 tensor `(batch_size, sequence_length)`.
        random_numbers: int32 tensor `(batch_size, sequence_length)`, as of `draws.integers`. Not
            used where `max_gram` is 1.
        candidates: bool tensor `(batch_size, sequence_length)`. True where a token may be
            predicted.
        continues: bool tensor `(batch_size, sequence_length)`. True where a token continues the
            word of the one before it.
        granularity: "token" or "word". A word is a token and the continuations behind it.
        max_gram: int. Units hold 1 to `max_gram` such pieces; each length covers the same share
            of them, as in MPNet's released code (so a length n is drawn with weight 1/n).

    Returns:
        Bool tensor `(batch_size, sequence_length)`, False outside of `candidates`.
    """
    starts = candidates
    if granularity == "word":
        # A continuation with nothing to continue (a document cut within a word, a special token
        # just before) begins a word of its own.
        joined = candidates[:, 1:] & candidates[:, :-1]
        joined &= segment_ids[:, 1:] == segment_ids[:, :-1]
        starts &= ~tf.pad(continues[:, 1:] & joined, [[0, 0], [1, 0]])
    if max_gram > 1:
        runs = candidates & ~tf.pad(candidates[:, :-1], [[0, 0], [1, 0]])
        starts = runs | _ngram_starts(starts, segment_ids, random_numbers, max_gram=max_gram)
    return starts


def _ngram_starts(starts, segment_ids, random_numbers, *, max_gram):
    """Keeps the starts that are reached from a document's first by jumps of random length.

    Following the jumps one after the other is a loop over words; doubling them (a jump, then two
    at once, then four) marks the same words in about log2(sequence_length) gathers.
    """
    batch_size, sequence_length = tf.unstack(tf.shape(starts))
    lengths = np.arange(1, max_gram + 1)
    weights = tf.constant(np.cumsum(1 / lengths) / np.sum(1 / lengths), tf.float32)
    jump_draws = tf.reshape(shares(random_numbers), [-1])
    jump = 1 + tf.searchsorted(weights[:-1], jump_draws, side="right")
    jump = tf.reshape(jump, [batch_size, sequence_length])

    # Words are numbered along the row; the words of a row are followed by one that ends it.
    word_index = tf.cumsum(tf.cast(starts, tf.int32), axis=1) - 1
    width = sequence_length + 1
    row_offsets = tf.range(batch_size)[:, tf.newaxis] * width
    flat_words = tf.boolean_mask(row_offsets + word_index, starts)

    def by_word(values):
        flat = tf.scatter_nd(
            flat_words[:, tf.newaxis], tf.boolean_mask(values, starts), [batch_size * width]
        )
        return tf.reshape(flat, [batch_size, width])

    word_segments = by_word(segment_ids)
    begins_document = tf.not_equal(
        word_segments, tf.pad(word_segments[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
    )
    # A jump ends at the next document's first word at the latest; that one is a start anyway.
    document_end = tf.searchsorted(
        tf.where(word_segments > 0, word_segments, tf.int32.max), word_segments, side="right"
    )
    target = tf.minimum(tf.range(width) + by_word(jump), tf.minimum(document_end, width - 1))
    target = tf.where(word_segments > 0, target, width - 1)

    reached = begins_document & (word_segments > 0)
    for _ in range(max(1, math.ceil(math.log2(starts.shape[1])))):
        hits = tf.scatter_nd(
            tf.reshape(row_offsets + target, [-1, 1]),
            tf.reshape(tf.cast(reached, tf.int32), [-1]),
            [batch_size * width],
        )
        reached |= tf.reshape(hits, [batch_size, width]) > 0
        target = tf.gather(target, target, batch_dims=1)
    return starts & tf.gather(reached, tf.maximum(word_index, 0), batch_dims=1)
