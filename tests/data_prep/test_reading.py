"""Reading text files: documents, counts, and a clear refusal of what cannot be read."""

import gzip
import json
import re

import pytest

from data_prep.reading import ReadingReport, find_files, read_documents


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def read(path, **options):
    """Returns the documents of a file or glob and the report, checked to add up."""
    report = ReadingReport()
    documents = list(read_documents([str(path)], report=report, **options))
    assert report.documents == (
        len(documents) + report.documents_dropped_invalid_utf8 + report.documents_dropped_empty
    )
    return documents, report


def write(path, data):
    path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return path


TEXT = "One line.\nAnother — line.\n\n\n \t\nSecond\u2028document\x0c\x85.\n\nThird"
DOCUMENTS = ["One line.\nAnother — line.", "Second\u2028document\x0c\x85.", "Third"]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_empty_lines_separate_documents(folder, name, line_end, mark):
    data = (mark + TEXT.replace("\n", line_end)).encode("utf-8")
    documents, report = read(write(folder / name, data))
    assert documents == DOCUMENTS
    assert report == ReadingReport(files=1, lines=8, documents=3)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize("field", ["text", "body"])
def test_each_json_line_is_a_document(folder, name, field):
    texts = ["One.\n\nStill one.", "Zwei — ü", " ", "Three"]
    lines = [json.dumps({"id": 1, field: text}) for text in texts] + ["", "  "]
    documents, report = read(write(folder / name, "\r\n".join(lines).encode()), json_field=field)
    assert documents == [texts[0], texts[1], texts[3]]
    assert report == ReadingReport(files=1, lines=6, documents=4, documents_dropped_empty=1)


def test_half_a_surrogate_pair_in_json_becomes_encodable(folder):
    documents, _ = read(write(folder / "a.jsonl", rb'{"text": "a \ud800 b \ud83d\ude00"}'))
    assert documents == ["a ? b 😀"]


def test_files_come_sorted_and_once(folder):
    for name in ("b.txt", "a.txt", "c.txt.gz", "sub/d.txt", "[e].txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        write(folder / name, f"in {name}".encode())
    (folder / "link.txt").symlink_to(folder / "a.txt")
    patterns = [f"{folder}/sub/../b.txt", f"{folder}/**/*.txt*", f"{folder}/[e].txt"]
    paths = find_files(patterns)
    assert paths == sorted(paths)
    documents = list(read_documents(patterns))
    assert documents == ["in [e].txt", "in a.txt", "in b.txt", "in c.txt.gz", "in sub/d.txt"]


def test_invalid_utf8_line_is_skipped_with_a_warning(folder, caplog):
    path = write(folder / "a.txt", b"good\nbad \xff line\nalso good\n\n\xfe\n\nlast")
    with caplog.at_level("WARNING", logger="absl"):
        documents, report = read(path)
    assert documents == ["good\nalso good", "last"]
    assert report == ReadingReport(
        files=1, lines=7, lines_invalid_utf8=2, documents=3, documents_dropped_invalid_utf8=1
    )
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}, line 2: not UTF-8 (byte 0xff); line skipped",
        f"{path}, line 5: not UTF-8 (byte 0xfe); line skipped",
    ]


def test_invalid_utf8_json_line_is_a_dropped_document(folder):
    documents, report = read(write(folder / "a.jsonl", b'{"text": "\xff"}\n{"text": "good"}\n'))
    assert documents == ["good"]
    assert report.documents_dropped_invalid_utf8 == report.lines_invalid_utf8 == 1


def test_warnings_about_one_file_are_bounded(folder, caplog):
    path = write(folder / "a.txt", b"good\n" + b"\xff\n" * 1000)
    with caplog.at_level("WARNING", logger="absl"):
        _, report = read(path)
    assert report.lines_invalid_utf8 == 1000
    assert len(caplog.records) == 11
    assert (
        caplog.records[-1].getMessage() == f"{path}: 1000 lines that are not UTF-8 skipped in all"
    )


def test_invalid_utf8_is_refused_where_asked(folder):
    path = write(folder / "a.txt", b"good\nbad \xff line\n")
    message = rf"{re.escape(str(path))}, line 2: not UTF-8 \(byte 0xff\). .*--on_invalid_utf8=skip"
    with pytest.raises(ValueError, match=message):
        read(path, on_invalid_utf8="refuse")


def test_unknown_policy_is_refused(folder):
    with pytest.raises(ValueError, match=r"one of skip, refuse\. Received: on_invalid_utf8='x'"):
        read(write(folder / "a.txt", b"good"), on_invalid_utf8="x")


def test_no_match_is_refused(folder):
    with pytest.raises(ValueError, match=r"No file matches '.*\*\.txt'"):
        read(folder / "*.txt")


@pytest.mark.parametrize("name", ["a.csv", "a.gz", "a.txt.bz2", "txt"])
def test_unknown_kind_is_refused(folder, name):
    with pytest.raises(
        ValueError, match=r"no known kind; .*\.txt, \.txt\.gz, \.jsonl, \.jsonl\.gz"
    ):
        read(write(folder / name, b"text"))


def test_folder_is_refused(folder):
    with pytest.raises(ValueError, match=r"is a folder; give a glob .*\*\.txt"):
        read(folder)


def test_empty_file_is_refused(folder):
    (folder / "a.txt").touch()
    with pytest.raises(ValueError, match=r"a\.txt is empty"):
        read(folder / "a.txt")


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl"])
@pytest.mark.parametrize("data", [b"\n \n", b"\xff\n", b"\xef\xbb\xbf"])
def test_file_without_document_is_refused(folder, name, data):
    with pytest.raises(ValueError, match=rf"{name} holds no document"):
        read(write(folder / name, data))


def test_broken_gzip_is_refused(folder):
    whole = gzip.compress(b"one line\n" * 5000)
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    for data in (whole[:-9], b"plain text", bytes(damaged)):
        (folder / "a.txt.gz").write_bytes(data)
        with pytest.raises(ValueError, match=r"a\.txt\.gz is a broken gzip file"):
            read(folder / "a.txt.gz")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"text": ', r"line 2: not valid JSON"),
        (b"[" * 100_000, r"line 2: not valid JSON"),
        (b"[1]", r"line 2: must be a JSON object. Received: list"),
        (b'{"body": "x", "id": 1}', r"line 2: .*no field 'text'; it has body, id. .*--json_field"),
        (b'{"text": 7}', r"line 2: the field 'text' must be a string. Received: int"),
    ],
)
def test_bad_json_line_is_refused(folder, line, message):
    path = write(folder / "a.jsonl", b'{"text": "good"}\n' + line)
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))}, {message}"):
        read(path)


def test_shared_corpus_matches_an_independent_count(shared_data):
    for path in sorted((shared_data / "corpus").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        expected = [part.strip("\n") for part in re.split(r"\n{2,}", text) if part.strip()]
        documents, report = read(path)
        assert documents == expected
        assert report.lines == text.count("\n") + (not text.endswith("\n"))
