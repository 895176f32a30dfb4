"""From text to vocabularies and token shards."""
