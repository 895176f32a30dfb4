"""Numbers in a file, read where they are wanted."""

import os

import numpy as np


class ArrayFile:
    """A file of numbers, of which slices are read as of a vector.

    Not a memory map: where the file is cut short or its disk fails while it is used, reading a
    slice raises an error, and reading a map ends the process by SIGBUS.

    Args:
        path: str.
        dtype: NumPy dtype of the numbers.

    Raises:
        ValueError: if the file holds no number or not a whole number of them.

    Call arguments of `file[start:stop]`:
        start: int from 0, or None for 0.
        stop: int to `len(file)`, or None for that.

    Returns:
        Array `(stop - start,)` of the dtype.

    References:
        - mmap(2), "SIGBUS", https://man7.org/linux/man-pages/man2/mmap.2.html
    """

    def __init__(self, path, dtype):
        self._path = path
        self._dtype = dtype
        # Open as long as it is read.
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115
        self._descriptor = self._file.fileno()
        self._itemsize = dtype.itemsize
        size_bytes = os.fstat(self._descriptor).st_size
        if size_bytes == 0 or size_bytes % dtype.itemsize:
            raise ValueError(
                f"{path} has the wrong size: expected a positive multiple of {dtype.itemsize} "
                f"bytes, found {size_bytes}. Prepare the shards again."
            )
        self._length = size_bytes // dtype.itemsize

    @property
    def dtype(self):
        """NumPy dtype of the numbers."""
        return self._dtype

    def __len__(self):
        return self._length

    def __getitem__(self, places):
        start, stop, step = places.indices(self._length)
        assert step == 1
        return np.frombuffer(self.read_bytes(start, stop), self._dtype)

    def read_bytes(self, start, stop):
        """Reads the numbers from `start` to `stop`, ints, as `bytes`."""
        wanted = (stop - start) * self._itemsize
        try:
            content = os.pread(self._descriptor, wanted, start * self._itemsize)
        except OSError as error:
            raise OSError(f"Cannot read {self._path}: {error.strerror}") from error
        if len(content) != wanted:
            raise ValueError(
                f"{self._path} was cut short while it was read: expected {wanted} bytes from byte "
                f"{start * self._itemsize} on, found {len(content)}. Copy it again, or "
                "prepare the shards again."
            )
        return content
