"""Processes that run training steps in turns: how one is told, and how it answers."""

import json
import os
import resource
import subprocess
import sys
import time

import numpy as np

_HERE = os.path.dirname(os.path.abspath(__file__))
_THREADS = {
    "OMP_NUM_THREADS": "2",
    "TF_NUM_INTRAOP_THREADS": "2",
    "TF_NUM_INTEROP_THREADS": "2",
    "KERAS_BACKEND": "tensorflow",
    "HF_HUB_OFFLINE": "1",
}


class StepProcess:
    """A process with two threads that runs steps when it is told to, and waits otherwise.

    Args:
        script: str. A file beside this one, which calls `serve_steps` with its step.
        case: dict. Its argument, as JSON.
    """

    def __init__(self, script, case):
        self._process = subprocess.Popen(
            [sys.executable, os.path.join(_HERE, script), json.dumps(case)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **_THREADS},
        )
        # Two steps, of which the first compiles.
        self.steps(2)

    def steps(self, number):
        """Runs steps; returns seconds, processor seconds and tokens of one, each the mean."""
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        return np.divide(json.loads(self._process.stdout.readline()), number)

    def close(self):
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()


def take_output():
    """Keeps what libraries print out of the answers; returns the file for these."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def serve_steps(step, answers):
    """Answers each number of steps read with a line of seconds, processor seconds and tokens.

    Args:
        step: function that runs one training step to its end, and returns how many text tokens it
            trained on.
        answers: the file of `take_output`.
    """
    for line in sys.stdin:
        processor, begin = _processor_seconds(), time.perf_counter()
        tokens = sum(step() for _ in range(int(line)))
        seconds = [time.perf_counter() - begin, _processor_seconds() - processor]
        print(json.dumps([*seconds, tokens]), file=answers, flush=True)


def _processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
