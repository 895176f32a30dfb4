"""Which documents and lines repeat earlier ones, decided by Beam from fingerprints.

Records meet in buckets by a hash, as arrays: an element for each document would cost more than
what is decided on it.
"""

import apache_beam as beam
import numpy as np

from data_prep.deduplication import lines, near
from data_prep.deduplication.documents import repeated
from data_prep.pipeline.bucket_files import bucket_of
from data_prep.pipeline.completion import ChunkDrops
from data_prep.pipeline.orders import chunk_keys_of

_BYTES_PER_BUCKET = 64 << 20
_MAX_BUCKETS = 4096


def decide(fingerprints, steps, *, size_bytes):
    """Decides on all documents and lines.

    Args:
        fingerprints: PCollection of `(chunk key, Fingerprints)`.
        steps: `CorpusSteps`.
        size_bytes: int. Size of the input, which decides on the number of buckets alone.

    Returns:
        Dict from the name of a field of `ChunkDrops` to PCollection of `(chunk key, array)`, of
        which a chunk may have several or none; `lines` has pairs of arrays for the two fields of
        lines.
    """
    num_buckets = min(_MAX_BUCKETS, 1 + size_bytes // _BYTES_PER_BUCKET)
    found = {}
    left = fingerprints
    if steps.drop_duplicates:
        found["duplicates"] = (
            left
            | "DigestsByBucket" >> beam.FlatMap(_digests_by_bucket, num_buckets)
            | "GroupDigests" >> beam.GroupByKey()
            | "FindDuplicates" >> beam.FlatMap(_find_duplicates)
        )
        left = _without(left, found["duplicates"], "Duplicates")
    if steps.near_duplicates:
        found["near_duplicates"] = _near_duplicates(left, steps.near_duplicates, num_buckets)
        left = _without(left, found["near_duplicates"], "NearDuplicates")
    if steps.repeated_lines:
        found["lines"] = (
            left
            | "LinesByBucket" >> beam.FlatMap(_lines_by_bucket, num_buckets)
            | "GroupLines" >> beam.GroupByKey()
            | "FindRepeatedLines" >> beam.FlatMap(_find_repeated_lines)
        )
    return found


def chunk_drops(found):
    """Returns the `ChunkDrops` of one chunk from what the PCollections of `decide` hold for it.

    Args:
        found: dict from name to list of what came for the chunk.
    """
    lines_found = found.get("lines", [])
    return ChunkDrops(
        duplicates=_join(found.get("duplicates", []), np.uint64),
        near_duplicates=_join(found.get("near_duplicates", []), np.uint64),
        line_orders=_join([orders for orders, _ in lines_found], np.uint64),
        line_numbers=_join([numbers for _, numbers in lines_found], np.int64),
    )


def _without(fingerprints, dropped, name):
    """Joins fingerprints with the orders that were dropped, and leaves those documents out."""
    return (
        {"fingerprints": fingerprints, "dropped": dropped}
        | f"Join{name}" >> beam.CoGroupByKey()
        | f"Drop{name}" >> beam.MapTuple(_drop_fingerprints)
    )


def _drop_fingerprints(key, found):
    (fingerprints,) = found["fingerprints"]
    return key, fingerprints.without(_join(found["dropped"], np.uint64))


def _digests_by_bucket(element, num_buckets):
    _, fingerprints = element
    yield from _by_bucket(num_buckets, fingerprints.digests, fingerprints.orders)


def _find_duplicates(element):
    _, groups = element
    digests, orders = _joined_columns(groups, (np.uint64, np.uint64))
    yield from _by_chunk(repeated(digests, orders))


def _lines_by_bucket(element, num_buckets):
    _, fingerprints = element
    yield from _by_bucket(
        num_buckets,
        fingerprints.line_digests,
        fingerprints.line_orders,
        fingerprints.line_numbers,
    )


def _find_repeated_lines(element):
    _, groups = element
    digests, orders, numbers = _joined_columns(groups, (np.uint64, np.uint64, np.int64))
    is_repeated = lines.repeated_lines(digests, orders, numbers)
    yield from _by_chunk(orders[is_repeated], numbers[is_repeated])


def _near_duplicates(fingerprints, settings, num_buckets):
    """Finds candidates by bands, then compares their signatures: first one's, then the other's."""
    pairs = (
        fingerprints
        | "BandsByBucket" >> beam.FlatMap(_bands_by_bucket, settings, num_buckets)
        | "GroupBands" >> beam.GroupByKey()
        | "FindCandidates" >> beam.FlatMap(_find_candidates)
    )
    signed_pairs = (
        {"fingerprints": fingerprints, "pairs": pairs}
        | "JoinLower" >> beam.CoGroupByKey()
        | "SignPairs" >> beam.FlatMap(_sign_pairs)
    )
    return (
        {"fingerprints": fingerprints, "pairs": signed_pairs}
        | "JoinHigher" >> beam.CoGroupByKey()
        | "FindNearDuplicates" >> beam.FlatMap(_find_near_duplicates, settings.threshold)
    )


def _bands_by_bucket(element, settings, num_buckets):
    _, fingerprints = element
    # (num_documents, num_bands)
    keys = near.band_keys(fingerprints.signatures, settings)
    owners = np.repeat(fingerprints.orders, keys.shape[1])
    yield from _by_bucket(num_buckets, keys.reshape(-1), owners)


def _find_candidates(element):
    _, groups = element
    lower, higher = near.candidate_pairs(*_joined_columns(groups, (np.uint64, np.uint64)))
    yield from _by_chunk(lower, higher)


def _sign_pairs(element):
    """Yields, by the chunk of the higher document, the lower one's signature and the pair."""
    _, found = element
    if not found["pairs"]:
        return
    (fingerprints,) = found["fingerprints"]
    lower, higher = _joined_columns(found["pairs"], (np.uint64, np.uint64))
    pairs = np.unique(np.stack([lower, higher], axis=1), axis=0)
    signatures = fingerprints.signatures_of(pairs[:, 0])
    yield from _by_chunk(pairs[:, 1], signatures)


def _find_near_duplicates(element, threshold):
    key, found = element
    if not found["pairs"]:
        return
    (fingerprints,) = found["fingerprints"]
    higher = np.concatenate([orders for orders, _ in found["pairs"]])
    signatures = np.concatenate([signatures for _, signatures in found["pairs"]])
    is_near = near.are_near(signatures, fingerprints.signatures_of(higher), threshold)
    yield key, np.unique(higher[is_near])


def _by_bucket(num_buckets, keys, *columns):
    """Yields `(bucket, columns)` of records with uniformly distributed keys."""
    yield from _split(bucket_of(keys, num_buckets), keys, *columns)


def _by_chunk(orders, *columns):
    """Yields `(chunk key, columns)` of records with orders; the column itself where it is one."""
    for key, found in _split(chunk_keys_of(orders).astype(np.int64), orders, *columns):
        yield key, found if columns else found[0]


def _split(groups, *columns):
    """Yields `(group, columns of its records)` for each group that occurs."""
    by_group = np.argsort(groups, kind="stable")
    found, starts = np.unique(groups[by_group], return_index=True)
    ends = np.append(starts, len(groups))[1:]
    for group, start, end in zip(found, starts, ends, strict=True):
        places = by_group[start:end]
        yield int(group), tuple(column[places] for column in columns)


def _joined_columns(groups, dtypes):
    """Joins tuples of arrays column by column."""
    groups = list(groups)
    return tuple(
        _join([group[column] for group in groups], dtype) for column, dtype in enumerate(dtypes)
    )


def _join(arrays, dtype):
    return np.concatenate([np.zeros(0, dtype), *arrays])
