"""The first look at documents, one by one: cleaned, filtered, and fingerprinted for comparing."""

import dataclasses

import numpy as np

from data_prep.cleaning.clean import clean_texts
from data_prep.contamination import ContaminationIndex
from data_prep.deduplication.lines import line_digests
from data_prep.deduplication.near import signatures
from data_prep.filters.document_filter import DocumentFilter
from data_prep.hashes import text_hashes
from data_prep.pipeline.chunks import Chunk
from data_prep.pipeline.tally import StepTally
from data_prep.sentences import one_sentence_a_line
from data_prep.word_table import WordTable


@dataclasses.dataclass(frozen=True)
class Fingerprints:
    """What stands for the documents of a chunk where all documents are compared.

    Args:
        orders: uint64 array `(num_documents,)`. The documents' orders, rising.
        digests: uint64 array `(num_documents,)`, or None where repeats are allowed.
        signatures: uint32 array `(num_documents, num_permutations)`, or None.
        line_digests: uint64 array `(num_lines,)`, or None.
        line_orders: uint64 array `(num_lines,)`. The documents that the lines stand in, or None.
        line_numbers: int64 array `(num_lines,)`. Which line of its document each is, or None.
    """

    orders: np.ndarray
    digests: np.ndarray | None = None
    signatures: np.ndarray | None = None
    line_digests: np.ndarray | None = None
    line_orders: np.ndarray | None = None
    line_numbers: np.ndarray | None = None

    def without(self, dropped):
        """Returns the fingerprints without those of the documents in `dropped`, uint64."""
        is_left = ~np.isin(self.orders, dropped)
        left = {"orders": self.orders[is_left]}
        for name in ("digests", "signatures"):
            column = getattr(self, name)
            left[name] = None if column is None else column[is_left]
        if self.line_digests is not None:
            lines_left = ~np.isin(self.line_orders, dropped)
            for name in ("line_digests", "line_orders", "line_numbers"):
                left[name] = getattr(self, name)[lines_left]
        return Fingerprints(**left)

    def signatures_of(self, orders):
        """Returns the signatures of documents, uint32 `(len(orders), num_permutations)`."""
        return self.signatures[np.searchsorted(self.orders, orders)]


@dataclasses.dataclass(frozen=True)
class PreparedChunk:
    """What is left of a chunk.

    Args:
        chunk: `Chunk` of the documents that stay, plain text.
        fingerprints: `Fingerprints` of them.
        tallies: dict from step's name to `StepTally`; `read` counts all documents.
    """

    chunk: Chunk
    fingerprints: Fingerprints
    tallies: dict[str, StepTally]


class ChunkPreparation:
    """Cleans, filters and fingerprints the documents of chunks.

    Args:
        steps: `CorpusSteps`.

    Call arguments:
        chunk: `Chunk`.

    Returns:
        `PreparedChunk`.
    """

    def __init__(self, steps):
        self._steps = steps
        self._filter = DocumentFilter(steps) if steps.filter else None
        self._contamination = None
        if steps.contamination is not None:
            self._contamination = ContaminationIndex.of_files(steps.contamination)

    def __call__(self, chunk):
        steps = self._steps
        tallies = {"read": StepTally(documents_in=len(chunk.texts))}
        if steps.cleaning is not None:
            cleaned = clean_texts(chunk.texts, steps.cleaning, markup=chunk.markup)
            chunk, _ = self._take("clean", chunk, cleaned.reasons, tallies, texts=cleaned.texts)
            tallies["clean"].counts.update(cleaned.counts)
        if steps.sentences is not None:
            texts = one_sentence_a_line(chunk.texts, steps.sentences)
            reasons = [None] * len(texts)
            chunk, _ = self._take("split_sentences", chunk, reasons, tallies, texts=texts)
        words = None
        if self._filter or self._contamination or steps.near_duplicates:
            words = WordTable.of(chunk.texts)
        if self._filter:
            reasons = self._filter.reasons(chunk.texts, words)
            chunk, words = self._take("filter", chunk, reasons, tallies, words=words)
        if self._contamination:
            is_contaminated = self._contamination.contaminated(words)
            reasons = ["contaminated" if found else None for found in is_contaminated]
            chunk, words = self._take("decontaminate", chunk, reasons, tallies, words=words)
        if steps.drop_duplicates:
            chunk = dataclasses.replace(chunk, hashes=text_hashes(chunk.texts))
        return PreparedChunk(chunk, self._fingerprints(chunk, words), tallies)

    def _take(self, step, chunk, reasons, tallies, *, texts=None, words=None):
        """Returns a chunk, and its words, without the documents that a step has a reason to drop.

        The examples that are kept show documents as they came to the step.
        """
        tally = tallies[step] = StepTally(documents_in=len(reasons))
        for reason in sorted({reason for reason in reasons if reason is not None}):
            places = [place for place, other in enumerate(reasons) if other == reason]
            tally.add_dropped(reason, places, chunk)
        left = [place for place, reason in enumerate(reasons) if reason is None]
        if len(left) < len(reasons) and words is not None:
            words = words.select(left)
        return chunk.select(left, texts), words

    def _fingerprints(self, chunk, words):
        steps = self._steps
        found = {"orders": chunk.orders}
        if steps.drop_duplicates:
            found["digests"] = chunk.hashes
        if steps.near_duplicates is not None:
            found["signatures"] = signatures(words, steps.near_duplicates)
        if steps.repeated_lines is not None:
            digests, documents, numbers = line_digests(chunk.texts, steps.repeated_lines)
            found["line_digests"] = digests
            found["line_orders"] = chunk.orders[documents]
            found["line_numbers"] = numbers
        return Fingerprints(**found)
