"""A few examples of each class, to learn from these alone."""

import dataclasses

import numpy as np

from mpnet_tf.finetuning.labelled_texts import LabelledTexts


def sample_few_shot(examples: LabelledTexts, per_class: int, seed: int) -> LabelledTexts:
    """Draws the same number of examples of each class.

    Args:
        examples: with names of classes as labels.
        per_class: how many of each, from 1.
        seed: from 0. The same seed draws the same examples.

    Returns:
        `LabelledTexts` with the drawn examples in the order in which they were.

    Raises:
        ValueError: if there are no names of classes, `per_class` is not positive, or a class has
            fewer examples.
    """
    if per_class < 1:
        raise ValueError(f"`per_class` must be positive. Received: per_class={per_class}")
    if not examples.labels or not all(isinstance(label, str) for label in examples.labels):
        raise ValueError(
            "`examples` must have names of classes as labels. "
            f"Received: those of {examples.source} without"
        )
    labels = np.array(examples.labels)
    generator = np.random.default_rng(seed)
    chosen = []
    for name in sorted(set(examples.labels)):
        of_class = np.flatnonzero(labels == name)
        if len(of_class) < per_class:
            raise ValueError(
                f"`per_class` must be at most {len(of_class)}, the examples of the class {name!r} "
                f"in {examples.source}. Received: per_class={per_class}"
            )
        chosen += generator.choice(of_class, per_class, replace=False).tolist()
    chosen.sort()

    def take(values):
        return None if values is None else tuple(values[index] for index in chosen)

    return dataclasses.replace(
        examples,
        texts=take(examples.texts),
        pairs=take(examples.pairs),
        labels=take(examples.labels),
        ids=take(examples.ids),
    )
