"""Columns of Parquet files."""

import gzip

import pyarrow
import pytest
from pyarrow import parquet

from data_prep.readers import ReadingReport
from tests.data_prep.readers.reading import messages, read

TEXTS = [f"Text {number} — " + "word " * (number % 7) for number in range(1000)]


def write(path, column, **options):
    names = {"id": list(range(len(column))), "text": column}
    parquet.write_table(pyarrow.table(names), path, **options)
    return path


@pytest.mark.parametrize("row_group_size", [37, 1000])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "dictionary", "binary"])
def test_a_column_is_read(tmp_path, kind, compression, row_group_size):
    column = pyarrow.array(TEXTS)
    if kind == "dictionary":
        column = column.dictionary_encode()
    else:
        column = column.cast(getattr(pyarrow, kind)())
    options = {"compression": compression, "row_group_size": row_group_size}
    documents, report = read(write(tmp_path / "a.parquet", column, **options))
    assert documents == TEXTS
    assert report == ReadingReport(files=1, documents=1000)


def test_a_compressed_file_is_read(tmp_path):
    data = write(tmp_path / "a.parquet", TEXTS).read_bytes()
    (tmp_path / "b.parquet.gz").write_bytes(gzip.compress(data))
    assert read(tmp_path / "b.parquet.gz")[0] == TEXTS
    (tmp_path / "c.parquet.gz").write_bytes(gzip.compress(data)[:-100])
    assert read(tmp_path / "c.parquet.gz") == ([], ReadingReport(files=1, files_broken=1))


def test_a_field_may_lie_in_a_struct(tmp_path):
    rows = [{"b": {"c": "one"}}, {"b": {"c": None}}, {"b": None}, None, {"b": {"c": "five"}}]
    table = pyarrow.table({"a": rows, "a.b": ["by its name"] * 5})
    parquet.write_table(table, tmp_path / "a.parquet")
    documents, report = read(tmp_path / "a.parquet", json_field="a.b.c")
    assert documents == ["one", "five"]
    assert report.documents_dropped_malformed == 3
    assert read(tmp_path / "a.parquet", json_field="a.b")[0] == ["by its name"] * 5


def test_rows_without_a_text_are_left_out(tmp_path, caplog):
    path = write(tmp_path / "a.parquet", ["one", None, " ", "four"])
    with caplog.at_level("WARNING", logger="absl"):
        documents, report = read(path)
    assert documents == ["one", "four"]
    assert report == ReadingReport(
        files=1, documents=4, documents_dropped_empty=1, documents_dropped_malformed=1
    )
    assert messages(caplog) == [f"{path}: left out row 2: the column 'text' has no value"]
    with pytest.raises(ValueError, match=r"a\.parquet, row 2: the column 'text' has no value"):
        read(path, strict=True)


@pytest.mark.parametrize("kind", ["string", "binary"])
def test_texts_that_are_not_utf8_are_left_out(tmp_path, kind):
    column = pyarrow.array([b"one", b"\xff", "drei ü".encode()], pyarrow.binary())
    if kind == "string":
        column = pyarrow.Array.from_buffers(pyarrow.string(), 3, column.buffers())
    path = write(tmp_path / "a.parquet", column)
    documents, report = read(path)
    assert documents == ["one", "drei ü"]
    assert report == ReadingReport(files=1, documents=3, documents_dropped_invalid_utf8=1)
    with pytest.raises(ValueError, match=r"a\.parquet, row 2: not UTF-8\. .* without --strict"):
        read(path, strict=True)


@pytest.mark.parametrize("field", ["body", "text.body", "id.x"])
def test_a_column_that_is_not_there_is_always_refused(tmp_path, field):
    path = write(tmp_path / "a.parquet", ["one"])
    with pytest.raises(ValueError, match=rf"no column '{field}'; it has id, text\. .*--json_field"):
        read(path, json_field=field)


def test_a_column_of_something_else_is_always_refused(tmp_path):
    path = write(tmp_path / "a.parquet", ["one"])
    with pytest.raises(ValueError, match=r"the column 'id' must hold strings\. Received: int64"):
        read(path, json_field="id")


def test_what_lies_before_a_corrupt_page_is_kept(tmp_path, caplog):
    path = write(tmp_path / "a.parquet", TEXTS, row_group_size=100, compression="snappy")
    group = parquet.ParquetFile(path).metadata.row_group(6).column(1)
    data = bytearray(path.read_bytes())
    start = group.dictionary_page_offset or group.data_page_offset
    data[start : start + group.total_compressed_size] = b"\xff" * group.total_compressed_size
    path.write_bytes(data)
    with caplog.at_level("WARNING", logger="absl"):
        documents, report = read(path)
    assert documents == TEXTS[: len(documents)]
    # Batches do not end where row groups do.
    assert len(documents) in range(512, 601)
    assert report == ReadingReport(files=1, files_broken=1, documents=len(documents))
    (message,) = messages(caplog)
    assert "a.parquet: is a broken Parquet file (" in message
    assert message.endswith("), read as far as it goes")
    with pytest.raises(ValueError, match=r"is a broken Parquet file \(.*; make or copy it again"):
        read(path, strict=True)


@pytest.mark.parametrize("damage", ["end", "begin", "text"])
def test_a_file_that_is_no_parquet_is_broken(tmp_path, damage):
    data = write(tmp_path / "a.parquet", TEXTS).read_bytes()
    data = {"end": data[:-50], "begin": data[200:], "text": b"plain text"}[damage]
    (tmp_path / "a.parquet").write_bytes(data)
    documents, report = read(tmp_path / "a.parquet")
    assert documents == []
    assert report.files_broken == 1
