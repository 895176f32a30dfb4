"""Finding and opening files to read, on local disks and where TensorFlow or Apache Beam can.

A path with a scheme, such as `gs://bucket/file`, is TensorFlow's where it knows the scheme, and
otherwise Beam's. Neither is imported for local paths, which Python reads itself.
"""

import errno
import glob
import io
import os
import re

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")

# Few requests of a remote filesystem, little memory.
_REMOTE_BUFFER_BYTES = 1 << 20


def find_files(patterns):
    """Finds the files that globs match.

    Args:
        patterns: iterable of str. File names or globs, perhaps with a scheme; `**` matches folders
            of any depth where the filesystem is local or Beam's.

    Returns:
        List of str, sorted, each file once however many globs match it.

    Raises:
        ValueError: if a glob matches nothing, a match is a folder, or nobody knows the scheme.
        OSError: if a filesystem cannot be asked.
    """
    paths = {}
    for pattern in patterns:
        pattern = os.fspath(pattern)
        files = _filesystem_of(pattern)
        # A name with brackets in it is a file's name first, a glob second.
        matches = [pattern] if files.exists(pattern) else files.glob(pattern)
        if not matches:
            raise ValueError(f"No file matches {pattern!r}; check the path, and quote the glob.")
        for path in matches:
            if files.is_folder(path):
                raise ValueError(
                    f"{path} is a folder; give a glob of its files, such as "
                    f"{os.path.join(path, '*.txt')}"
                )
            # Of several names for one file the first in order, whatever order globs came in.
            name, file = files.names(path)
            paths[file] = min(name, paths.get(file, name))
    return sorted(paths.values())


def open_for_reading(path):
    """Opens a file: a seekable, buffered binary file object.

    Args:
        path: str. One file, as `find_files` returns it.

    Raises:
        ValueError: if nobody knows the path's scheme.
        OSError: if the file cannot be opened; where it is remote, perhaps when it is first read.
    """
    return _filesystem_of(path).open(path)


def file_size(path):
    """Returns the size of a file in bytes; raises as `open_for_reading` does."""
    return _filesystem_of(path).size(path)


def _filesystem_of(path):
    scheme = _SCHEME.match(path)
    if scheme is None:
        return _LocalFiles
    import tensorflow as tf

    if scheme[1] in tf.io.gfile.get_registered_schemes():
        return _TensorFlowFiles
    try:
        from apache_beam.io.filesystems import FileSystems

        FileSystems.get_filesystem(path)
    except (ImportError, ValueError, OSError) as error:
        raise ValueError(
            f"{path}: neither TensorFlow nor Apache Beam can read {scheme[0]} paths here "
            f"({_one_line(error)}). Install Beam's filesystem for it, such as "
            "`pip install 'apache-beam[gcp]'`, or copy the files to a local disk."
        ) from None
    return _BeamFiles


class _LocalFiles:
    """Files that the operating system knows."""

    @staticmethod
    def exists(path):
        return os.path.exists(os.path.expanduser(path))

    @staticmethod
    def glob(pattern):
        return glob.glob(os.path.expanduser(pattern), recursive=True)

    @staticmethod
    def is_folder(path):
        return os.path.isdir(os.path.expanduser(path))

    @staticmethod
    def names(path):
        path = os.path.normpath(os.path.expanduser(path))
        return path, os.path.realpath(path)

    @staticmethod
    def size(path):
        return os.path.getsize(path)

    @staticmethod
    def open(path):
        return open(path, "rb")


class _TensorFlowFiles:
    """Files that TensorFlow has a filesystem for."""

    @staticmethod
    def exists(path):
        return _ask_tensorflow(path, lambda gfile: gfile.exists(path))

    @staticmethod
    def glob(pattern):
        if "**" in pattern:
            raise ValueError(
                f"`**` matches folders of any depth for local paths alone. Received: {pattern!r}. "
                "Give one glob for each depth."
            )
        return _ask_tensorflow(pattern, lambda gfile: gfile.glob(pattern))

    @staticmethod
    def is_folder(path):
        return _ask_tensorflow(path, lambda gfile: gfile.isdir(path))

    @staticmethod
    def names(path):
        return path, path

    @staticmethod
    def size(path):
        return _ask_tensorflow(path, lambda gfile: gfile.stat(path).length)

    @staticmethod
    def open(path):
        import tensorflow as tf

        file = tf.io.gfile.GFile(path, "rb")
        return io.BufferedReader(_RemoteFile(file, path), _REMOTE_BUFFER_BYTES)


class _BeamFiles:
    """Files that Apache Beam has a filesystem for; it knows no folders."""

    @staticmethod
    def exists(path):
        from apache_beam.io.filesystems import FileSystems

        with _OneReason(path):
            return FileSystems.exists(path)

    @staticmethod
    def glob(pattern):
        from apache_beam.io.filesystems import FileSystems

        with _OneReason(pattern):
            return [metadata.path for metadata in FileSystems.match([pattern])[0].metadata_list]

    @staticmethod
    def is_folder(path):
        return False

    @staticmethod
    def names(path):
        return path, path

    @staticmethod
    def size(path):
        from apache_beam.io.filesystems import FileSystems

        with _OneReason(path):
            return FileSystems.get_filesystem(path).size(path)

    @staticmethod
    def open(path):
        from apache_beam.io.filesystem import CompressionTypes
        from apache_beam.io.filesystems import FileSystems

        with _OneReason(path):
            file = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
        return io.BufferedReader(_RemoteFile(file, path), _REMOTE_BUFFER_BYTES)


def _ask_tensorflow(path, question):
    import tensorflow as tf

    with _OneReason(path):
        return question(tf.io.gfile)


class _RemoteFile(io.RawIOBase):
    """A file object of another library as Python's own, with `OSError` for all that goes wrong."""

    def __init__(self, file, path):
        self._file = file
        self._path = path

    def readable(self):
        return True

    def seekable(self):
        return True

    def readinto(self, buffer):
        with _OneReason(self._path):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset, whence=os.SEEK_SET):
        with _OneReason(self._path):
            self._file.seek(offset, whence)
            return self._file.tell()

    def tell(self):
        with _OneReason(self._path):
            return self._file.tell()

    def close(self):
        if not self.closed:
            self._file.close()
        super().close()


class _OneReason:
    """Turns what the libraries raise into an `OSError` that names the path and has a number."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None or not isinstance(error, Exception):
            return
        if isinstance(error, OSError) and error.errno is not None:
            return
        raise OSError(errno.EIO, f"cannot be read ({_one_line(error)})", self._path) from error


def _one_line(error):
    return " ".join(str(error).split()) or type(error).__name__
