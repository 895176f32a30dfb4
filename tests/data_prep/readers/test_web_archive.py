"""WARC and WET files, written by another library."""

import gzip
import io
import lzma

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from data_prep.readers import ReadingReport
from tests.data_prep.readers.reading import messages, read

PAGE = "<html><p>Page {} — ünï</p></html>"


class Archive:
    """Collects the records of an archive; compressed, each is a member of its own.

    Attributes:
        ends: list of int. The size of the archive after each record.
    """

    def __init__(self, *, compressed=False):
        self.ends = []
        self._file = io.BytesIO()
        self._writer = WARCWriter(self._file, gzip=compressed)
        self._add(self._writer.create_warcinfo_record("a.warc", {"software": "test"}))

    def add_response(self, body, *, status="200 OK", **headers):
        headers = {"Content_Type": "text/html; charset=utf-8", **headers}
        headers = [(name.replace("_", "-"), value) for name, value in headers.items()]
        http_headers = StatusAndHeaders(status, headers, protocol="HTTP/1.1")
        request_headers = StatusAndHeaders("GET / HTTP/1.1", [("Host", "e")], is_http_request=True)
        for kind, data, lines in (
            ("request", b"", request_headers),
            ("response", body, http_headers),
        ):
            self._add(
                self._writer.create_warc_record(
                    "http://e/", kind, payload=io.BytesIO(data), http_headers=lines
                )
            )

    def add_text(self, data):
        self._add(
            self._writer.create_warc_record(
                "http://e/",
                "conversion",
                payload=io.BytesIO(data),
                warc_headers_dict={"Content-Type": "text/plain"},
            )
        )

    def write(self, path):
        path.write_bytes(self._file.getvalue())
        return path

    def _add(self, record):
        self._writer.write_record(record)
        self.ends.append(len(self._file.getvalue()))


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz", "a.warc.xz"])
def test_pages_are_read(tmp_path, name):
    archive = Archive(compressed=name.endswith(".gz"))
    for number in range(50):
        archive.add_response(PAGE.format(number).encode())
    path = archive.write(tmp_path / name)
    if name.endswith(".xz"):
        path.write_bytes(lzma.compress(path.read_bytes()))
    documents, report = read(path)
    assert documents == [PAGE.format(number) for number in range(50)]
    assert report == ReadingReport(files=1, documents=50)


def test_only_pages_with_status_200_are_documents(tmp_path):
    archive = Archive()
    archive.add_response(b"<p>not here</p>", status="404 Not Found")
    archive.add_response(b"<p>moved</p>", status="301 Moved")
    archive.add_response(b"%PDF", Content_Type="application/pdf")
    archive.add_response(b"plain", Content_Type="text/plain")
    archive.add_response(b"<p>no type</p>", Content_Type="")
    archive.add_text(b"a text")
    archive.add_response(b"<p>one</p>", Content_Type="TEXT/HTML")
    archive.add_response(b"<p>two</p>", Content_Type="application/xhtml+xml;charset=utf-8")
    archive.add_response(b"")
    documents, report = read(archive.write(tmp_path / "a.warc"))
    assert documents == ["<p>one</p>", "<p>two</p>"]
    assert report == ReadingReport(files=1, documents=3, documents_dropped_empty=1)


def test_pages_are_decoded(tmp_path):
    archive = Archive()
    page = "<p>привет</p>"
    archive.add_response(page.encode("cp1251"), Content_Type='text/html; charset="windows-1251"')
    archive.add_response(gzip.compress(page.encode()), Content_Encoding="gzip")
    data = page.encode()
    chunks = b"%x\r\n%s\r\n1\r\n \r\n0\r\n\r\n" % (len(data), data)
    archive.add_response(chunks, Transfer_Encoding="chunked")
    documents, _ = read(archive.write(tmp_path / "a.warc"))
    assert documents == [page, page, page + " "]


def test_a_response_that_cannot_be_decoded_is_left_out(tmp_path, caplog):
    archive = Archive()
    archive.add_response(b"<p>one</p>")
    archive.add_response(b"<p>not compressed</p>", Content_Encoding="gzip")
    archive.add_response(b"<p>three</p>")
    path = archive.write(tmp_path / "a.warc")
    with caplog.at_level("WARNING", logger="absl"):
        documents, report = read(path)
    assert documents == ["<p>one</p>", "<p>three</p>"]
    assert report == ReadingReport(files=1, documents=3, documents_dropped_malformed=1)
    (message,) = messages(caplog)
    assert f"{path}: left out record 5 (http://e/): not an HTTP response that can be" in message
    with pytest.raises(ValueError, match=r"a\.warc, record 5 \(http://e/\): not an HTTP response"):
        read(path, strict=True)


@pytest.mark.parametrize("name", ["a.wet", "a.warc.wet.gz"])
def test_texts_are_read(tmp_path, name):
    archive = Archive(compressed=name.endswith(".gz"))
    for data in ("Ünï\n\nfirst".encode(), b" ", b"bad \xff", b"last"):
        archive.add_text(data)
    archive.add_response(b"<p>page</p>")
    path = archive.write(tmp_path / name)
    documents, report = read(path)
    assert documents == ["Ünï\n\nfirst", "last"]
    assert report == ReadingReport(
        files=1, documents=4, documents_dropped_empty=1, documents_dropped_invalid_utf8=1
    )
    with pytest.raises(ValueError, match=r"record 4 \(http://e/\): not UTF-8"):
        read(path, strict=True)


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz"])
def test_a_cut_off_archive_is_read_as_far_as_it_goes(tmp_path, name):
    archive, page_ends = Archive(compressed=name.endswith(".gz")), []
    for number in range(3):
        archive.add_response(PAGE.format(number).encode())
        page_ends.append(archive.ends[-1])
    data = archive.write(tmp_path / name).read_bytes()
    # Where a record's content is there, only the blank lines after it, or the compressed data's
    # checksum, may lack.
    tail = 30 if name.endswith(".gz") else len(b"\r\n\r\n")
    for size in range(20, len(data), 3):
        (tmp_path / name).write_bytes(data[:size])
        documents, report = read(tmp_path / name)
        assert documents == [PAGE.format(number) for number in range(len(documents))]
        assert len(documents) <= sum(size >= end - tail for end in page_ends)
        assert len(documents) >= sum(size >= end for end in page_ends)
        # Nothing tells that more records came.
        is_whole = any(end - tail <= size <= end for end in archive.ends)
        assert report.files_broken or is_whole


@pytest.mark.parametrize("data", [b"plain text\n" * 100, b"\x1f\x8b\x00", b"WARC/1.0\r\nbroken"])
def test_what_is_no_archive_is_broken(tmp_path, data):
    (tmp_path / "a.warc").write_bytes(data)
    documents, report = read(tmp_path / "a.warc")
    assert documents == []
    assert report == ReadingReport(files=1, files_broken=1)
    with pytest.raises(ValueError, match=r"a\.warc is a broken WARC file \(.*; make or copy"):
        read(tmp_path / "a.warc", strict=True)
