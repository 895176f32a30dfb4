"""Turning documents into token ids, chunk by chunk, in this process or in several."""

import collections
import concurrent.futures
import dataclasses
import functools
import multiprocessing
import pickle

import numpy as np

from data_prep.holdout import is_held_out
from mpnet_tf.data.shard_format import token_dtype
from mpnet_tf.quiet_start import silenced_stderr

# Long enough that the cost of handing a chunk over does not count, short enough that a few
# chunks for each worker take little memory.
_CHUNK_CHARACTERS = 1 << 20
_CHUNKS_IN_FLIGHT_PER_WORKER = 3


@dataclasses.dataclass(frozen=True)
class TokenizedChunk:
    """Some documents in order, tokenised.

    Args:
        token_ids: unsigned integer array `(num_tokens,)`, the documents' tokens end to end.
        lengths: int64 array `(num_documents,)`, tokens in each document, perhaps 0.
        text_bytes: int64 array `(num_documents,)`, UTF-8 bytes of each document's text.
        held_out: bool array `(num_documents,)`, True where the document is held out.
    """

    token_ids: np.ndarray
    lengths: np.ndarray
    text_bytes: np.ndarray
    held_out: np.ndarray


def tokenize_documents(documents, tokenizer, *, heldout_share):
    """Tokenises documents in this process.

    Args:
        documents: iterable of str.
        tokenizer: callable from a string tensor `(num_documents,)` to a ragged tensor of ids,
            with a method `vocabulary_size`.
        heldout_share: float, 0 to 1. Share of documents to mark as held out.

    Yields:
        `TokenizedChunk`, all documents in order.
    """
    for chunk in _chunk(documents):
        yield _tokenize_chunk(chunk, tokenizer, heldout_share=heldout_share)


def tokenize_documents_in_workers(
    documents, tokenizer_class, *, preset, heldout_share, num_workers
):
    """Tokenises documents in processes of their own; yields what `tokenize_documents` does.

    Args:
        documents: iterable of str, read as fast as the workers take them.
        tokenizer_class: class of the tokenizer, importable by its name.
        preset: str. A directory that the tokenizer was saved to.
        heldout_share: float, 0 to 1.
        num_workers: int, at least 1.

    Yields:
        `TokenizedChunk`, all documents in order.

    Raises:
        OSError: if a worker process dies.
    """
    pool = concurrent.futures.ProcessPoolExecutor(
        num_workers,
        # A forked process cannot use the TensorFlow that its parent has started.
        mp_context=multiprocessing.get_context("spawn"),
    )
    # As bytes, so that the worker decides when the class's module, and TensorFlow, is imported.
    pickled_class = pickle.dumps(tokenizer_class)
    pending = collections.deque()
    try:
        for chunk in _chunk(documents):
            pending.append(
                pool.submit(
                    _tokenize_in_worker,
                    chunk,
                    pickled_class=pickled_class,
                    preset=preset,
                    heldout_share=heldout_share,
                )
            )
            if len(pending) > num_workers * _CHUNKS_IN_FLIGHT_PER_WORKER:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except concurrent.futures.process.BrokenProcessPool:
        raise OSError(
            "A worker process that tokenises died, perhaps for want of memory; start again with "
            "fewer workers."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _chunk(documents):
    chunk, num_characters = [], 0
    for document in documents:
        chunk.append(document)
        num_characters += len(document)
        if num_characters >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, num_characters = [], 0
    if chunk:
        yield chunk


def _tokenize_chunk(documents, tokenizer, *, heldout_share):
    # Imported here, so that a process that only plans or reads does not wait for TensorFlow.
    import tensorflow as tf

    texts = [document.encode("utf-8") for document in documents]
    tokens = tokenizer(tf.constant(texts))
    return TokenizedChunk(
        token_ids=tokens.flat_values.numpy().astype(token_dtype(tokenizer.vocabulary_size())),
        lengths=tokens.row_lengths().numpy().astype(np.int64),
        text_bytes=np.array([len(text) for text in texts], np.int64),
        held_out=np.array([is_held_out(document, heldout_share) for document in documents]),
    )


def _tokenize_in_worker(documents, *, pickled_class, preset, heldout_share):
    tokenizer = _load_tokenizer_in_worker(pickled_class, preset)
    return _tokenize_chunk(documents, tokenizer, heldout_share=heldout_share)


@functools.cache
def _load_tokenizer_in_worker(pickled_class, preset):
    """Loads the tokenizer on a worker's first chunk and keeps it for the others."""
    with silenced_stderr():
        import tensorflow as tf

        # Each worker is one of several on this machine: one thread, and no accelerator's memory.
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.set_visible_devices([], "GPU")
        return pickle.loads(pickled_class).from_preset(preset)
