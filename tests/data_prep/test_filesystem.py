"""Files on local disks, in TensorFlow's filesystems and in Beam's."""

import gzip
import io
import os
import sys
import typing
import uuid

import pyarrow
import pytest
import tensorflow as tf
from apache_beam.io import filesystem as beam_filesystem
from pyarrow import parquet

from data_prep.filesystem import file_size, find_files, open_for_reading
from data_prep.readers import read_documents

DATA = bytes(range(256)) * 10_000


class ShelfFileSystem(beam_filesystem.FileSystem):
    """Files in a dict, found by Beam since it derives from its class."""

    files: typing.ClassVar = {}

    @classmethod
    def scheme(cls):
        return "shelf"

    def has_dirs(self):
        return False

    def _list(self, dir_or_prefix):
        for path, data in self.files.items():
            if path.startswith(dir_or_prefix):
                yield beam_filesystem.FileMetadata(path, len(data))

    def exists(self, path):
        return path in self.files

    def open(self, path, mime_type="", compression_type="auto"):
        if path not in self.files:
            raise beam_filesystem.BeamIOError(f"no such file: {path}")
        # Beam opens the file as the name says unless it is told otherwise.
        if self._get_compression_type(path, compression_type) != "uncompressed":
            raise AssertionError("Beam would decompress the file")
        return io.BytesIO(self.files[path])

    def size(self, path):
        if path not in self.files:
            raise beam_filesystem.BeamIOError(f"no such file: {path}")
        return len(self.files[path])

    def split(self, path):
        return path.rsplit("/", 1)

    def join(self, basepath, *paths):
        return "/".join([basepath, *paths])

    def mkdirs(self, path):
        raise NotImplementedError

    create = copy = rename = last_updated = checksum = metadata = delete = mkdirs


def write_local(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return str(folder)


def write_in_tensorflow(folder, files):
    root = f"ram://{folder.name}-{uuid.uuid4()}"
    for name, data in files.items():
        with tf.io.gfile.GFile(f"{root}/{name}", "wb") as file:
            file.write(data)
    return root


def write_in_beam(folder, files):
    root = f"shelf://{folder.name}-{uuid.uuid4()}"
    ShelfFileSystem.files.update({f"{root}/{name}": data for name, data in files.items()})
    return root


@pytest.fixture(params=[write_local, write_in_tensorflow, write_in_beam])
def write(request, tmp_path):
    """Writes a dict from name to bytes somewhere and returns the folder's path."""
    return lambda files: request.param(tmp_path, files)


def test_a_file_is_read(write):
    path = write({"a.bin": DATA}) + "/a.bin"
    assert file_size(path) == len(DATA)
    with open_for_reading(path) as file:
        assert isinstance(file, io.BufferedIOBase)
        assert file.read(1000) == DATA[:1000]
        assert file.tell() == 1000
        assert file.seek(-700, os.SEEK_END) == len(DATA) - 700
        assert file.read() == DATA[-700:]
        assert file.read() == b""
        assert file.seek(5) == 5
        assert file.read() == DATA[5:]
        file.seek(0)
        assert b"".join(iter(lambda: file.read(4096), b"")) == DATA


def test_files_are_found_sorted_and_once(write):
    root = write({"b.txt": b"b", "a.txt": b"a", "[c].txt": b"c", "sub/d.txt": b"d", "e.bin": b"e"})
    names = ["[c].txt", "a.txt", "b.txt"]
    found = find_files([f"{root}/*.txt", f"{root}/b.txt", f"{root}/[c].txt"])
    assert found == [f"{root}/{name}" for name in names]
    assert find_files([f"{root}/sub/*"]) == [f"{root}/sub/d.txt"]
    assert list(read_documents([f"{root}/*.txt", f"{root}/sub/*"])) == ["c", "a", "b", "d"]


def test_no_match_is_refused(write):
    root = write({"a.txt": b"a"})
    for name in ("*.pdf", "b.txt", "none/*"):
        with pytest.raises(ValueError, match=r"No file matches '.*'; check the path, and quote"):
            find_files([f"{root}/a.txt", f"{root}/{name}"])


def test_a_file_that_is_not_there_is_an_error(write):
    path = write({"a.txt": b"a"}) + "/b.txt"
    with pytest.raises(OSError) as error:
        file_size(path)
    assert error.value.errno and error.value.filename == path
    with pytest.raises(OSError) as error, open_for_reading(path) as file:
        file.read()
    assert error.value.errno and error.value.filename == path


@pytest.mark.parametrize("write_files", [write_local, write_in_tensorflow])
def test_a_folder_is_refused(tmp_path, write_files):
    root = write_files(tmp_path, {"sub/a.txt": b"a"})
    with pytest.raises(ValueError, match=r"sub is a folder; give a glob .*sub/\*\.txt"):
        find_files([f"{root}/sub"])


def test_folders_of_any_depth_are_searched_where_they_can_be(tmp_path):
    files = {"a.txt": b"a", "b/c/d.txt": b"d"}
    for write_files in (write_local, write_in_beam):
        root = write_files(tmp_path, files)
        found = find_files([f"{root}/**/d.txt"])
        assert found == [f"{root}/b/c/d.txt"]
    with pytest.raises(ValueError, match=r"`\*\*` matches folders .* Received: 'ram://x/\*\*/d"):
        find_files(["ram://x/**/d.txt"])


def test_links_to_one_file_are_one(tmp_path):
    (tmp_path / "b.txt").write_text("b")
    (tmp_path / "a.txt").symlink_to(tmp_path / "b.txt")
    (tmp_path / "sub").mkdir()
    assert find_files([f"{tmp_path}/*.txt", f"{tmp_path}/sub/../b.txt"]) == [f"{tmp_path}/a.txt"]


def test_the_home_folder_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.txt").write_text("a")
    assert find_files(["~/*.txt", "~/a.txt"]) == [f"{tmp_path}/a.txt"]


@pytest.mark.parametrize("function", [lambda path: find_files([path]), file_size, open_for_reading])
def test_a_scheme_that_nobody_knows_is_refused(function):
    message = r"nosuch://x/\*: neither TensorFlow nor Apache Beam can read nosuch:// .*Install"
    with pytest.raises(ValueError, match=message):
        function("nosuch://x/*")


def test_without_beam_the_error_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam.io.filesystems", None)
    with pytest.raises(ValueError, match=r"neither TensorFlow nor Apache Beam .*apache_beam.*pip"):
        file_size("s3://bucket/a.txt")


def test_formats_that_jump_about_are_read_from_afar(write):
    file = io.BytesIO()
    parquet.write_table(pyarrow.table({"text": ["one", "two"]}), file)
    root = write({"a.parquet": file.getvalue(), "b.parquet.gz": gzip.compress(file.getvalue())})
    assert list(read_documents([f"{root}/*"])) == ["one", "two"] * 2
