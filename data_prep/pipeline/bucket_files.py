"""Records on disk, spread over buckets by a hash so that each bucket fits memory."""

import os

import numpy as np


class BucketFiles:
    """Arrays of records that are appended now and read bucket by bucket later.

    Records of equal keys meet in one bucket, in the order in which they were appended.

    Args:
        directory: str. A directory of its own; made where it is missing.
        dtype: NumPy structured dtype of the records.
        key: str. The field whose value decides on the bucket, a uniformly distributed uint64.
        num_buckets: int, at least 1.
    """

    def __init__(self, directory, dtype, *, key, num_buckets):
        os.makedirs(directory, exist_ok=True)
        self._dtype = dtype
        self._key = key
        self._paths = [os.path.join(directory, f"{bucket:04d}") for bucket in range(num_buckets)]
        self._files = [open(path, "ab") for path in self._paths]  # noqa: SIM115

    def append(self, records):
        """Appends records.

        Args:
            records: array `(num_records,)` of the dtype.
        """
        buckets = bucket_of(records[self._key], len(self._files))
        by_bucket = np.argsort(buckets, kind="stable")
        borders = np.searchsorted(buckets[by_bucket], np.arange(1, len(self._files)))
        for file, places in zip(self._files, np.split(by_bucket, borders), strict=True):
            if len(places):
                file.write(records[places])

    def read(self):
        """Yields the records of each bucket that has any; nothing can be appended any more."""
        self.close()
        for path in self._paths:
            records = np.fromfile(path, self._dtype)
            if len(records):
                yield records

    def close(self):
        """Closes the files; safe to call again."""
        for file in self._files:
            file.close()


def bucket_of(keys, num_buckets):
    """Returns the buckets of uniformly distributed uint64 keys, an int64 array."""
    # The high bits: a set of signatures' keys may share the low ones.
    return ((keys >> np.uint64(32)) % np.uint64(num_buckets)).astype(np.int64)
