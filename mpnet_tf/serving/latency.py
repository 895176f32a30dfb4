"""How long a SavedModel takes to answer."""

import dataclasses
import statistics
import time

_MOST_CALLS = 20
_SECONDS = 3.0


@dataclasses.dataclass(frozen=True)
class Latency:
    """The time of one signature's answers.

    Args:
        signature: str.
        num_rows: int. Rows of a request.
        milliseconds: float. The median.
    """

    signature: str
    num_rows: int
    milliseconds: float


def measure_latency(signatures, loaded, *, batch_sizes=(1, 32)):
    """Asks each signature of a SavedModel its example and takes the time.

    Args:
        signatures: list of `Signature`.
        loaded: what `tf.saved_model.load` returns.
        batch_sizes: tuple of int.

    Returns:
        List of `Latency`.
    """
    return [
        Latency(signature.name, num_rows, _median(loaded.signatures[signature.name], rows))
        for signature in signatures
        for num_rows in batch_sizes
        for rows in [signature.example(num_rows)]
    ]


def _median(function, inputs):
    function(**inputs)
    times, begun = [], time.perf_counter()
    while len(times) < 3 or (len(times) < _MOST_CALLS and time.perf_counter() - begun < _SECONDS):
        start = time.perf_counter()
        for values in function(**inputs).values():
            values.numpy()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)
