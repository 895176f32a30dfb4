"""The unigram model: every token predicted from its frequency alone."""

import numpy as np

from mpnet_tf.training.evaluation import PredictionSums


def target_frequencies(token_counts, batches, objective):
    """Estimates how often each token is the target of an objective.

    Tokens of the text are so in proportion to their counts in it. Special tokens are targets where
    an objective says so, such as the end of a span: they are counted among those of some batches.

    Args:
        token_counts: int array `(vocabulary_size,)`. Counts in the training text; one is added to
            each, so that a token never seen has a probability.
        batches: `tf.data.Dataset` of `(slots, target_ids, target_weights)`, of the training text.
        objective: the objective that made them.

    Returns:
        float64 array `(num_objectives, vocabulary_size)`, in the order of `objective.names`; rows
        sum to 1.
    """
    is_special = objective.roles.is_special
    smoothed = np.asarray(token_counts, np.float64) + 1
    targets = np.zeros((len(objective.names), len(smoothed)))
    for slots, target_ids, target_weights in batches.as_numpy_iterator():
        np.add.at(targets, (slots["objective_ids"], target_ids), target_weights)
    of_text = targets[:, ~is_special].sum(axis=1, keepdims=True)
    scale = smoothed[~is_special].sum() / np.maximum(of_text, 1)
    counts = np.where(is_special, 1 + targets * scale, smoothed)
    return counts / counts.sum(axis=1, keepdims=True)


def evaluate_unigram(frequencies, dataset, objective_names):
    """Evaluates the unigram model on a fixed set of predictions.

    Args:
        frequencies: float array `(num_objectives, vocabulary_size)`; rows sum to 1.
        dataset: `tf.data.Dataset` of `(slots, target_ids, target_weights)`.
        objective_names: tuple of str. What the slots' `objective_ids` number.

    Returns:
        `Evaluation`.
    """
    losses, guesses = -np.log(frequencies), frequencies.argmax(axis=1)
    sums = PredictionSums(objective_names)
    for slots, target_ids, target_weights in dataset.as_numpy_iterator():
        ids = slots["objective_ids"]
        sums.add(losses[ids, target_ids], guesses[ids] == target_ids, target_weights, ids)
    return sums.evaluation()
