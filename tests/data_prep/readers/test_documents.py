"""Files of any format: found, counted, and refused or left out where nothing can be read."""

import csv
import gzip
import json
import sys

import pytest

from data_prep.readers import (
    EXTENSIONS,
    ReadingReport,
    find_files,
    markup_of,
    read_documents,
    read_file,
)
from tests.data_prep.readers.reading import messages, read


def test_files_come_sorted_and_once(tmp_path):
    for name in ("b.txt", "a.txt", "c.txt.gz", "sub/d.txt", "[e].txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        data = f"in {name}".encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.txt")
    patterns = [f"{tmp_path}/sub/../b.txt", f"{tmp_path}/**/*.txt*", f"{tmp_path}/[e].txt"]
    paths = find_files(patterns)
    assert paths == sorted(paths)
    documents = list(read_documents(patterns))
    assert documents == ["in [e].txt", "in a.txt", "in b.txt", "in c.txt.gz", "in sub/d.txt"]


@pytest.mark.parametrize(
    "name", ["a.pdf", "a.gz", "a.txt.zip", "txt", "a.txt.gz.gz", "a.txt-p1p2x"]
)
def test_an_unknown_kind_is_always_refused(tmp_path, name):
    (tmp_path / name).write_text("text")
    message = r"no known kind; .*\.txt, \.jsonl, .*, \.xml, perhaps with .*\.gz, \.bz2, \.xz, \.zst"
    for read_it in (lambda path: find_files([path]), lambda path: list(read_documents([path]))):
        with pytest.raises(ValueError, match=message):
            read_it(str(tmp_path / name))
    with pytest.raises(ValueError, match=message):
        markup_of(name)


def test_every_kind_has_its_markup():
    marked_up = {".warc": "html", ".xml": "wikitext"}
    for extension in EXTENSIONS:
        for suffix in ("", ".gz", ".bz2", ".xz", ".zst"):
            expected = marked_up.get(extension, "plain")
            assert markup_of(f"gs://bucket/a.b{extension}{suffix}") == expected
    assert markup_of("enwiki-pages-articles1.xml-p1p41242.bz2") == "wikitext"


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_an_empty_file_is_counted_or_refused(tmp_path, caplog, extension):
    path = tmp_path / f"a{extension}"
    path.touch()
    with caplog.at_level("WARNING", logger="absl"):
        assert read(path) == ([], ReadingReport(files=1, files_empty=1))
    assert messages(caplog) == [f"{path}: is empty"]
    with pytest.raises(ValueError, match=rf"a\{extension} is empty; leave it out of the input"):
        read(path, strict=True)


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl", "a.csv", "a.tsv"])
@pytest.mark.parametrize("data", [b"\n \n", b"\xef\xbb\xbf", b"\r\n"])
def test_a_file_without_a_document_is_counted_or_refused(tmp_path, caplog, name, data):
    if name.endswith("sv"):
        data = {"a.csv": b"text,id\n", "a.tsv": b"text\tid\n"}[name] + data.strip(b"\xef\xbb\xbf")
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with caplog.at_level("WARNING", logger="absl"):
        documents, report = read(tmp_path / name)
    assert documents == []
    assert report.files_empty == report.files == 1
    assert report.documents == 0
    assert messages(caplog) == [f"{tmp_path / name}: holds no document"]
    with pytest.raises(ValueError, match=rf"{name} holds no document; leave it out of the input"):
        read(tmp_path / name, strict=True)


def test_a_file_of_bad_lines_alone_is_empty_too(tmp_path, caplog):
    (tmp_path / "a.txt").write_bytes(b"\xff\n")
    with caplog.at_level("WARNING", logger="absl"):
        _, report = read(tmp_path / "a.txt")
    assert report.files_empty == report.documents_dropped_invalid_utf8 == 1
    (message,) = messages(caplog)
    assert message.endswith("left out line 1: not UTF-8 (byte 0xff); holds no document")


def test_a_break_is_told_in_the_same_line(tmp_path, caplog):
    data = b"one\n\nbad \xff\n\ntwo\n\nthree"
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(data)[:-1])
    with caplog.at_level("WARNING", logger="absl"):
        documents, report = read(tmp_path / "a.txt.gz")
    # The third may go on behind the break.
    assert documents == ["one", "two"]
    assert report == ReadingReport(
        files=1,
        files_broken=1,
        lines=6,
        lines_invalid_utf8=1,
        documents=3,
        documents_dropped_invalid_utf8=1,
    )
    (message,) = messages(caplog)
    assert "left out line 3: not UTF-8 (byte 0xff); is a broken gzip file (" in message


def test_reports_of_files_add_up(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\n\n\xff\n\nthree")
    (tmp_path / "b.jsonl").write_text('{"text": "four"}\n{"text": " "}\n{"text": 6}\n')
    (tmp_path / "c.txt").touch()
    (tmp_path / "d.txt.gz").write_bytes(gzip.compress(b"seven\n\neight")[:-1])
    with open(tmp_path / "e.csv", "w", newline="") as file:
        csv.writer(file).writerows([["text"], ["nine\nnine"], ["ten"]])
    whole = ReadingReport()
    documents = list(read_documents([f"{tmp_path}/*"], report=whole))
    assert documents == ["one", "three", "four", "seven", "nine\nnine", "ten"]
    assert whole == ReadingReport(
        files=5,
        files_broken=1,
        files_empty=1,
        lines=5 + 3 + 2 + 4,
        lines_invalid_utf8=1,
        documents=9,
        documents_dropped_empty=1,
        documents_dropped_invalid_utf8=1,
        documents_dropped_malformed=1,
    )
    assert whole.documents_dropped == {"empty": 1, "invalid_utf8": 1, "malformed": 1}
    total = ReadingReport()
    for path in find_files([f"{tmp_path}/*"]):
        total += read(path)[1]
    assert total == whole
    with pytest.raises(TypeError):
        total + 1


def test_a_file_that_is_not_there_is_always_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(read_file(str(tmp_path / "a.txt")))


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("a.parquet", "pyarrow"),
        ("a.warc", "fastwarc"),
        ("a.wet.gz", "fastwarc"),
        ("a.xml", "mwxml"),
        ("a.txt.zst", "zstandard"),
    ],
)
def test_a_library_that_is_not_installed_is_named(tmp_path, monkeypatch, name, library):
    (tmp_path / name).write_bytes(gzip.compress(b"x") if name.endswith(".gz") else b"x")
    monkeypatch.setitem(sys.modules, library, None)
    for module in [module for module in sys.modules if module.startswith(f"{library}.")]:
        monkeypatch.setitem(sys.modules, module, None)
    message = rf"{name}: to read it, {library} must be .*pip install 'mpnet_tf\[corpus\]'`\.$"
    with pytest.raises(ValueError, match=message):
        read(tmp_path / name)


def test_plain_formats_need_no_optional_library(tmp_path, monkeypatch):
    for library in ("pyarrow", "fastwarc", "mwxml", "zstandard", "tensorflow", "apache_beam"):
        monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"one"))
    (tmp_path / "b.jsonl").write_text(json.dumps({"text": "two"}))
    (tmp_path / "c.csv").write_text("text\nthree")
    (tmp_path / "d.tsv").write_text("text\nfour")
    assert list(read_documents([f"{tmp_path}/*"])) == ["one", "two", "three", "four"]
