"""Metrics against figures worked by hand and the definitions in NumPy."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpnet_tf.finetuning.classification_metrics import (
    METRIC_NAMES,
    compute_metrics,
    confusion_matrix,
)

# 4 right positives, 1 false positive, 2 missed, 3 right negatives.
TARGETS = ["1"] * 6 + ["0"] * 4
PREDICTIONS = ["1"] * 4 + ["0"] * 2 + ["1"] + ["0"] * 3


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_binary_figures_worked_by_hand():
    names = ["f1", "accuracy", "macro_f1", "matthews_correlation"]
    metrics = compute_metrics(names, TARGETS, PREDICTIONS, positive_label="1")
    assert list(metrics) == names
    positive_f1 = 2 * 4 / (2 * 4 + 1 + 2)
    negative_f1 = 2 * 3 / (2 * 3 + 2 + 1)
    assert metrics == pytest.approx(
        {
            "accuracy": 0.7,
            "f1": positive_f1,
            "macro_f1": (positive_f1 + negative_f1) / 2,
            "matthews_correlation": (4 * 3 - 1 * 2) / np.sqrt(5 * 6 * 4 * 5),
        }
    )
    assert all(type(value) is float for value in metrics.values())


def test_class_ids_give_the_figures_of_names():
    names = ["accuracy", "f1", "macro_f1", "matthews_correlation"]
    by_id = compute_metrics(names, np.array(TARGETS, int), np.array(PREDICTIONS, int))
    assert by_id == compute_metrics(names, TARGETS, PREDICTIONS, positive_label="1")


def test_macro_f1_counts_every_class_alike():
    metrics = compute_metrics(["macro_f1"], ["a", "a", "b", "c"], ["a", "b", "b", "b"])
    # a: precision 1, recall 1/2; b: precision 1/3, recall 1; c: never predicted.
    assert metrics["macro_f1"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)


def test_matthews_of_three_classes_is_the_correlation_of_their_indicators():
    generator = np.random.default_rng(1)
    targets, predictions = generator.integers(3, size=50), generator.integers(3, size=50)
    indicators = [np.eye(3)[labels] for labels in (targets, predictions)]
    deviations = [values - values.mean(0) for values in indicators]
    expected = (deviations[0] * deviations[1]).sum() / np.sqrt(
        (deviations[0] ** 2).sum() * (deviations[1] ** 2).sum()
    )
    metrics = compute_metrics(["matthews_correlation"], targets, predictions)
    assert metrics["matthews_correlation"] == pytest.approx(expected)


def pearson_by_definition(x, y):
    x, y = x - np.mean(x), y - np.mean(y)
    return np.sum(x * y) / np.sqrt(np.sum(x * x) * np.sum(y * y))


def mean_ranks(values):
    """The place of each value, the mean of their places for equal ones."""
    return np.array([np.sum(values < value) + np.sum(values <= value) for value in values]) / 2


# Multiples of a quarter, so that there are ties and no differences too small for the definition.
SCORES = st.lists(st.tuples(st.integers(0, 20), st.integers(-20, 20)), min_size=2, max_size=30).map(
    lambda pairs: np.array(pairs).T / 4
)


@given(SCORES)
def test_correlations_follow_their_definitions(scores):
    targets, predictions = scores
    metrics = compute_metrics(["pearson", "spearman"], targets, predictions)
    if np.ptp(targets) == 0 or np.ptp(predictions) == 0:
        assert metrics == {"pearson": 0.0, "spearman": 0.0}
        return
    ranks = [mean_ranks(values) for values in scores]
    assert metrics["pearson"] == pytest.approx(pearson_by_definition(*scores), abs=1e-9)
    assert metrics["spearman"] == pytest.approx(pearson_by_definition(*ranks), abs=1e-9)


def f1_by_definition(targets, predictions, label):
    hits = np.sum((targets == label) & (predictions == label))
    return 2 * hits / max(np.sum(targets == label) + np.sum(predictions == label), 1)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_figures_of_classes_follow_their_definitions(pairs):
    targets, predictions = np.array(pairs).T
    metrics = compute_metrics(["accuracy", "macro_f1"], targets, predictions)
    labels = np.unique(pairs)
    f1s = [f1_by_definition(targets, predictions, label) for label in labels]
    assert metrics == pytest.approx(
        {"accuracy": np.mean(targets == predictions), "macro_f1": np.mean(f1s)}
    )
    counts = [[np.sum((targets == i) & (predictions == j)) for j in range(3)] for i in range(3)]
    np.testing.assert_array_equal(confusion_matrix(targets, predictions, [0, 1, 2]), counts)

    targets, predictions = (np.array(pairs).T == 1).astype(int)
    metrics = compute_metrics(["f1", "matthews_correlation"], targets, predictions)
    assert metrics["f1"] == pytest.approx(f1_by_definition(targets, predictions, 1))
    if np.ptp(targets) and np.ptp(predictions):
        correlation = pearson_by_definition(targets, predictions)
        assert metrics["matthews_correlation"] == pytest.approx(correlation)


@pytest.mark.parametrize(
    "predictions",
    [
        np.full(4, 2.5),
        np.full(4, 2.5, np.float16),
        # Differs in its last bits only.
        2.5 + np.array([0, 0, 0, 1e-15]),
    ],
)
def test_constant_predictions_have_a_defined_correlation(predictions):
    metrics = compute_metrics(["pearson", "spearman"], [1.0, 2.0, 3.0, 4.0], predictions)
    assert all(np.isfinite(list(metrics.values())))
    if np.ptp(predictions) == 0:
        assert metrics == {"pearson": 0.0, "spearman": 0.0}


def test_single_scores_have_a_defined_correlation():
    assert compute_metrics(["pearson", "spearman"], [1.0], [2.0]) == {"pearson": 0, "spearman": 0}


def test_half_precision_does_not_overflow():
    scores = np.linspace(0, 60000, 50, dtype=np.float16)
    assert compute_metrics(["pearson"], scores, scores)["pearson"] == pytest.approx(1)


@pytest.mark.parametrize("label", ["0", "1"])
def test_a_single_class_has_defined_figures(label):
    names = ["accuracy", "f1", "matthews_correlation"]
    metrics = compute_metrics(names, [label] * 3, [label] * 3, positive_label="1")
    assert metrics == {"accuracy": 1, "f1": float(label), "matthews_correlation": 0}


def test_confusion_matrix_has_targets_in_rows():
    matrix = confusion_matrix(["a", "a", "b"], ["b", "a", "b"], ["c", "b", "a"])
    np.testing.assert_array_equal(matrix, [[0, 0, 0], [0, 1, 0], [0, 1, 1]])


@pytest.mark.parametrize(
    ("names", "targets", "predictions", "message"),
    [
        (["f2"], [1], [1], "`names` must be among accuracy, .*f1. Received: 'f2'"),
        (["accuracy"], [1, 0], [1], r"of equal length.*\(2,\) and \(1,\)"),
        (["accuracy"], [], [], "not empty"),
        (["accuracy"], ["1"], [1], "both be text or both be numbers"),
        (["f1"], [0, 1, 2], [0, 1, 2], r"`f1` must be asked of two classes.*\[0, 1, 2\]"),
        (["f1"], ["a", "b"], ["a", "b"], "`f1` must be asked of two classes.*positive_label=1"),
        (["pearson"], [1.0, 2.0], [1.0, np.nan], "`predictions` must be finite"),
        (["spearman"], ["1", "2"], ["1", "2"], "`targets` must be finite numbers"),
    ],
)
def test_bad_arguments_are_refused(names, targets, predictions, message):
    with pytest.raises(ValueError, match=message):
        compute_metrics(names, targets, predictions)


def test_label_outside_of_the_matrix_is_refused():
    with pytest.raises(ValueError, match=r"`labels` must hold every label.*'c'"):
        confusion_matrix(["a", "c"], ["a", "a"], ["a", "b"])


def test_every_name_is_a_metric():
    for name in METRIC_NAMES:
        assert compute_metrics([name], [0, 1, 1, 0], [0, 1, 0, 0])[name] > 0
