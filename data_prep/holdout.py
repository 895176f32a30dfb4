"""Which documents are held out for evaluation, decided by their content alone."""

import hashlib

_HASH_BYTES = 8

# One more than the largest of `content_hash`.
HASH_LIMIT = 1 << 8 * _HASH_BYTES


def is_held_out(document, share):
    """Tells whether a document belongs to the held-out split.

    The decision is a hash of the text with its whitespace normalised, so it does not depend on
    where a document stands or on what else is read, and equal documents are never split.

    Args:
        document: str.
        share: float, 0 to 1. The expected share of documents held out. A document held out at
            one share is held out at every larger one.

    Returns:
        bool.

    Raises:
        ValueError: if `share` is out of range.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"`share` must be from 0 to 1. Received: share={share}")
    return content_hash(document) < share * HASH_LIMIT


def content_hash(document, purpose=b""):
    """Hashes a document's text with its whitespace normalised.

    Args:
        document: str.
        purpose: bytes, at most 16. Hashes for different purposes are independent; without one it
            is that of the held-out split.

    Returns:
        int, 0 to `HASH_LIMIT - 1`, each as likely as the others.
    """
    normalised = " ".join(document.split())
    digest = hashlib.blake2b(
        normalised.encode("utf-8"), digest_size=_HASH_BYTES, person=purpose
    ).digest()
    return int.from_bytes(digest, "big")
