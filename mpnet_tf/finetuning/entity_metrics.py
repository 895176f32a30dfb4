"""Precision, recall and F1 of the entities that the labels of words mark."""

import dataclasses
from collections.abc import Mapping, Sequence

from seqeval.metrics.sequence_labeling import precision_recall_fscore_support

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
        [CoNLL-2003](https://aclanthology.org/W03-0419/), section 3;
        [seqeval](https://github.com/chakki-works/seqeval), which computes it.
    """
    _check_sentences(targets, predictions)
    targets = [list(labels) for labels in targets]
    predictions = [list(labels) for labels in predictions]
    overall = precision_recall_fscore_support(
        targets, predictions, average="micro", zero_division=0
    )
    columns = precision_recall_fscore_support(targets, predictions, average=None, zero_division=0)
    types = sorted(_types(targets) | _types(predictions))
    by_type = {type: _scores(*row) for type, *row in zip(types, *columns, strict=True)}
    return EntityMetrics(_scores(*overall), by_type)


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


def _types(sentences):
    # Every label but O is part of an entity of its type, whatever comes before it.
    return {label[2:] for labels in sentences for label in labels if label != "O"}


def _scores(precision, recall, f1, num_entities):
    return EntityScores(float(precision), float(recall), float(f1), int(num_entities))
