"""The figures of several runs that differ in their seed alone."""

import statistics
from collections.abc import Mapping, Sequence


def figures_over_seeds(metrics: Sequence[Mapping[str, float]]) -> dict[str, dict]:
    """Takes each metric's mean and deviation over runs.

    Args:
        metrics: of each run, its metrics by their names; the same names in all.

    Returns:
        For each metric `mean`, `deviation` (the standard deviation of the sample, None of a single
        run) and `values` in the order of the runs.
    """
    figures = {}
    for name in metrics[0]:
        values = [run[name] for run in metrics]
        deviation = statistics.stdev(values) if len(values) > 1 else None
        figures[name] = {
            "mean": statistics.fmean(values),
            "deviation": deviation,
            "values": values,
        }
    return figures


def told(figure: Mapping) -> str:
    """Writes the mean and the deviation of a metric for readers."""
    if figure["deviation"] is None:
        return f"{figure['mean']:.4f}"
    return f"{figure['mean']:.4f} \u00b1 {figure['deviation']:.4f}"
