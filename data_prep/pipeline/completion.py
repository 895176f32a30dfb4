"""The second look at documents: what repeats is taken out, and the rest becomes token ids."""

import dataclasses

import numpy as np

from data_prep.hashes import HASH_LIMIT, text_hash, text_hashes
from data_prep.holdout import are_held_out
from data_prep.pipeline.tally import StepTally
from mpnet_tf.data.shard_format import token_dtype

# For what copies of documents are hashed.
_COPIES = b"copies"


@dataclasses.dataclass(frozen=True)
class ChunkDrops:
    """What comparing all documents decided about those of a chunk.

    Args:
        duplicates: uint64 array. Orders of documents that repeat an earlier one.
        near_duplicates: uint64 array. Orders of documents that nearly repeat an earlier one.
        line_orders: uint64 array `(num_lines,)`. Documents with lines that repeat earlier ones.
        line_numbers: int64 array `(num_lines,)`. Which line of the document each is, from 0.
    """

    duplicates: np.ndarray
    near_duplicates: np.ndarray
    line_orders: np.ndarray
    line_numbers: np.ndarray


@dataclasses.dataclass(frozen=True)
class TokenizedChunk:
    """Some documents in order, tokenised.

    Args:
        key: int. The chunk's key.
        source: str. Name of the documents' source.
        token_ids: unsigned integer array `(num_tokens,)`, the documents' tokens end to end.
        lengths: int64 array `(num_documents,)`, tokens in each document, at least 1.
        text_bytes: int64 array `(num_documents,)`, UTF-8 bytes of each document's text.
        held_out: bool array `(num_documents,)`, True where the document is held out.
        num_kept: int. Documents of the chunk that are in it, each counted once.
        tallies: dict from step's name to `StepTally`.
    """

    key: int
    source: str
    token_ids: np.ndarray
    lengths: np.ndarray
    text_bytes: np.ndarray
    held_out: np.ndarray
    num_kept: int
    tallies: dict

    def counts(self, split):
        """Returns how many documents, tokens and bytes of text there are of a split."""
        chosen = self._chosen(split)
        return (
            int(np.count_nonzero(chosen)),
            int(self.lengths[chosen].sum()),
            int(self.text_bytes[chosen].sum()),
        )

    def of_split(self, split):
        """Returns the token ids, lengths and total text bytes of a split's documents."""
        chosen = self._chosen(split)
        return (
            self.token_ids[np.repeat(chosen, self.lengths)],
            self.lengths[chosen],
            int(self.text_bytes[chosen].sum()),
        )

    def _chosen(self, split):
        return self.held_out if split == "heldout" else ~self.held_out


class ChunkCompletion:
    """Makes token ids of what is left of chunks.

    Args:
        steps: `CorpusSteps`.
        tokenizer: callable from a string tensor `(num_documents,)` to a ragged tensor of ids,
            with a method `vocabulary_size`.
        heldout_share: float, 0 to 1. Share of documents to mark as held out.
        weights: dict from source's name to float: how many copies of its documents are wanted.

    Call arguments:
        chunk: `Chunk`, as `ChunkPreparation` left it.
        drops: `ChunkDrops`.

    Returns:
        `TokenizedChunk`.
    """

    def __init__(self, steps, tokenizer, *, heldout_share, weights):
        self._steps = steps
        self._tokenizer = tokenizer
        self._heldout_share = heldout_share
        self._weights = weights

    def __call__(self, chunk, drops=None):
        tallies = {}
        if drops is not None:
            chunk = self._drop(chunk, drops, tallies)
        copies = self._copies(chunk, tallies)
        return self._tokenize(chunk, copies, tallies)

    def _drop(self, chunk, drops, tallies):
        if self._steps.drop_duplicates:
            is_dropped = np.isin(chunk.orders, drops.duplicates)
            chunk = _drop_documents(chunk, is_dropped, "drop_duplicates", "duplicate", tallies)
        if self._steps.near_duplicates:
            is_dropped = np.isin(chunk.orders, drops.near_duplicates)
            chunk = _drop_documents(
                chunk, is_dropped, "drop_near_duplicates", "near_duplicate", tallies
            )
        if self._steps.repeated_lines:
            chunk = self._remove_lines(chunk, drops, tallies)
        return chunk

    def _remove_lines(self, chunk, drops, tallies):
        from data_prep.deduplication.lines import remove_lines

        settings = self._steps.repeated_lines
        texts = list(chunk.texts)
        hashes = None if chunk.hashes is None else chunk.hashes.copy()
        for place in np.flatnonzero(np.isin(chunk.orders, drops.line_orders)):
            lines = drops.line_numbers[drops.line_orders == chunk.orders[place]]
            texts[place] = remove_lines(texts[place], lines)
            if hashes is not None:
                hashes[place] = text_hash(texts[place])
        is_dropped = np.array(
            [
                now is not before and len(now.strip()) < settings.min_remaining_characters
                for now, before in zip(texts, chunk.texts, strict=True)
            ],
            bool,
        )
        tally = tallies["remove_repeated_lines"] = StepTally(documents_in=len(texts))
        tally.counts["lines_removed"] = len(drops.line_orders)
        tally.add_dropped("repeated_lines", np.flatnonzero(is_dropped).tolist(), chunk)
        chunk = dataclasses.replace(chunk, texts=texts, hashes=hashes)
        return chunk.select(np.flatnonzero(~is_dropped).tolist())

    def _copies(self, chunk, tallies):
        """Returns how many copies of each document are wanted; those of none are counted."""
        weight = self._weights[chunk.source]
        whole, part = divmod(weight, 1)
        copies = np.array(
            [int(whole) + (text_hash(text, _COPIES) < part * HASH_LIMIT) for text in chunk.texts]
            if part
            else [int(whole)] * len(chunk.texts),
            np.int64,
        )
        if any(other != 1 for other in self._weights.values()):
            tally = tallies["weigh_sources"] = StepTally(documents_in=len(chunk.texts))
            tally.add_dropped("mixture_weight", np.flatnonzero(copies == 0).tolist(), chunk)
        return copies

    def _tokenize(self, chunk, copies, tallies):
        # Imported here, so that a process that only plans or reads does not wait for TensorFlow.
        import tensorflow as tf

        wanted = np.flatnonzero(copies).tolist()
        chunk, copies = chunk.select(wanted), copies[wanted]
        texts = [text.encode("utf-8") for text in chunk.texts]
        tokens = self._tokenizer(tf.constant(texts, tf.string, shape=[len(texts)]))
        token_ids = tokens.flat_values.numpy().astype(
            token_dtype(self._tokenizer.vocabulary_size())
        )
        lengths = tokens.row_lengths().numpy().astype(np.int64)
        hashes = text_hashes(chunk.texts) if chunk.hashes is None else chunk.hashes
        held_out = are_held_out(hashes, self._heldout_share)
        text_bytes = np.array([len(text) for text in texts], np.int64)
        tally = tallies["tokenize"] = StepTally(documents_in=len(texts))
        tally.add_dropped("no_tokens", np.flatnonzero(lengths == 0).tolist(), chunk)
        # A document that is held out is evaluated once, however often others are seen.
        copies = np.where(held_out, 1, copies) * (lengths > 0)
        documents = np.repeat(np.arange(len(texts)), copies)
        return TokenizedChunk(
            key=chunk.key,
            source=chunk.source,
            token_ids=_repeat_documents(token_ids, lengths, documents),
            lengths=lengths[documents],
            text_bytes=text_bytes[documents],
            held_out=held_out[documents],
            num_kept=int(np.count_nonzero(lengths)),
            tallies=tallies,
        )


def _drop_documents(chunk, is_dropped, step, reason, tallies):
    """Returns the chunk without documents that a step drops, which it counts."""
    tally = tallies[step] = StepTally(documents_in=len(chunk.texts))
    tally.add_dropped(reason, np.flatnonzero(is_dropped).tolist(), chunk)
    return chunk.select(np.flatnonzero(~is_dropped).tolist())


def _repeat_documents(token_ids, lengths, documents):
    """Returns the tokens of documents, of which each may be wanted never or several times."""
    if len(documents) == len(lengths) and (np.diff(documents) == 1).all():
        return token_ids
    starts = np.cumsum(lengths) - lengths
    wanted = lengths[documents]
    # Where each token of the result stands in what there is.
    offsets = np.repeat(starts[documents] - (np.cumsum(wanted) - wanted), wanted)
    return token_ids[offsets + np.arange(wanted.sum())]
