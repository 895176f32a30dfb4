"""Samples of documents for training vocabularies, chosen by the documents' content alone.

The choice does not depend on the order of the documents or on what else is read, and has nothing
to do with which documents are held out.
"""

import heapq

from data_prep.hashes import HASH_LIMIT, text_hash

_PURPOSE = b"vocabulary"


class DocumentSample:
    """Iterates once over a share of documents, those of the lowest hashes, and counts them.

    Args:
        documents: iterable of str.
        share: float, above 0 and at most 1. The expected share of documents taken. A document
            taken at one share is taken at every larger one; equal ones are taken together.

    Attributes:
        num_read: int. Documents met so far.
        num_taken: int. Those of them that were taken.

    Raises:
        ValueError: if `share` is out of range; after the last document, if none was taken.
    """

    def __init__(self, documents, share):
        if not 0 < share <= 1:
            raise ValueError(f"`share` must be above 0 and at most 1. Received: share={share}")
        self._documents = documents
        self._share = share
        self.num_read = 0
        self.num_taken = 0

    def __iter__(self):
        limit = self._share * HASH_LIMIT
        for document in self._documents:
            self.num_read += 1
            if self._share == 1 or text_hash(document, _PURPOSE) < limit:
                self.num_taken += 1
                yield document
        if self.num_read and not self.num_taken:
            raise ValueError(
                f"A sample of {self._share:g} holds none of the {self.num_read} documents. "
                "Take a larger share."
            )


def lowest_documents(documents, max_characters):
    """Returns the documents of the lowest hashes, as many as it takes for a length of text.

    Never more than that, and one document more, are in memory.

    Args:
        documents: iterable of str.
        max_characters: int, at least 1.

    Returns:
        List of str in the order of their hashes: all documents where they are no longer than
        `max_characters` together, and otherwise the fewest that reach it.
    """
    # Negative, because the document of the highest hash is the first to go.
    kept = []
    num_characters = 0
    for document in documents:
        heapq.heappush(kept, (-text_hash(document, _PURPOSE), document))
        num_characters += len(document)
        while num_characters - len(kept[0][1]) >= max_characters:
            num_characters -= len(heapq.heappop(kept)[1])
    return [document for _, document in sorted(kept, reverse=True)]
