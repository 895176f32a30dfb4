"""Judging documents by their text alone; each filter gives a reason to drop one, or None."""
