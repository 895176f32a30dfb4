"""Columns of CSV and TSV files."""

import csv
import io
from unittest import mock

import hypothesis
import hypothesis.strategies as st
import pytest

from data_prep.readers import ReadingReport, lines
from data_prep.readers.separated_values import read_csv, read_tsv
from tests.data_prep.readers.reading import damage_for, messages, read

# Python 3.10 refuses NUL.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


@hypothesis.given(
    st.lists(st.tuples(st.text(CHARACTERS), st.text(CHARACTERS))),
    st.booleans(),
    st.integers(1, 50),
)
@hypothesis.settings(max_examples=300, deadline=None)
def test_what_csv_wrote_is_read(rows, quote_all, block_bytes):
    file = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.writer(file, quoting=quoting)
    writer.writerow(["id", "text"])
    writer.writerows(rows)
    report = ReadingReport()
    with mock.patch.object(lines, "_BLOCK_BYTES", block_bytes):
        data = io.BytesIO(file.getvalue().encode())
        documents = list(read_csv(data, damage_for(report), "text"))
    assert documents == [text for _, text in rows]
    assert report == ReadingReport(lines=file.getvalue().count("\n"))


def test_tsv_has_no_quoting(tmp_path):
    (tmp_path / "a.tsv").write_bytes(
        '\ufefftext\tid\r\n"One" and\t1\r\n\r\n\tempty\r\n"Two\t2\r\nThree \u2028 \r 3\t3'.encode()
    )
    documents, report = read(tmp_path / "a.tsv")
    assert documents == ['"One" and', '"Two', "Three \u2028 \r 3"]
    assert report == ReadingReport(files=1, lines=6, documents=4, documents_dropped_empty=1)


def test_one_column_alone_is_read(tmp_path):
    (tmp_path / "a.csv").write_text('text\n"a, ""b""\nc"\n\nd\n')
    assert read(tmp_path / "a.csv")[0] == ['a, "b"\nc', "d"]
    (tmp_path / "a.tsv").write_text("text\na\n\nb\n")
    documents, report = read(tmp_path / "a.tsv")
    assert documents == ["a", "b"]
    assert report.documents_dropped_empty == 1


def test_a_value_may_be_long(tmp_path):
    with open(tmp_path / "a.csv", "w", newline="") as file:
        csv.writer(file).writerows([["text"], ["word, " * 500_000]])
    assert read(tmp_path / "a.csv")[0] == ["word, " * 500_000]


def test_rows_that_do_not_fit_are_left_out(tmp_path, caplog):
    path = tmp_path / "a.csv"
    path.write_text('id,text\n1,good\n2\n3,cut, here\n4,"text" behind\n5,"fine,\n5"\n6,"open\n7,x')
    with caplog.at_level("WARNING", logger="absl"):
        documents, report = read(path)
    assert documents == ["good", "fine,\n5"]
    assert report == ReadingReport(files=1, lines=9, documents=6, documents_dropped_malformed=4)
    (message,) = messages(caplog)
    for part in (
        "line 3: 1 values where the header has 2; line 4: 3 values",
        "line 5: not CSV (",
        "line 8: not CSV (unexpected end of data)",
    ):
        assert part in message
    with pytest.raises(ValueError, match=r"a\.csv, line 3: 1 values where the header has 2"):
        read(path, strict=True)


@pytest.mark.parametrize(("name", "separator"), [("a.csv", b","), ("a.tsv", b"\t")])
def test_a_text_that_is_not_utf8_is_left_out(tmp_path, name, separator):
    rows = [[b"text", b"id"], [b"good", b"\xff"], [b"bad \xff", b"2"], [b"last", b"3"]]
    (tmp_path / name).write_bytes(b"\n".join(map(separator.join, rows)))
    documents, report = read(tmp_path / name)
    # Bad bytes in another column harm nothing.
    assert documents == ["good", "last"]
    assert report == ReadingReport(
        files=1, lines=4, lines_invalid_utf8=2, documents=3, documents_dropped_invalid_utf8=1
    )
    with pytest.raises(ValueError, match=r"line 2: not UTF-8 \(byte 0xff\)"):
        read(tmp_path / name, strict=True)


@pytest.mark.parametrize("reader", [read_csv, read_tsv])
@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"id\xff,body", r"file has no column named 'text'; its header is 'id.*by --json_field"),
        (b"text,text,x", r"file has several columns named 'text'; its header"),
    ],
)
def test_a_column_that_is_not_there_is_always_refused(reader, header, message):
    header = header.replace(b",", b"\t") if reader is read_tsv else header
    with pytest.raises(ValueError, match=message) as error:
        list(reader(io.BytesIO(header + b"\n"), damage_for(ReadingReport()), "text"))
    str(error.value).encode()


def test_a_header_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text('"id"x,text\n')
    with pytest.raises(ValueError, match=r"a\.csv, line 1: not CSV \(.*Mend the header"):
        read(tmp_path / "a.csv")
