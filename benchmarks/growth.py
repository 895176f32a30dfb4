"""Time and memory of a training step as rows grow longer, beside the arithmetic of attention.

Prints a JSON line for each length: rows of it that make up the same number of tokens, each measured
in a process of its own by `memory_of_case.py`. Beside the shortest length, `time_growth` is that of
the time per token and `flops_growth` that of the multiplications and additions of all matrix
products, in which attention's share grows with the length. `memory_arithmetic` is what the
shortest took, with eight bytes for each further score of each layer: the weight of a key, before
and after dropout, is all that is kept for the backward pass. Ratios of 1 are the limit.

    python benchmarks/growth.py --model=base
"""

import json
import os
import subprocess
import sys

from absl import app, flags
from turns import rounded

_MODEL = flags.DEFINE_enum("model", "base", ["small", "base"], "Size of the model.")
_TOKENS = flags.DEFINE_integer("tokens", 2048, "Tokens in a batch.", lower_bound=1)
_LENGTHS = flags.DEFINE_multi_integer(
    "sequence_length", [128, 256, 512, 1024, 2048], "Tokens in a row, the shortest first."
)
_BYTES_PER_SCORE = 8
_CASE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "memory_of_case.py")


def main(argv):
    """Measures and prints."""
    del argv
    first = None
    for length in _LENGTHS.value:
        figures = _measure(length)
        first = first or figures
        time_growth = figures["step_seconds"] / first["step_seconds"]
        flops_growth = figures["gflops"] / first["gflops"]
        more_scores = figures["scores"] - first["scores"]
        arithmetic = first["peak_megabytes"] + more_scores * _BYTES_PER_SCORE / 1e6
        record = {
            **figures,
            "time_growth": rounded(time_growth),
            "flops_growth": rounded(flops_growth),
            "time_beside_flops": rounded(time_growth / flops_growth),
            "memory_arithmetic": round(arithmetic),
            "memory_beside_arithmetic": rounded(figures["peak_megabytes"] / arithmetic),
        }
        print(json.dumps(record), flush=True)


def _measure(length):
    case = {"model": _MODEL.value, "rows": _TOKENS.value // length, "sequence_length": length}
    command = [sys.executable, _CASE, json.dumps(case)]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(finished.stdout.splitlines()[-1])


if __name__ == "__main__":
    app.run(main)
