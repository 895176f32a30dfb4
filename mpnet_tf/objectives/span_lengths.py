"""How long the spans of blank infilling are, and when a document has enough of them.

Everything here runs once, in NumPy, on the host.
"""

import math

import numpy as np


def length_probabilities(mean_length, max_length):
    """Gives the probability of each span length: a Poisson draw that is neither 0 nor too long.

    Args:
        mean_length: float above 0. Mean of the Poisson distribution before it is cut.
        max_length: int from 1. Longest span.

    Returns:
        float64 array `(max_length,)` for the lengths from 1; it sums to 1.
    """
    lengths = np.arange(1, max_length + 1)
    # In logarithms: the powers and factorials themselves overflow.
    weights = np.cumsum(np.log(mean_length) - np.log(lengths))
    weights = np.exp(weights - weights.max())
    return weights / weights.sum()


def stopping_thresholds(probabilities, prediction_rate, max_tokens):
    """Says how many tokens must be covered before a document has spans enough.

    Spans are drawn until their lengths sum to a threshold or more. The last one runs over it; to
    leave it out, or to cut it, would make the spans shorter than their distribution says. It
    stays, and the threshold is so much lower that the *expected* sum is the share asked for.
    Thresholds are whole numbers, so the right one is a draw between two neighbours.

    Args:
        probabilities: float array `(max_length,)` for the lengths from 1.
        prediction_rate: float in (0, 1). Share of a document's tokens to cover.
        max_tokens: int. Tokens of the longest document.

    Returns:
        Two arrays `(max_tokens + 1,)` by the tokens of a document: int32, the lower threshold,
        and float32, the probability of the one above it.
    """
    most = math.ceil(prediction_rate * max_tokens) + 1
    # By the renewal equation: how likely it is that some number of spans sums to s exactly.
    reached = np.zeros(most)
    reached[0] = 1.0
    for total in range(1, most):
        longest = min(total, len(probabilities))
        reached[total] = probabilities[:longest] @ reached[total - longest : total][::-1]

    # What a span adds where `room` tokens are left, into which it is cut if need be.
    lengths = np.arange(1, len(probabilities) + 1)
    room = np.arange(max_tokens + 1)
    added = np.minimum(lengths, room[:, np.newaxis]) @ probabilities

    # A span begins at each sum below the threshold that is reached, with what room is left there.
    num_tokens = np.arange(max_tokens + 1)[:, np.newaxis]
    room_left = np.maximum(num_tokens - np.arange(most), 0)
    expected = np.cumsum(reached * added[room_left], axis=1)
    expected = np.pad(expected, [[0, 0], [1, 0]])

    wanted = prediction_rate * num_tokens
    # A document without tokens gets the threshold 0 too.
    low = np.maximum(np.sum((expected <= wanted) & (num_tokens > 0), axis=1) - 1, 0)
    at_low = np.take_along_axis(expected, low[:, np.newaxis], axis=1)
    at_high = np.take_along_axis(expected, low[:, np.newaxis] + 1, axis=1)
    share = np.divide(
        wanted - at_low, at_high - at_low, out=np.zeros(wanted.shape), where=at_high > at_low
    )
    return low.astype(np.int32), share[:, 0].astype(np.float32)
