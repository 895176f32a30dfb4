"""Documents between empty lines, whatever the blocks they are read by."""

import gzip
import io
import re
from unittest import mock

import hypothesis
import hypothesis.strategies as st
import pytest

from data_prep.readers import ReadingReport, lines
from data_prep.readers.plain_text import read_plain_text
from tests.data_prep.readers.reading import damage_for, messages, read

TEXT = "One line.\nAnother — line.\n\n\n \t\nSecond\u2028document\x0c\x85.\n\nThird"
DOCUMENTS = ["One line.\nAnother — line.", "Second\u2028document\x0c\x85.", "Third"]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_empty_lines_separate_documents(tmp_path, name, line_end, mark):
    data = (mark + TEXT.replace("\n", line_end)).encode("utf-8")
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    documents, report = read(tmp_path / name)
    assert documents == DOCUMENTS
    assert report == ReadingReport(files=1, lines=8, documents=3)


def split_line_by_line(data):
    """Returns the documents, and how many have bad lines alone, by the plainest of ways."""
    *parts, last = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    documents, document, is_damaged, num_dropped = [], [], False, 0
    for part in [*parts, last, b""]:
        try:
            line = part.decode("utf-8").rstrip("\r")
        except UnicodeDecodeError:
            is_damaged = True
            continue
        if line.strip():
            document.append(line)
            continue
        if document:
            documents.append("\n".join(document))
        elif is_damaged:
            num_dropped += 1
        document, is_damaged = [], False
    return documents, num_dropped


PIECES = ["a", "é", "中", "😀", " ", "\t", "\x0b", "\x1c", "\x85", "\u2028", "\ufeff", "\r"]
PIECES = [piece.encode() for piece in PIECES] + [b"\xff", b"\xe4\xb8"] + [b"\n", b"\r\n"] * 4


@hypothesis.given(st.lists(st.sampled_from(PIECES)).map(b"".join), st.integers(1, 9))
@hypothesis.settings(max_examples=600, deadline=None)
def test_blocks_change_nothing(data, block_bytes):
    report = ReadingReport()
    with mock.patch.object(lines, "_BLOCK_BYTES", block_bytes):
        documents = list(read_plain_text(io.BytesIO(data), damage_for(report), "text"))
    expected, num_dropped = split_line_by_line(data)
    assert documents == expected
    assert report.documents == report.documents_dropped_invalid_utf8 == num_dropped
    *parts, last = data.split(b"\n")
    assert report.lines == len(parts) + bool(last)


def test_a_line_that_is_not_utf8_is_left_out(tmp_path, caplog):
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\nbad \xff line\nalso good\n\n\xfe\n\nlast")
    with caplog.at_level("WARNING", logger="absl"):
        documents, report = read(path)
    assert documents == ["good\nalso good", "last"]
    assert report == ReadingReport(
        files=1, lines=7, lines_invalid_utf8=2, documents=3, documents_dropped_invalid_utf8=1
    )
    assert messages(caplog) == [
        f"{path}: left out line 2: not UTF-8 (byte 0xff); line 5: not UTF-8 (byte 0xfe)"
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
def test_text_in_another_encoding_is_not_taken_for_utf8(tmp_path, caplog, name, encoding):
    (tmp_path / name).write_text("text\n\nSome text.\n", encoding)
    documents, report = read(tmp_path / name)
    assert documents == [] and report == ReadingReport(files=1, files_broken=1)
    (message,) = messages(caplog)
    assert f"{name}: is UTF-16 or UTF-32 text (save it as UTF-8)" in message
    with pytest.raises(ValueError, match=rf"{name} is UTF-16 or UTF-32 text"):
        read(tmp_path / name, strict=True)


def test_a_warning_has_ten_details(tmp_path, caplog):
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\n" + b"\xff\n" * 1000)
    with caplog.at_level("WARNING", logger="absl"):
        _, report = read(path)
    assert report.lines_invalid_utf8 == 1000
    (message,) = messages(caplog)
    assert message.count("not UTF-8") == 10
    assert message.endswith("; line 11: not UTF-8 (byte 0xff); 990 more")


def test_a_line_that_is_not_utf8_is_refused_where_asked(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\nbad \xff line\n")
    message = rf"{re.escape(str(path))}, line 2: not UTF-8 \(byte 0xff\)\. .* without --strict"
    with pytest.raises(ValueError, match=message):
        read(path, strict=True)


@pytest.mark.parametrize("filler", ["x", "\r", " ", "é"])
def test_a_very_long_line_is_one_document(tmp_path, filler):
    (tmp_path / "a.txt").write_text("first\n\n." + filler * 5_000_000 + ".\nend\n", newline="")
    documents, report = read(tmp_path / "a.txt")
    assert documents == ["first", "." + filler * 5_000_000 + ".\nend"]
    assert report.lines == 4


def test_shared_corpus_matches_an_independent_count(shared_data):
    for path in sorted((shared_data / "corpus").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        expected = [part.strip("\n") for part in re.split(r"\n{2,}", text) if part.strip()]
        documents, report = read(path)
        assert documents == expected
        assert report.lines == text.count("\n") + (not text.endswith("\n"))
