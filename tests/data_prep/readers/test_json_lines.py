"""One JSON object a line, and lines that hold none."""

import gzip
import io
import json
import re
from unittest import mock

import hypothesis
import hypothesis.strategies as st
import pytest

from data_prep.readers import ReadingReport, lines
from data_prep.readers.json_lines import read_json_lines
from tests.data_prep.readers.reading import damage_for, messages, read


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.ndjson", "a.json.gz"])
@pytest.mark.parametrize("field", ["text", "body"])
def test_each_line_is_a_document(tmp_path, name, field):
    texts = ["One.\n\nStill one.", "Zwei — ü", " ", "Three"]
    rows = [json.dumps({"id": 1, field: text}) for text in texts] + ["", "  "]
    data = "\r\n".join(rows).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    documents, report = read(tmp_path / name, json_field=field)
    assert documents == [texts[0], texts[1], texts[3]]
    assert report == ReadingReport(files=1, lines=6, documents=4, documents_dropped_empty=1)


def test_half_a_surrogate_pair_becomes_encodable(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(rb'{"text": "a \ud800 b \ud83d\ude00"}')
    assert read(tmp_path / "a.jsonl")[0] == ["a ? b 😀"]


def test_a_field_may_lie_in_an_object(tmp_path):
    rows = [
        {"a": {"b": {"c": "deep"}}},
        {"a.b.c": "by its name", "a": {"b": {"c": "not this"}}},
        {"a": {"b": "no object"}},
        {"a": {}},
        {"a": {"b": {"c": ["no string"]}}},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    documents, report = read(tmp_path / "a.jsonl", json_field="a.b.c")
    assert documents == ["deep", "by its name"]
    assert report.documents_dropped_malformed == 3


DAMAGED = [b'{"text": ', b"[1]", b'{"body": "x"}', b'{"text": null}', b"7", b"[" * 2000]


@hypothesis.given(
    st.text(),
    st.lists(
        st.one_of(
            st.text(st.characters(exclude_categories=["Cs"])),
            st.sampled_from([*DAMAGED, b'{"text": "\xff"}', b"", b" \t", b"\xe2\x80\xa8"]),
        )
    ),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 50),
)
@hypothesis.settings(max_examples=300, deadline=None)
def test_blocks_and_damage_change_no_other_line(first, rows, ensure_ascii, line_end, block_bytes):
    first = first.encode("utf-8", "replace").decode()
    rows = [first, *rows]
    data = line_end.encode().join(
        row
        if isinstance(row, bytes)
        else json.dumps({"n": 1, "text": row}, ensure_ascii=ensure_ascii).encode()
        for row in rows
    )
    report = ReadingReport()
    with mock.patch.object(lines, "_BLOCK_BYTES", block_bytes):
        documents = list(read_json_lines(io.BytesIO(data), damage_for(report), "text"))
    assert documents == [row for row in rows if isinstance(row, str)]
    assert report.documents_dropped_malformed == sum(row in DAMAGED for row in rows)
    assert report.documents_dropped_invalid_utf8 == rows.count(b'{"text": "\xff"}')
    assert report.lines == len(rows) - (rows[-1] == b"")


PROBLEMS = [
    (b'{"text": ', r"not valid JSON"),
    (b"[" * 100_000, r"not valid JSON"),
    (b"[1]", r"must be a JSON object. Received: list"),
    (
        b'{"body": "x", "id": 1}',
        r"the object has no field 'text'; it has body, id\. .*--json_field",
    ),
    (b'{"text": 7}', r"the field 'text' must be a string. Received: int"),
]


@pytest.mark.parametrize(("line", "problem"), PROBLEMS)
def test_a_bad_line_is_left_out_or_refused(tmp_path, caplog, line, problem):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "good"}\n' + line + b'\n{"text": "also good"}')
    with caplog.at_level("WARNING", logger="absl"):
        documents, report = read(path)
    assert documents == ["good", "also good"]
    assert report == ReadingReport(files=1, lines=3, documents=3, documents_dropped_malformed=1)
    (message,) = messages(caplog)
    assert re.match(rf"{re.escape(str(path))}: left out line 2: {problem}", message)
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))}, line 2: {problem}"):
        read(path, strict=True)


def test_a_bad_first_line_is_left_out_too(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "cut o\n{"text": "good"}\n')
    documents, report = read(tmp_path / "a.jsonl")
    assert documents == ["good"]
    assert report.documents_dropped_malformed == 1


def test_a_line_that_is_not_utf8_is_a_dropped_document(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "\xff"}\n{"text": "good"}\n')
    documents, report = read(tmp_path / "a.jsonl")
    assert documents == ["good"]
    assert report.documents_dropped_invalid_utf8 == report.lines_invalid_utf8 == 1


def test_a_field_that_the_first_object_lacks_is_always_refused(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('\n{"body": "x", "id": 1}\n{"text": "x"}\n')
    for field in ("text", "body.text"):
        with pytest.raises(
            ValueError, match=rf"no field '{field}'; it has body, id\. Name .* by --json_field"
        ):
            read(path, json_field=field)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("value", [[{"text": "one"}, {"text": "two"}], {"text": "one"}])
def test_json_over_several_lines_is_always_refused(tmp_path, indent, value):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value, indent=indent))
    if indent is None and isinstance(value, dict):
        assert read(path)[0] == ["one"]
        return
    with pytest.raises(ValueError, match=r"is not JSON Lines but one JSON value.*one object a"):
        read(path)
