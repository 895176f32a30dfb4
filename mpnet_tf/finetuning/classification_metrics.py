"""Metrics of classification and regression of texts."""

import functools
import warnings
from collections.abc import Sequence

import numpy as np
import scipy.stats
import sklearn.metrics


def compute_metrics(
    names: Sequence[str],
    targets: Sequence,
    predictions: Sequence,
    *,
    positive_label: str | int = 1,
) -> dict[str, float]:
    """Computes metrics of predictions.

    `accuracy` is the share of equal labels, `f1` the F1 of one of two classes as GLUE has it for
    MRPC and QQP, `macro_f1` the mean of the F1 of all classes, `matthews_correlation` that of two
    or more classes, `pearson` and `spearman` the correlations of scores.

    What would be divided by zero is 0: the F1 of a class that is neither there nor predicted, and
    a correlation where all targets or all predictions are equal.

    Args:
        names: of `METRIC_NAMES`.
        targets: the right label (int or str) or score (float) of each example.
        predictions: those predicted, of the same kind.
        positive_label: the class that `f1` is of, such as "1" where labels are text. Default 1.

    Returns:
        Each metric by its name, in the order of `names`; a share or a correlation, no percentage.

    Raises:
        ValueError: if a name is unknown, the lengths differ or are 0, labels and predictions are of
            different kinds, a score is not finite, or `f1` is asked for other labels than two.

    References:
        [scikit-learn](https://scikit-learn.org/stable/modules/model_evaluation.html);
        `scipy.stats` for the correlations of scores.
    """
    functions = {**_METRICS, "f1": functools.partial(_f1, positive_label=positive_label)}
    unknown = [name for name in names if name not in functions]
    if unknown:
        raise ValueError(
            f"`names` must be among {', '.join(METRIC_NAMES)}. Received: {unknown[0]!r}"
        )
    targets, predictions = _checked_arrays(targets, predictions)
    return {name: float(functions[name](targets, predictions)) for name in names}


def confusion_matrix(
    targets: Sequence, predictions: Sequence, labels: Sequence[str | int]
) -> np.ndarray:
    """Counts which class is taken for which.

    Args:
        targets: the right label of each example.
        predictions: the predicted labels.
        labels: all classes, in the order of the rows and columns.

    Returns:
        int64 array `(num_classes, num_classes)`; row i, column j counts the examples of class i
        that were taken for class j.

    Raises:
        ValueError: if the lengths differ or are 0, or a label is not among `labels`.
    """
    targets, predictions = _checked_arrays(targets, predictions)
    unknown = sorted(set(np.concatenate([targets, predictions]).tolist()) - set(labels))
    if unknown:
        raise ValueError(
            f"`labels` must hold every label of the examples. Received: labels={list(labels)} and "
            f"an example with {unknown[0]!r}"
        )
    return sklearn.metrics.confusion_matrix(targets, predictions, labels=list(labels))


def _checked_arrays(targets, predictions):
    targets, predictions = np.asarray(targets), np.asarray(predictions)
    if targets.ndim != 1 or targets.shape != predictions.shape or not targets.size:
        raise ValueError(
            "`targets` and `predictions` must be of one dimension, of equal length and not empty. "
            f"Received: shapes {targets.shape} and {predictions.shape}"
        )
    if (targets.dtype.kind in "US") != (predictions.dtype.kind in "US"):
        raise ValueError(
            "`targets` and `predictions` must both be text or both be numbers. "
            f"Received: {targets[0]!r} and {predictions[0]!r}"
        )
    return targets, predictions


def _f1(targets, predictions, positive_label):
    labels = set(targets.tolist()) | set(predictions.tolist())
    if len(labels | {positive_label}) > 2 or isinstance(positive_label, str) != (
        targets.dtype.kind in "US"
    ):
        raise ValueError(
            "`f1` must be asked of two classes, one of them `positive_label`; for more take "
            f"`macro_f1`. Received: labels {sorted(labels)}, positive_label={positive_label!r}"
        )
    return sklearn.metrics.f1_score(targets, predictions, pos_label=positive_label, zero_division=0)


def _macro_f1(targets, predictions):
    return sklearn.metrics.f1_score(targets, predictions, average="macro", zero_division=0)


def _matthews_correlation(targets, predictions):
    if _all_equal(targets) or _all_equal(predictions):
        return 0.0
    return sklearn.metrics.matthews_corrcoef(targets, predictions)


def _pearson(targets, predictions):
    return _correlation(scipy.stats.pearsonr, targets, predictions)


def _spearman(targets, predictions):
    return _correlation(scipy.stats.spearmanr, targets, predictions)


def _correlation(function, targets, predictions):
    for name, scores in (("targets", targets), ("predictions", predictions)):
        if scores.dtype.kind not in "biuf" or not np.isfinite(scores).all():
            raise ValueError(f"`{name}` must be finite numbers for a correlation.")
    # In float16 the sums would overflow.
    targets, predictions = targets.astype(np.float64), predictions.astype(np.float64)
    if _all_equal(targets) or _all_equal(predictions):
        return 0.0
    with warnings.catch_warnings():
        # Predictions of a collapsed model differ in their last bits only: the figure stands.
        warnings.simplefilter("ignore", scipy.stats.NearConstantInputWarning)
        correlation = function(targets, predictions).statistic
    return correlation if np.isfinite(correlation) else 0.0


def _all_equal(values):
    return (values == values[0]).all()


_METRICS = {
    "accuracy": sklearn.metrics.accuracy_score,
    "macro_f1": _macro_f1,
    "matthews_correlation": _matthews_correlation,
    "pearson": _pearson,
    "spearman": _spearman,
}
METRIC_NAMES = (*_METRICS, "f1")
