"""Opening files that may be compressed, as the end of their names tells."""

import bz2
import gzip
import io
import lzma
import shutil
import tempfile
import zlib

from data_prep.filesystem import open_for_reading
from data_prep.readers.damage import BrokenFileError
from data_prep.readers.libraries import import_for

_ZSTANDARD_INPUT_BYTES = 1 << 14
# The longest that the format allows; the default refuses what `zstd --long=31` wrote.
_ZSTANDARD_MAX_WINDOW_BYTES = 1 << 31


def split_compression(path):
    """Splits the compression's suffix from a path.

    Returns:
        The path without it, and the suffix, `""` where the file is not compressed.
    """
    for suffix in COMPRESSIONS:
        if path.endswith(suffix):
            return path.removesuffix(suffix), suffix
    return path, ""


def open_decompressed(path, *, seekable=False):
    """Opens a file, decompressed on the way where its name says that it is compressed.

    Args:
        path: str.
        seekable: bool. Whether the reader jumps about. A compressed file is then first
            decompressed to a temporary one.

    Returns:
        A binary file object. Reading it gives all that lies before a break in the compressed data
        and then raises `BrokenFileError`; each `read` may give less than it was asked for.

    Raises:
        BrokenFileError: if `seekable` and the compressed data is broken.
        ValueError: if the compression's library is not installed, or nobody knows the scheme.
        OSError: if the file cannot be opened.
    """
    _, suffix = split_compression(path)
    if not suffix:
        return open_for_reading(path)
    name, open_with = COMPRESSIONS[suffix]
    file = _DecompressedFile(open_for_reading(path), open_with, path=path, name=name)
    if not seekable:
        return file
    whole = tempfile.TemporaryFile()  # noqa: SIM115 -- for the caller to close
    with file:
        shutil.copyfileobj(file, whole, 1 << 20)
    whole.seek(0)
    return whole


class _DecompressedFile(io.RawIOBase):
    """What a compressed file holds, up to a break in it.

    A break found while a part of the buffer is filled is told by the next call, so that a reader
    that asks for much at once loses nothing.
    """

    def __init__(self, compressed, open_with, *, path, name):
        self._compressed = compressed
        self._name = name
        self._break = None
        self._position = 0
        try:
            self._file, self._errors = open_with(compressed, path)
        except BaseException:
            compressed.close()
            raise

    def readable(self):
        return True

    def tell(self):
        return self._position

    def readinto(self, buffer):
        num_bytes = 0
        with memoryview(buffer) as view:
            while num_bytes < len(view) and self._break is None:
                try:
                    num_read = self._file.readinto1(view[num_bytes:])
                except self._errors as error:
                    if isinstance(error, OSError) and error.errno is not None:
                        raise  # The disk's or the network's fault.
                    self._break = BrokenFileError(f"is a broken {self._name} file ({error})")
                    break
                if not num_read:
                    break
                num_bytes += num_read
        if not num_bytes and self._break is not None:
            raise self._break
        self._position += num_bytes
        return num_bytes

    def close(self):
        if not self.closed:
            self._file.close()
            self._compressed.close()
        super().close()


def _open_gzip(file, path):
    del path
    return gzip.GzipFile(fileobj=file, mode="rb"), (EOFError, gzip.BadGzipFile, zlib.error)


def _open_bzip2(file, path):
    del path
    return bz2.BZ2File(file), (EOFError, OSError)


def _open_xz(file, path):
    del path
    return lzma.LZMAFile(file), (EOFError, lzma.LZMAError)


def _open_zstandard(file, path):
    zstandard = import_for(path, "zstandard")
    return io.BufferedReader(_ZstandardFile(file, zstandard)), (EOFError, zstandard.ZstdError)


class _ZstandardFile(io.RawIOBase):
    """Decompresses frame after frame; zstandard's own reader takes a cut-off file for a whole."""

    def __init__(self, file, zstandard):
        self._file = file
        self._zstandard = zstandard
        self._frame = None
        self._input = b""
        self._output = memoryview(b"")

    def readable(self):
        return True

    def readinto(self, buffer):
        while not self._output:
            if not self._input:
                self._input = self._file.read(_ZSTANDARD_INPUT_BYTES)
            if not self._input:
                if self._frame is not None:
                    raise EOFError("Compressed file ended in the middle of a frame")
                return 0
            self._output = memoryview(self._decompress())
        num_bytes = min(len(buffer), len(self._output))
        buffer[:num_bytes] = self._output[:num_bytes]
        self._output = self._output[num_bytes:]
        return num_bytes

    def _decompress(self):
        if self._frame is None:
            self._frame = self._zstandard.ZstdDecompressor(
                max_window_size=_ZSTANDARD_MAX_WINDOW_BYTES
            ).decompressobj()
        output = self._frame.decompress(self._input)
        self._input = self._frame.unused_data
        if self._frame.eof:
            self._frame = None
        return output


# From suffix to the compression's name and what opens it: callable from a binary file object and
# the path to a buffered one and the errors that tell of broken data.
COMPRESSIONS = {
    ".gz": ("gzip", _open_gzip),
    ".bz2": ("bzip2", _open_bzip2),
    ".xz": ("xz", _open_xz),
    ".zst": ("Zstandard", _open_zstandard),
}
