"""Precision, recall and F1 of the entities that the labels of words mark."""

import collections
import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from mpnet_tf.finetuning.conll import check_entity_label


@dataclasses.dataclass(frozen=True)
class EntityScores:
    """How well entities were found.

    Args:
        precision: share of the entities found that are right; 0 where none is found.
        recall: share of the right entities that are found; 0 where there is none.
        f1: their harmonic mean; 0 where both are 0.
        num_entities: how many right entities there are.
    """

    precision: float
    recall: float
    f1: float
    num_entities: int


@dataclasses.dataclass(frozen=True)
class EntityMetrics:
    """The scores of all entities together and of each type.

    Args:
        overall: each entity counts once, whatever its type (the micro average).
        by_type: by each type that is there or was found.
    """

    overall: EntityScores
    by_type: Mapping[str, EntityScores]


def compute_entity_metrics(
    targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]
) -> EntityMetrics:
    """Compares predicted with right entities; one is found if its type and both ends are right.

    Entities are read from the labels as CoNLL's evaluation script does, which takes BIO, IOB1 and
    BIOES alike: one begins at B or S, and at an I or E that goes on with no entity of its type.

    Args:
        targets: the right label of each word, sentence by sentence; see `check_entity_label`.
        predictions: the predicted labels.

    Returns:
        `EntityMetrics`, with shares rather than percentages.

    Raises:
        ValueError: if there are no sentences, the numbers of sentences or of words differ, or a
            label does not mark entities.

    References:
        [CoNLL-2003](https://aclanthology.org/W03-0419/), section 3, and its script `conlleval`.
    """
    _check_sentences(targets, predictions)
    right, found, hits = collections.Counter(), collections.Counter(), collections.Counter()
    for target, prediction in zip(targets, predictions, strict=True):
        of_target, of_prediction = set(_entities(target)), set(_entities(prediction))
        right.update(type for type, *_ in of_target)
        found.update(type for type, *_ in of_prediction)
        hits.update(type for type, *_ in of_target & of_prediction)
    by_type = {
        type: _scores(hits[type], found[type], right[type]) for type in sorted({*right, *found})
    }
    return EntityMetrics(_scores(hits.total(), found.total(), right.total()), by_type)


def _entities(labels: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Yields the type, the first word and the word after the last of each entity."""
    start, previous_mark, previous_type = None, "O", None
    for index, label in enumerate([*labels, "O"]):
        mark, type = label[0], label[2:] or None
        goes_on = mark in "IE" and previous_mark in "BI" and type == previous_type
        if start is not None and not goes_on:
            yield previous_type, start, index
            start = None
        if mark != "O" and start is None:
            start = index
        previous_mark, previous_type = mark, type


def _check_sentences(targets, predictions):
    if len(targets) != len(predictions) or not len(targets):
        raise ValueError(
            "`targets` and `predictions` must have equally many sentences, one at least. "
            f"Received: {len(targets)} and {len(predictions)}"
        )
    for index, (target, prediction) in enumerate(zip(targets, predictions, strict=True)):
        if len(target) != len(prediction):
            raise ValueError(
                "`targets` and `predictions` must have equally many labels in each sentence. "
                f"Received: {len(target)} and {len(prediction)} in sentence {index}"
            )
        for name, labels in (("targets", target), ("predictions", prediction)):
            for label in labels:
                check_entity_label(label, f"`{name}`, sentence {index}")


def _scores(hits: int, found: int, right: int) -> EntityScores:
    # Half the sum of precision's and recall's denominators is the harmonic mean's.
    f1 = 2 * hits / (found + right) if found + right else 0.0
    return EntityScores(
        precision=hits / found if found else 0.0,
        recall=hits / right if right else 0.0,
        f1=f1,
        num_entities=right,
    )
