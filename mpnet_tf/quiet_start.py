"""Keeping TensorFlow's start-up lines off the user's terminal."""

import contextlib
import os
import sys


@contextlib.contextmanager
def silenced_stderr():
    """Discards what is written to stderr in the block, by C++ code too.

    TensorFlow's C++ code writes some lines while it is imported whatever its log level.
    """
    sys.stderr.flush()
    with contextlib.ExitStack() as cleanup:
        stderr_copy = os.dup(2)
        cleanup.callback(os.close, stderr_copy)
        sink = os.open(os.devnull, os.O_WRONLY)
        cleanup.callback(os.close, sink)
        os.dup2(sink, 2)
        cleanup.callback(os.dup2, stderr_copy, 2)
        yield
