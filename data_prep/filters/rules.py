"""Thresholds on figures of documents, and which of them a document breaks first."""

import numpy as np


def below(values, smallest):
    """Tells where figures are below a threshold.

    Args:
        values: number array `(num_documents,)`.
        smallest: number, or None for a rule that is left out.

    Returns:
        bool array `(num_documents,)`.
    """
    return np.zeros(len(values), bool) if smallest is None else values < smallest


def above(values, largest):
    """Tells where figures are above a threshold, likewise."""
    return np.zeros(len(values), bool) if largest is None else values > largest


def first_reasons(broken, num_documents):
    """Lists the first rule that each document breaks.

    Args:
        broken: iterable of pairs of a rule's name and a bool array `(num_documents,)`, True where
            it is broken.
        num_documents: int.

    Returns:
        List of str or None.
    """
    reasons = [None] * num_documents
    for reason, breaks in broken:
        for place in np.flatnonzero(breaks):
            reasons[place] = reasons[place] or reason
    return reasons


def check_range(settings, names, *, smallest, largest=None):
    """Checks that settings are in range; None is, too.

    Args:
        settings: a dataclass.
        names: iterable of str. Its fields to check.
        smallest: number.
        largest: number, or None for no limit.

    Raises:
        ValueError: naming the first field that is out of range.
    """
    limits = f"at least {smallest}" if largest is None else f"from {smallest} to {largest}"
    for name in names:
        value = getattr(settings, name)
        is_high = largest is not None and value is not None and value > largest
        if value is not None and (value < smallest or is_high):
            raise ValueError(f"`{name}` must be {limits}, or None. Received: {name}={value}")
