"""Which examples make up each batch of an epoch."""

import collections

import numpy as np


def plan_batches(num_examples, *, batch_size, seed, epoch, text_numbers=None):
    """Shuffles the examples of an epoch into batches, a pure function of `(seed, epoch)`.

    An epoch has `num_examples // batch_size` batches. What is left over is another part of the
    examples in each epoch.

    Args:
        num_examples: int. Examples in all.
        batch_size: int from 1, not above `num_examples`.
        seed: int from 0.
        epoch: int from 0.
        text_numbers: int array `(num_examples, num_columns)` or None. Equal where texts are. If
            given, no text occurs in two examples of a batch: an example waits for the first batch
            in which none of its texts is yet. Where the last batches could not be filled with
            what waits, they take examples that the epoch had already.

    Returns:
        int64 array `(num_examples // batch_size, batch_size)` of numbers of examples.

    Raises:
        ValueError: if `batch_size` is out of its range, or no batch can do without a text twice.
    """
    if not 1 <= batch_size <= num_examples:
        raise ValueError(
            f"`batch_size` must be from 1 to {num_examples}, the number of examples. "
            f"Received: batch_size={batch_size}"
        )
    order = np.random.default_rng([seed, epoch]).permutation(num_examples)
    num_batches = num_examples // batch_size
    if text_numbers is None:
        return order[: num_batches * batch_size].reshape(num_batches, batch_size)
    texts_of = [frozenset(row) for row in np.asarray(text_numbers).tolist()]
    waiting = collections.deque(order.tolist())
    batches = []
    for _ in range(num_batches):
        batch = _take_batch(waiting, texts_of, batch_size)
        if len(batch) < batch_size:
            # All that still wait share a text with one in it.
            batch = _take_batch(collections.deque(batch + order.tolist()), texts_of, batch_size)
        if len(batch) < batch_size:
            raise ValueError(
                "`batch_size` must be small enough for batches in which no text occurs twice; "
                f"one ended with {len(batch)} examples. Received: batch_size={batch_size}. Take a "
                "smaller one, or take repeated texts out of the data."
            )
        batches.append(batch)
    return np.array(batches, np.int64)


def number_texts(columns):
    """Numbers texts, equal ones alike.

    Args:
        columns: sequence of sequences of str of equal length.

    Returns:
        int64 array `(num_examples, num_columns)`.
    """
    numbers = {}
    return np.stack(
        [[numbers.setdefault(text, len(numbers)) for text in column] for column in columns], axis=1
    )


def _take_batch(waiting, texts_of, batch_size):
    """Takes the first examples that share no text off a deque; the others stay in their order."""
    batch, passed, texts = [], [], set()
    while waiting and len(batch) < batch_size:
        example = waiting.popleft()
        if texts.isdisjoint(texts_of[example]):
            texts |= texts_of[example]
            batch.append(example)
        else:
            passed.append(example)
    waiting.extendleft(reversed(passed))
    return batch
