"""What a binary tells while it works."""

import sys


def announce(message):
    """Writes a line to stderr, at once."""
    print(message, file=sys.stderr, flush=True)
