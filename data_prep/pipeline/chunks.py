"""Chunks of documents: what engines hand from step to step and from process to process."""

import dataclasses

import numpy as np

from data_prep.pipeline.orders import MAX_DOCUMENTS_PER_CHUNK, chunk_key, document_orders

# Long enough that the cost of handing a chunk over does not count, short enough that a few
# chunks for each worker take little memory.
CHARACTERS_PER_CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Some documents of one file, in order.

    Args:
        key: int. Stands for the chunk in the whole corpus (see `orders.chunk_key`).
        source: str. Name of the source that the file belongs to.
        file_name: str. Base name of the file.
        markup: str, `"plain"`, `"html"` or `"wikitext"`: what the texts still carry.
        orders: uint64 array `(num_documents,)`, rising.
        numbers: int64 array `(num_documents,)`. Which document of the file each is, from 0.
        texts: list of str, `num_documents`.
        hashes: uint64 array `(num_documents,)`, `hashes.text_hashes` of the texts, or None where
            no step needed them so far.
    """

    key: int
    source: str
    file_name: str
    markup: str
    orders: np.ndarray
    numbers: np.ndarray
    texts: list[str]
    hashes: np.ndarray | None = None

    def select(self, places, texts=None):
        """Returns the chunk of the documents at `places`, a rising list of int.

        Args:
            places: list of int. Indices of the documents that stay.
            texts: list of str or None. What all documents' texts became, and then their hashes are
                not known; None for as they are.
        """
        hashes = self.hashes[places] if texts is None and self.hashes is not None else None
        texts = self.texts if texts is None else texts
        return dataclasses.replace(
            self,
            orders=self.orders[places],
            numbers=self.numbers[places],
            texts=[texts[place] for place in places],
            hashes=hashes,
        )


def split_into_chunks(documents, *, file_number, source, file_name, markup):
    """Yields the documents of one file as chunks.

    Args:
        documents: iterable of str. All documents of the file.
        file_number: int. The file's number among those of all sources.
        source: str. Name of the file's source.
        file_name: str. Base name of the file.
        markup: str. What the texts carry.

    Yields:
        `Chunk`.
    """
    texts, num_characters, num_chunks, num_documents = [], 0, 0, 0

    def make_chunk():
        key = chunk_key(file_number, num_chunks)
        return Chunk(
            key=key,
            source=source,
            file_name=file_name,
            markup=markup,
            orders=document_orders(key, len(texts)),
            numbers=np.arange(num_documents, num_documents + len(texts), dtype=np.int64),
            texts=texts,
        )

    for text in documents:
        texts.append(text)
        num_characters += len(text)
        if num_characters >= CHARACTERS_PER_CHUNK or len(texts) == MAX_DOCUMENTS_PER_CHUNK:
            yield make_chunk()
            num_chunks, num_documents = num_chunks + 1, num_documents + len(texts)
            texts, num_characters = [], 0
    if texts:
        yield make_chunk()
