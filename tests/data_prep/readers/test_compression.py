"""Compressed files, whole and broken."""

import bz2
import errno
import gzip
import io
import lzma
import os

import hypothesis
import hypothesis.strategies as st
import pytest
import zstandard

from data_prep.readers import ReadingReport, compression
from data_prep.readers.compression import open_decompressed, split_compression
from tests.data_prep.readers.reading import messages, read

COMPRESSORS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}
NAMES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "Zstandard"}
DOCUMENTS = [f"Document {number} — " + os.urandom(20).hex() for number in range(20_000)]
TEXT = "\n\n".join(DOCUMENTS).encode()


@pytest.fixture(params=COMPRESSORS)
def suffix(request):
    return request.param


@pytest.fixture
def compressed(suffix):
    return COMPRESSORS[suffix](TEXT)


def test_a_compressed_file_is_read_like_another(tmp_path, suffix, compressed):
    (tmp_path / f"a.txt{suffix}").write_bytes(compressed)
    documents, report = read(tmp_path / f"a.txt{suffix}")
    assert documents == DOCUMENTS
    assert report == ReadingReport(files=1, lines=2 * len(DOCUMENTS) - 1, documents=len(DOCUMENTS))


def test_joined_files_are_one(tmp_path, suffix):
    compress = COMPRESSORS[suffix]
    (tmp_path / f"a.txt{suffix}").write_bytes(
        b"".join(map(compress, (b"o", b"", b"ne\n\n", b"two")))
    )
    assert read(tmp_path / f"a.txt{suffix}")[0] == ["one", "two"]


@hypothesis.given(
    st.lists(st.binary(max_size=300)),
    st.lists(st.integers(1, 500), min_size=1),
    st.sampled_from([*COMPRESSORS]),
)
@hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_reads_of_any_size_give_the_same(tmp_path, parts, sizes, suffix):
    path = str(tmp_path / f"a{suffix}")
    with open(path, "wb") as file:
        file.write(b"".join(map(COMPRESSORS[suffix], [b"", *parts])))
    with open_decompressed(path) as file:
        pieces = []
        while data := file.read(sizes[len(pieces) % len(sizes)]):
            pieces.append(data)
            assert file.tell() == sum(map(len, pieces))
    assert b"".join(pieces) == b"".join(parts)
    with open_decompressed(path, seekable=True) as file:
        assert file.seek(0, io.SEEK_END) == sum(map(len, parts))


def test_what_lies_before_the_cut_is_kept(tmp_path, caplog, suffix, compressed):
    path = tmp_path / f"a.txt{suffix}"
    counts = []
    for share in (0.1, 0.5, 0.9, 1):
        path.write_bytes(compressed[: int(share * (len(compressed) - 1))])
        caplog.clear()
        with caplog.at_level("WARNING", logger="absl"):
            documents, report = read(path)
        assert documents == DOCUMENTS[: len(documents)]
        assert report.files_broken == report.files == 1
        assert report.files_empty == 0
        counts.append(len(documents))
        (message,) = messages(caplog)
        assert f"{path}: is a broken {NAMES[suffix]} file (Compressed file ended" in message
        with pytest.raises(ValueError, match=rf"is a broken {NAMES[suffix]} file .*copy it again"):
            read(path, strict=True)
    # What was decompressed at the cut, but for the last block of the compression.
    assert counts == sorted(counts)
    assert counts[1] > 0.5 * len(DOCUMENTS) - 12_000
    assert counts[-1] >= len(DOCUMENTS) - 12_000


@pytest.mark.parametrize("data", [b"plain text, nothing more\n" * 9, b"\0"])
def test_what_is_not_compressed_is_broken(tmp_path, suffix, data):
    (tmp_path / f"a.txt{suffix}").write_bytes(data)
    documents, report = read(tmp_path / f"a.txt{suffix}")
    assert documents == []
    assert report == ReadingReport(files=1, files_broken=1)


def test_changed_bytes_are_noticed(tmp_path, suffix, compressed):
    if suffix == ".zst":
        compressed = zstandard.ZstdCompressor(write_checksum=True).compress(TEXT)
    damaged = bytearray(compressed)
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / f"a.txt{suffix}").write_bytes(damaged)
    assert read(tmp_path / f"a.txt{suffix}")[1].files_broken == 1


def test_long_windows_are_decompressed(tmp_path):
    """As `zstd --long=30` writes them."""
    parameters = zstandard.ZstdCompressionParameters(window_log=30)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = compressor.compress(TEXT) + compressor.flush()
    assert zstandard.get_frame_parameters(data).window_size == 1 << 30
    (tmp_path / "a.txt.zst").write_bytes(data)
    assert read(tmp_path / "a.txt.zst")[0] == DOCUMENTS


def test_a_failing_disk_is_no_broken_file(tmp_path, monkeypatch, suffix, compressed):
    """What the disk cannot give is not left out but an error, also without `strict`."""

    class FailingFile(io.BytesIO):
        def read(self, *arguments):
            if self.tell() > 50_000:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(*arguments)

    (tmp_path / f"a.txt{suffix}").write_bytes(compressed)
    file = FailingFile(compressed)
    monkeypatch.setattr(compression, "open_for_reading", lambda path: file)
    with pytest.raises(OSError, match="Input/output error"):
        read(tmp_path / f"a.txt{suffix}")
    assert file.closed


def test_only_the_last_suffix_is_the_compressions():
    assert split_compression("a.gz/b.txt") == ("a.gz/b.txt", "")
    assert split_compression("b.txt.gz.xz") == ("b.txt.gz", ".xz")
