"""The side of a process that runs training steps for `pretraining_peers.py`."""

import json
import os
import resource
import sys
import time


def take_output():
    """Keeps what libraries print out of the answers; returns the file for these."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def serve_steps(step, answers):
    """Answers each number of steps read with a line of seconds and processor seconds.

    Args:
        step: function that runs one training step to its end.
        answers: the file of `take_output`.
    """
    for line in sys.stdin:
        processor, begin = _processor_seconds(), time.perf_counter()
        for _ in range(int(line)):
            step()
        seconds = [time.perf_counter() - begin, _processor_seconds() - processor]
        print(json.dumps(seconds), file=answers, flush=True)


def _processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
