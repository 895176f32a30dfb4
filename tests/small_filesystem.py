"""A filesystem that is soon full."""

import contextlib
import os
import shutil
import subprocess

import pytest


@contextlib.contextmanager
def small_filesystem(folder):
    """Mounts a filesystem of 512 KiB at a new folder; skips the test where none can be made."""
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root to make a small filesystem")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small filesystem")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_up(folder, *, but_bytes=0):
    """Fills a filesystem, but for a number of bytes, with a file in it."""
    disk = os.statvfs(folder)
    with open(folder / "filler", "wb", buffering=0) as file:
        file.write(bytes(disk.f_bavail * disk.f_frsize - but_bytes))
