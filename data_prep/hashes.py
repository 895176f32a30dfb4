"""Hashes that are the same in every process, of texts and of numbers."""

import hashlib

import numpy as np

HASH_BITS = 64


def text_hash(text):
    """Hashes a text with its whitespace normalised.

    Args:
        text: str.

    Returns:
        int, 0 to 2**64 - 1.
    """
    normalised = " ".join(text.split())
    digest = hashlib.blake2b(normalised.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def text_hashes(texts):
    """Returns the `text_hash` of each of an iterable of str: a uint64 array."""
    return np.fromiter(map(text_hash, texts), np.uint64)


def mixed_bits(values):
    """Returns numbers of which every bit depends on all bits of the given ones.

    Args:
        values: uint64 array.

    Returns:
        uint64 array of the same shape; different numbers stay different.

    References:
        - SplitMix64's last steps, https://doi.org/10.1145/2660193.2660195
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
