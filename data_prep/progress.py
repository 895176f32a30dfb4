"""How far preparing has come, shown on stderr."""

import sys
import time

import rich.console
import rich.progress


class PreparationProgress:
    """Shows the documents and tokens written so far; a context manager.

    On a terminal a line is kept up to date; elsewhere one line is printed at the end, so that
    logs stay short.
    """

    def __init__(self):
        self._num_documents = 0
        self._num_tokens = 0
        self._bar = None

    def __enter__(self):
        self._start_seconds = time.monotonic()
        console = rich.console.Console(stderr=True)
        if console.is_terminal:
            self._bar = rich.progress.Progress(
                rich.progress.SpinnerColumn(),
                rich.progress.TextColumn("{task.description}"),
                rich.progress.TimeElapsedColumn(),
                console=console,
            )
            self._bar.start()
            self._task = self._bar.add_task(self._describe(), total=None)
        return self

    def advance(self, *, num_documents, num_tokens):
        """Adds to the counts shown."""
        self._num_documents += num_documents
        self._num_tokens += num_tokens
        if self._bar:
            self._bar.update(self._task, description=self._describe())

    def __exit__(self, error_type, error, traceback):
        if self._bar:
            self._bar.stop()
        elif error_type is None:
            seconds = time.monotonic() - self._start_seconds
            print(f"{self._describe()} in {seconds:.1f} s", file=sys.stderr, flush=True)

    def _describe(self):
        return f"prepared {self._num_documents:,} documents, {self._num_tokens:,} tokens"
