"""Hashes that are the same in every process, of texts and of numbers."""

import hashlib

import numpy as np

# One more than the largest hash.
HASH_LIMIT = 1 << 64

# Slots of a set's first test for each number in it: few others get past it, and it fits a cache.
_SLOTS_PER_HASH = 16
_MIN_SLOT_BITS = 16

# What `str.split` takes for whitespace in ASCII, each as a space.
_AS_SPACES = bytes(ord(" ") if chr(code).isspace() else code for code in range(256))


def text_hash(text, purpose=b""):
    """Hashes a text with its whitespace normalised.

    Args:
        text: str.
        purpose: bytes, at most 16. Hashes for different purposes are independent. Without one it
            is that by which documents are held out and compared.

    Returns:
        int, 0 to `HASH_LIMIT - 1`, each as likely as the others.
    """
    digest = hashlib.blake2b(_normalised(text), digest_size=8, person=purpose).digest()
    return int.from_bytes(digest, "big")


def _normalised(text):
    """Returns the UTF-8 of a text with each run of whitespace as a space, and none at its ends."""
    if not text.isascii():
        return " ".join(text.split()).encode("utf-8", "surrogatepass")
    data = text.encode("ascii").translate(_AS_SPACES).strip()
    # Cutting and joining takes ten times as long, and few texts need it.
    return b" ".join(data.split()) if b"  " in data else data


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


class HashSet:
    """A set in which many hashes are looked up at once.

    Args:
        hashes: uint64 array, of which every bit is as good as random; may repeat.
    """

    def __init__(self, hashes):
        self._hashes = np.unique(hashes)
        slots = max(1 << _MIN_SLOT_BITS, _SLOTS_PER_HASH * len(self._hashes))
        self._shift = np.uint64(64 - (slots - 1).bit_length())
        self._is_taken = np.zeros(1 << (64 - int(self._shift)), bool)
        self._is_taken[self._hashes >> self._shift] = True

    def __len__(self):
        return len(self._hashes)

    def has(self, hashes):
        """Tells which hashes are in the set.

        Args:
            hashes: uint64 array `(num_hashes,)`.

        Returns:
            bool array `(num_hashes,)`.
        """
        found = self._is_taken[hashes >> self._shift]
        places = np.flatnonzero(found)
        nearest = np.searchsorted(self._hashes, hashes[places])
        nearest = np.minimum(nearest, len(self._hashes) - 1)
        found[places] = self._hashes[nearest] == hashes[places]
        return found
