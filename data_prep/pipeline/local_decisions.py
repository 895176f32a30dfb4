"""Which documents and lines repeat earlier ones, decided from fingerprints on the local disk."""

import os

import numpy as np

from data_prep.deduplication import lines, near
from data_prep.deduplication.documents import repeated
from data_prep.pipeline.bucket_files import BucketFiles
from data_prep.pipeline.completion import ChunkDrops
from data_prep.pipeline.orders import MAX_DOCUMENTS_PER_CHUNK, document_orders

# So many that a bucket of a terabyte's documents still fits memory, and few enough files to have
# open at once.
_NUM_BUCKETS = 128
_SIGNATURES_PER_READ = 1 << 14

_DOCUMENT_DTYPE = np.dtype([("digest", "<u8"), ("order", "<u8")])
_BAND_DTYPE = np.dtype([("key", "<u8"), ("order", "<u8")])
_LINE_DTYPE = np.dtype([("digest", "<u8"), ("order", "<u8"), ("number", "<i8")])


class LocalDecisions:
    """Collects the fingerprints of a corpus, then decides, a bucket at a time.

    In memory are the orders of what is dropped: 8 bytes a document, 16 a line.

    Args:
        directory: str. Where fingerprints lie meanwhile.
        steps: `CorpusSteps`.
    """

    def __init__(self, directory, steps):
        self._directory = directory
        self._steps = steps
        self._documents = self._buckets("documents", _DOCUMENT_DTYPE, "digest")
        self._lines = self._buckets("lines", _LINE_DTYPE, "digest")
        self._orders_file = open(os.path.join(directory, "orders"), "xb")  # noqa: SIM115
        self._signatures_file = open(os.path.join(directory, "signatures"), "xb")  # noqa: SIM115

    def add(self, fingerprints):
        """Adds the `Fingerprints` of a chunk; chunks come in order."""
        if fingerprints.digests is not None:
            self._documents.append(
                _records(_DOCUMENT_DTYPE, fingerprints.digests, fingerprints.orders)
            )
        if fingerprints.signatures is not None:
            self._orders_file.write(fingerprints.orders)
            self._signatures_file.write(fingerprints.signatures)
        if fingerprints.line_digests is not None:
            self._lines.append(
                _records(
                    _LINE_DTYPE,
                    fingerprints.line_digests,
                    fingerprints.line_orders,
                    fingerprints.line_numbers,
                )
            )

    def decide(self):
        """Decides on everything; after it, `drops` tells what."""
        self.close()
        found = [
            repeated(records["digest"], records["order"]) for records in self._documents.read()
        ]
        self._duplicates = _sorted_orders(found)
        self._near_duplicates = self._decide_near_duplicates()
        dropped = np.union1d(self._duplicates, self._near_duplicates)
        found = []
        for records in self._lines.read():
            records = records[~np.isin(records["order"], dropped)]
            found.append(records[lines.repeated_lines(*_columns(records))])
        repeats = np.concatenate([np.zeros(0, _LINE_DTYPE), *found])
        self._repeated_lines = repeats[np.lexsort((repeats["number"], repeats["order"]))]

    def drops(self, key):
        """Returns the `ChunkDrops` of the chunk of a key."""
        first = document_orders(key, 1)[0]
        end = first + np.uint64(MAX_DOCUMENTS_PER_CHUNK)
        start, stop = np.searchsorted(self._repeated_lines["order"], [first, end])
        repeats = self._repeated_lines[start:stop]
        return ChunkDrops(
            duplicates=_between(self._duplicates, first, end),
            near_duplicates=_between(self._near_duplicates, first, end),
            line_orders=repeats["order"],
            line_numbers=repeats["number"],
        )

    def close(self):
        """Closes all files; safe to call again."""
        for file in (self._documents, self._lines, self._orders_file, self._signatures_file):
            file.close()

    def _buckets(self, name, dtype, key):
        return BucketFiles(
            os.path.join(self._directory, name), dtype, key=key, num_buckets=_NUM_BUCKETS
        )

    def _decide_near_duplicates(self):
        settings = self._steps.near_duplicates
        if settings is None:
            return _sorted_orders([])
        orders, signatures = self._map_signatures(settings.num_permutations)
        bands = self._buckets("bands", _BAND_DTYPE, "key")
        for start in range(0, len(orders), _SIGNATURES_PER_READ):
            block = slice(start, start + _SIGNATURES_PER_READ)
            is_left = ~np.isin(orders[block], self._duplicates)
            # (num_documents, num_bands)
            keys = near.band_keys(signatures[block][is_left], settings)
            owners = np.repeat(orders[block][is_left], keys.shape[1])
            bands.append(_records(_BAND_DTYPE, keys.reshape(-1), owners))
        found = []
        for records in bands.read():
            lower, higher = near.candidate_pairs(records["key"], records["order"])
            is_near = near.are_near(
                signatures[np.searchsorted(orders, lower)],
                signatures[np.searchsorted(orders, higher)],
                settings.threshold,
            )
            found.append(higher[is_near])
        return _sorted_orders(found)

    def _map_signatures(self, num_permutations):
        """Returns the orders and, on disk, the signatures of all documents."""
        orders = np.fromfile(self._orders_file.name, np.uint64)
        if not len(orders):
            return orders, np.zeros((0, num_permutations), np.uint32)
        signatures = np.memmap(
            self._signatures_file.name, np.uint32, "r", shape=(len(orders), num_permutations)
        )
        return orders, signatures


def _records(dtype, *columns):
    records = np.empty(len(columns[0]), dtype)
    for name, column in zip(dtype.names, columns, strict=True):
        records[name] = column
    return records


def _columns(records):
    return [records[name] for name in records.dtype.names]


def _sorted_orders(found):
    """Returns each order in lists of arrays once, rising."""
    return np.unique(np.concatenate([np.zeros(0, np.uint64), *found]))


def _between(values, first, end):
    start, stop = np.searchsorted(values, [first, end])
    return values[start:stop]
