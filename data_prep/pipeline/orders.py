"""Numbers that put all documents of a corpus in one order, whoever reads them.

An order is file, chunk and place in the chunk in one uint64, so that it sorts as the input reads
and tells which chunk to send a decision to.
"""

import numpy as np

_PLACE_BITS = 20
_CHUNK_BITS = 20
_FILE_BITS = 24

MAX_DOCUMENTS_PER_CHUNK = 1 << _PLACE_BITS
MAX_CHUNKS_PER_FILE = 1 << _CHUNK_BITS
MAX_FILES = 1 << _FILE_BITS


def chunk_key(file_number, chunk_number):
    """Returns the int that stands for one chunk of one file.

    Args:
        file_number: int, 0 to `MAX_FILES - 1`. In the order of all sources' files.
        chunk_number: int, 0 to `MAX_CHUNKS_PER_FILE - 1`. In the order of the file.

    Raises:
        ValueError: if a number does not fit.
    """
    if not 0 <= file_number < MAX_FILES:
        raise ValueError(
            f"At most {MAX_FILES} files can be prepared at once. "
            f"Received: file_number={file_number}. Join small files."
        )
    if not 0 <= chunk_number < MAX_CHUNKS_PER_FILE:
        raise ValueError(
            f"A file can have at most {MAX_CHUNKS_PER_FILE} chunks. "
            f"Received: chunk_number={chunk_number}. Split the file."
        )
    return file_number << _CHUNK_BITS | chunk_number


def document_orders(key, num_documents):
    """Returns the orders of a chunk's documents: uint64 `(num_documents,)`, rising."""
    return (np.uint64(key) << np.uint64(_PLACE_BITS)) + np.arange(num_documents, dtype=np.uint64)


def chunk_keys_of(orders):
    """Returns the chunk keys that orders belong to: uint64, of the shape of `orders`."""
    return np.asarray(orders, np.uint64) >> np.uint64(_PLACE_BITS)


def places_of(orders):
    """Returns the places of orders in their chunks: int64, of the shape of `orders`."""
    return (np.asarray(orders, np.uint64) & np.uint64(MAX_DOCUMENTS_PER_CHUNK - 1)).astype(np.int64)
