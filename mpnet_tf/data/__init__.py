"""Vocabularies, token shards, packed rows and the input pipeline."""
