"""Texts in batches of similar length."""

import numpy as np
import tensorflow as tf

# Batches that are shuffled together and then cut by length: enough that the lengths in a batch are
# alike, few enough that batches stay a random choice.
_BATCHES_IN_A_WINDOW = 32


def plan_by_length(lengths, *, batch_size, seed, epoch):
    """Shuffles an epoch's examples into batches of similar length.

    Args:
        lengths: int array `(num_examples,)`. Tokens of each example.
        batch_size: int.
        seed: int from 0.
        epoch: int from 0.

    Returns:
        List of int arrays of examples, `batch_size` in each but one. Each example is in one of
        them; the same `(seed, epoch)` gives the same list.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(lengths))
    window = batch_size * _BATCHES_IN_A_WINDOW
    batches = []
    for start in range(0, len(order), window):
        examples = order[start : start + window]
        # Stable, so that examples of one length stay in their random order.
        examples = examples[np.argsort(lengths[examples], kind="stable")]
        batches += [examples[i : i + batch_size] for i in range(0, len(examples), batch_size)]
    return [batches[index] for index in generator.permutation(len(batches))]


def training_batches(examples, preprocessor, *, batch_size, seed, num_epochs, weights=None):
    """Makes the batches of a training run from texts.

    Args:
        examples: `EncodedTexts`.
        preprocessor: `TransformerTextPreprocessor`. Rows are as long as the longest text of their
            batch where it has `pad_to="longest"`.
        batch_size: int.
        seed: int from 0.
        num_epochs: int.
        weights: float array `(num_examples,)` of sample weights, or None.

    Returns:
        `tf.data.Dataset` of `(inputs, targets)` or `(inputs, targets, weights)`, and the number of
        its batches in an epoch.
    """
    plan = [
        batch
        for epoch in range(num_epochs)
        for batch in plan_by_length(examples.lengths, batch_size=batch_size, seed=seed, epoch=epoch)
    ]
    dataset = _batches(plan, examples, preprocessor, weights)
    return dataset, len(plan) // num_epochs


def evaluation_batches(examples, preprocessor, *, batch_size):
    """Makes the batches of an evaluation, short texts first.

    Args:
        examples, preprocessor, batch_size: as of `training_batches`.

    Returns:
        `tf.data.Dataset` of inputs, and an int array with the example of each of their rows.
    """
    order = np.argsort(examples.lengths, kind="stable")
    plan = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return _batches(plan, examples, preprocessor, None, with_targets=False), order


def _batches(plan, examples, preprocessor, weights, *, with_targets=True):
    columns = tuple(map(tf.constant, examples.columns))
    extra = [examples.targets] if with_targets else []
    extra += [] if weights is None else [np.asarray(weights, np.float32)]
    extra = tuple(map(tf.constant, extra))

    def take(numbers):
        texts = tuple(tf.gather(column, numbers) for column in columns)
        inputs = preprocessor(texts[0] if len(texts) == 1 else texts)
        return (inputs, *(tf.gather(values, numbers) for values in extra)) if extra else inputs

    return planned_batches(plan, take)


def planned_batches(plan, take):
    """Makes the batches of a plan.

    Args:
        plan: list of int arrays, the examples of each batch.
        take: maps an int32 tensor `(batch_size,)` of examples to their batch. TensorFlow graph
            code.

    Returns:
        `tf.data.Dataset` of what `take` returns.
    """
    lengths = [len(batch) for batch in plan]
    rows = tf.RaggedTensor.from_row_lengths(np.concatenate(plan).astype(np.int32), lengths)
    numbers = tf.data.Dataset.from_tensor_slices(rows)
    return numbers.map(take, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(2)
