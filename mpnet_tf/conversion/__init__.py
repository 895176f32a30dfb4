"""Checkpoints of other libraries, both ways: files and arrays, without any model."""
