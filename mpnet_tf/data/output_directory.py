"""Directories that appear under their name whole or not at all."""

import contextlib
import fcntl
import glob
import math
import os
import shutil
import tempfile

# More than HDF5 was seen to take for the header of a variable and of its groups.
_HDF5_HEADER_BYTES = 4096
_MAX_BYTES_PER_NUMBER = 4


def is_free(path):
    """Tells whether nothing, or an empty directory, is at `path`."""
    if not os.path.lexists(path):
        return True
    return os.path.isdir(path) and not os.listdir(path)


@contextlib.contextmanager
def appearing_directory(path):
    """Gives a new directory to fill, which gets the name `path` when the block ends well.

    On any failure in the block, an interrupt included, it is removed and nothing is at `path`.
    What a process left behind that was killed is removed by the next one.

    Args:
        path: str. The final name, of which `is_free` holds. Missing parents are made.

    Yields:
        str, the directory's name for now: hidden, and beside the final one, so that renaming
        it is one step of the filesystem.

    Raises:
        OSError: if the directory cannot be made or renamed.
    """
    path = os.path.abspath(path)
    parent, name = os.path.split(path)
    unfinished = os.path.join(parent, f".{name}.unfinished-{os.getpid()}")
    with explained_write_errors(path):
        if not os.path.lexists(parent):
            os.makedirs(parent)
        _remove_abandoned(os.path.join(parent, f".{name}.unfinished-"))
        os.mkdir(unfinished)
    # Held until the process ends, however it does, or the directory has its name. Where the
    # filesystem knows no locks, what is left behind stays.
    with contextlib.ExitStack() as cleanup:
        with contextlib.suppress(OSError):
            cleanup.enter_context(_locked(unfinished))
        try:
            yield unfinished
            with explained_write_errors(path):
                os.rename(unfinished, path)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise


@contextlib.contextmanager
def _locked(directory):
    """Locks a directory while the block runs; raises `OSError` where another process does."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _remove_abandoned(prefix):
    """Removes directories whose names begin with `prefix` and that no process holds."""
    for directory in glob.glob(f"{glob.escape(prefix)}*"):
        with contextlib.suppress(OSError), _locked(directory):
            shutil.rmtree(directory)


def reserve_weights_space(directory, variables):
    """Makes sure of the room for a Keras weights file before it is written.

    The HDF5 library ends the process with a segmentation fault where a disk is full.

    Args:
        directory: str. Where the file will be.
        variables: list of Keras variables that it will hold.

    Raises:
        OSError: if the filesystem, or the user's quota of it, has no such room.
    """
    numbers = sum(math.prod(variable.shape) for variable in variables)
    size_bytes = numbers * _MAX_BYTES_PER_NUMBER + len(variables) * _HDF5_HEADER_BYTES
    with tempfile.TemporaryFile(dir=directory) as file:
        if hasattr(os, "posix_fallocate"):  # Not on macOS.
            os.posix_fallocate(file.fileno(), 0, size_bytes)


@contextlib.contextmanager
def explained_write_errors(path):
    """Turns an `OSError` in the block into one that says in a line what could not be written.

    Args:
        path: str. What the user asked to be written.

    Raises:
        OSError: in place of any other.
    """
    try:
        yield
    except OSError as error:
        raise OSError(
            f"Cannot write {path}: {error.strerror or error}. "
            "Free space or give write permission there, or choose another place."
        ) from error
