"""Preparing a corpus on this machine, in one process or several, with bounded memory."""

import contextlib
import functools
import os
import pickle
import shutil

from data_prep.pipeline.completion import ChunkCompletion
from data_prep.pipeline.local_decisions import LocalDecisions
from data_prep.pipeline.ordered_pool import map_in_order
from data_prep.pipeline.preparation import ChunkPreparation
from data_prep.pipeline.tally import add_tallies
from data_prep.tokenizer_files import TokenizerFiles

# Starting workers that tokenise takes some 8 seconds, in which one process alone prepares 64 MB or
# more: less text than this is not worth them.
_MIN_BYTES_FOR_TOKENIZING_WORKERS = 128 << 20
# Workers that do not need TensorFlow start in a second.
_MIN_BYTES_FOR_PREPARING_WORKERS = 8 << 20
_SPOOL_DIRECTORY = "spool"


def tokenized_chunks(
    chunks, steps, tokenizer, *, heldout_share, weights, num_workers, size_bytes, directory
):
    """Yields what becomes of chunks, in order.

    Where documents are compared with each other, everything is read before anything is yielded:
    texts wait on disk, and so do the fingerprints that are compared, a bucket at a time.

    Args:
        chunks: iterable of `Chunk`, read as fast as they are prepared.
        steps: `CorpusSteps`.
        tokenizer: `MPNetTokenizer`, or one with its interface.
        heldout_share: float, 0 to 1.
        weights: dict from source's name to float.
        num_workers: int, at least 1.
        size_bytes: int. Size of the input, which decides whether workers are worth their start.
        directory: str. Where files may lie meanwhile.

    Yields:
        `TokenizedChunk`, with the tallies of all steps.
    """
    num_tokenizing = num_workers if size_bytes >= _MIN_BYTES_FOR_TOKENIZING_WORKERS else 1
    make_tokenizer = (
        functools.partial(_same, tokenizer)
        if num_tokenizing == 1
        else TokenizerFiles.of(tokenizer).load_in_worker
    )
    complete = functools.partial(
        _Completion, steps, make_tokenizer, heldout_share=heldout_share, weights=weights
    )
    if not steps.compare_documents:
        make = functools.partial(_PreparationAndCompletion, steps, complete)
        yield from map_in_order(make, chunks, num_workers=num_tokenizing)
        return
    num_preparing = num_workers if size_bytes >= _MIN_BYTES_FOR_PREPARING_WORKERS else 1
    spool = os.path.join(directory, _SPOOL_DIRECTORY)
    os.mkdir(spool)
    with contextlib.closing(LocalDecisions(spool, steps)) as decisions:
        texts = os.path.join(spool, "texts")
        preparing = map_in_order(
            functools.partial(_Preparation, steps), chunks, num_workers=num_preparing
        )
        with contextlib.closing(preparing), open(texts, "xb") as file:
            for pickled_chunk, fingerprints in preparing:
                decisions.add(fingerprints)
                file.write(pickled_chunk)
        decisions.decide()
        completing = map_in_order(
            complete, _spooled_chunks(texts, decisions), num_workers=num_tokenizing
        )
        with contextlib.closing(completing):
            yield from completing
    shutil.rmtree(spool)


def _same(tokenizer):
    return tokenizer


def _spooled_chunks(path, decisions):
    with open(path, "rb") as file:
        while True:
            try:
                chunk, tallies = pickle.load(file)
            except EOFError:
                return
            yield chunk, decisions.drops(chunk.key), tallies


class _Preparation:
    """Prepares a chunk for the spool: as bytes, which are written as they are."""

    def __init__(self, steps):
        self._prepare = ChunkPreparation(steps)

    def __call__(self, chunk):
        prepared = self._prepare(chunk)
        pickled = pickle.dumps((prepared.chunk, prepared.tallies), pickle.HIGHEST_PROTOCOL)
        return pickled, prepared.fingerprints


class _Completion:
    """Completes chunks of the spool with the tokenizer of this process."""

    def __init__(self, steps, make_tokenizer, *, heldout_share, weights):
        self._complete = ChunkCompletion(
            steps, make_tokenizer(), heldout_share=heldout_share, weights=weights
        )

    def __call__(self, spooled):
        chunk, drops, tallies = spooled
        tokenized = self._complete(chunk, drops)
        add_tallies(tokenized.tallies, tallies)
        return tokenized


class _PreparationAndCompletion:
    """Does both at once, where no documents are compared."""

    def __init__(self, steps, make_completion):
        self._prepare = ChunkPreparation(steps)
        self._complete = make_completion()

    def __call__(self, chunk):
        prepared = self._prepare(chunk)
        return self._complete((prepared.chunk, None, prepared.tallies))
