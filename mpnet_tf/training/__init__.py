"""Pretraining: configs, the run, its evaluation, checkpoints and records."""
