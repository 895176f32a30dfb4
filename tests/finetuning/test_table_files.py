"""Tables in TSV, CSV and JSON Lines files, written here by other means and read back."""

import csv
import json
import os
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpnet_tf.finetuning.labelled_texts import LabelledTexts
from mpnet_tf.finetuning.table_files import (
    read_labelled_texts,
    read_numbered_table,
    read_table,
    read_text_columns,
)

COLUMNS = ("first", "second \u2028 name", "third")


def tables_of(values, num_columns=3):
    row = st.tuples(*[values] * num_columns)
    return st.lists(row, min_size=1, max_size=8)


def characters(without):
    return st.characters(codec="utf-8", exclude_characters=without)


def written(path, content):
    path.write_bytes(content.encode())
    return path


def read_back(suffix, content, **arguments):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"table{suffix}")
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(content)
        return read_table(path, **arguments)


def as_columns(rows, names=COLUMNS):
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}


# TSV has no way to write a tab or a line end, and a final "\r" is that of a Windows line.
TSV_TEXT = st.text(characters("\t\r\n\ufeff"), max_size=12)


@given(tables_of(TSV_TEXT), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_tsv_is_read_back(rows, line_end, has_header, ends_with_line_end):
    lines = ["\t".join(row) for row in ([COLUMNS] if has_header else []) + rows]
    content = line_end.join(lines) + (line_end if ends_with_line_end else "")
    columns = None if has_header else COLUMNS
    assert read_back(".tsv", content, columns=columns) == as_columns(rows)


@given(tables_of(TSV_TEXT, num_columns=1))
def test_tsv_of_one_column_keeps_its_empty_values(rows):
    content = "".join(f"{text}\n" for (text,) in rows)
    assert read_back(".tsv", content, columns=["text"]) == as_columns(rows, ["text"])


# The csv module of Python 3.10 refuses NUL.
@given(tables_of(st.text(characters("\0\ufeff"), max_size=12)), st.booleans())
def test_csv_is_read_back(rows, unix):
    # Python's writer leaves "\r" without quotes where that is no part of its line end.
    style = {"lineterminator": "\n", "quoting": csv.QUOTE_ALL} if unix else {}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "table.csv")
        with open(path, "w", encoding="utf-8", newline="") as file:
            csv.writer(file, **style).writerows([COLUMNS, *rows])
        assert read_table(path) == as_columns(rows)


@given(tables_of(st.text(characters(""), max_size=12)), st.booleans())
def test_json_lines_are_read_back(rows, ensure_ascii):
    objects = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    lines = [json.dumps(value, ensure_ascii=ensure_ascii) for value in objects]
    assert read_back(".jsonl", "\n".join(lines)) == as_columns(rows)


def test_quotes_are_text_in_tsv_and_quoting_in_csv(tmp_path):
    tsv = written(tmp_path / "a.tsv", 'a\tb\n"x\ty"\n')
    assert read_table(tsv) == {"a": ['"x'], "b": ['y"']}
    quoted = written(tmp_path / "a.csv", 'a,b\r\n"x, ""y""\r\nz",1\r\n')
    assert read_table(quoted) == {"a": ['x, "y"\r\nz'], "b": ["1"]}


def test_numbers_of_json_stay_as_they_are_written(tmp_path):
    path = written(
        tmp_path / "a.jsonl", '{"a": 1.50, "b": true}\n{"b": 1e3, "a": 12345678901234567}'
    )
    assert read_table(path) == {"a": ["1.50", "12345678901234567"], "b": ["true", "1e3"]}


def test_byte_order_mark_and_blank_lines_are_no_values(tmp_path):
    for name, content in (
        ("a.tsv", "\ufeffa\tb\n\n1\t2\r\n\r\n"),
        ("a.csv", "\ufeffa,b\n\n1,2\r\n\r\n"),
        ("a.jsonl", '\ufeff{"a": 1, "b": 2}\n\n'),
    ):
        assert read_table(written(tmp_path / name, content)) == {"a": ["1"], "b": ["2"]}


def test_rows_know_their_lines(tmp_path):
    path = written(tmp_path / "a.csv", 'a,b\n"two\nlines",1\n\nlast,2\n')
    assert read_numbered_table(path).line_numbers == [2, 5]


def test_only_selected_columns_are_read(tmp_path):
    path = written(tmp_path / "a.jsonl", '{"a": "x", "meta": {"k": 1}}\n{"a": "y", "more": []}\n')
    assert read_numbered_table(path, selected=["a"]).columns == {"a": ["x", "y"]}


def test_short_rows_are_left_out_where_asked(tmp_path, caplog):
    path = written(tmp_path / "a.tsv", "a\tb\n1\t2\nbroken\n3\t4\textra\n")
    table = read_numbered_table(path, skip_short_rows=True, allow_further_values=True)
    assert table.columns == {"a": ["1", "3"], "b": ["2", "4"]}
    assert table.line_numbers == [2, 4]
    assert "left out 1 rows with too few values, the first in line 3" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", b"", r"a\.tsv: there is no row of values"),
        ("a.tsv", b"a\tb\n", r"a\.tsv: there is no row.*at least one"),
        ("a.csv", b"a,b\n", r"a\.csv: there is no row of values"),
        ("a.jsonl", b"\n", r"a\.jsonl: there is no row of values"),
        ("a.tsv", b"a\tb\n1\t2\n3\n", r"a\.tsv, line 3: 1 values where the 2 columns a, b are"),
        ("a.tsv", b"a\tb\n1\t2\t3\n", r"a\.tsv, line 2: 3 values"),
        ("a.csv", b'a,b\n"1\n",2\n3\n', r"a\.csv, line 4: 1 values"),
        ("a.csv", b'a,b\n1,2\n"3"4,5\n', r"a\.csv, line 3: not CSV.*double quotes"),
        ("a.csv", b'a,b\n1,2\n"3,4\n\n', r"a\.csv, line 3: not CSV"),
        ("a.tsv", b"a\ta\n1\t2\n", r"a\.tsv: several columns have the name 'a'"),
        ("a.tsv", b"a\tb\n1\t2\n\xff\t3\n", r"a\.tsv, line 3: not UTF-8 at byte 0 of the line"),
        ("a.jsonl", b'{"a": 1}\n{"a": \n', r"a\.jsonl, line 2: not JSON.*one object a line"),
        ("a.jsonl", b'{"a": 1}\n[1]\n', r"a\.jsonl, line 2: must be a JSON object.*\[1\]"),
        ("a.jsonl", b'{"a": 1}\n{"b": 2}\n', r"a\.jsonl, line 2: no column 'a'.*'b'"),
        ("a.jsonl", b'{"a": null}\n', r"line 1: 'a' must be a string, a number or a boolean.*null"),
        ("a.txt", b"a\n1\n", r"`path` must end in \.tsv, \.csv or \.jsonl.*a\.txt"),
    ],
)
def test_bad_file_is_refused_by_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_table(path)


def test_json_lines_take_no_names(tmp_path):
    with pytest.raises(ValueError, match="`columns` must be None for JSON Lines"):
        read_table(written(tmp_path / "a.jsonl", '{"a": 1}'), columns=["a"])


def test_missing_file_is_named(tmp_path):
    with pytest.raises(OSError, match=r"nowhere\.tsv"):
        read_table(tmp_path / "nowhere.tsv")


PAIRS = "id\ta\tb\tlabel\nx\tone\ttwo\tyes\ny\tthree\tfour\tno\n"


def test_examples_are_taken_from_columns(tmp_path):
    path = written(tmp_path / "a.tsv", PAIRS)
    assert read_labelled_texts(path, text="a", pair="b", label="label", id="id") == LabelledTexts(
        ("one", "three"), ("two", "four"), ("yes", "no"), ("x", "y"), str(path)
    )
    single = read_labelled_texts(path, text="b")
    assert single == LabelledTexts(("two", "four"), None, None, None, str(path))
    assert len(single) == 2


def test_columns_of_texts_are_taken_in_their_order(tmp_path):
    path = written(tmp_path / "a.tsv", "id\tnegative\tanchor\tpositive\n1\tc\ta\tb\n2\tf\td\te\n")
    triples = read_text_columns(path, ("anchor", "positive", "negative"))
    assert triples == (("a", "d"), ("b", "e"), ("c", "f"))
    with pytest.raises(ValueError, match=r"a\.tsv: no column 'hard'. The columns are 'id', 'neg"):
        read_text_columns(path, ("anchor", "positive", "hard"))
    path = written(tmp_path / "b.csv", "x,y\nz, \n")
    with pytest.raises(
        ValueError, match=r"b\.csv, line 2: 'q' is empty. Fill it in or remove the row\."
    ):
        read_text_columns(path, ("p", "q"), columns=("p", "q"))


def test_numeric_labels_become_floats(tmp_path):
    path = written(tmp_path / "a.jsonl", '{"a": "x", "s": 2.50}\n{"a": "y", "s": "1e-1"}\n')
    assert read_labelled_texts(path, text="a", label="s", numeric_labels=True).labels == (2.5, 0.1)


def test_empty_text_is_taken_where_allowed(tmp_path):
    path = written(tmp_path / "a.tsv", "a\tb\n\tx\n")
    assert read_labelled_texts(path, text="a", allow_empty=True).texts == ("",)


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (PAIRS, {"text": "c"}, r"a\.tsv: no column 'c'. The columns are 'id', 'a', 'b', 'label'"),
        (PAIRS, {"text": "a", "label": "c"}, r"a\.tsv: no column 'c'"),
        (
            PAIRS,
            {"text": "a", "pair": "c"},
            r"A pair task was given single sentences: .*'c'.*name no column of pairs",
        ),
        ("a\tb\nx\ty\n\tz\n", {"text": "a"}, r"a\.tsv, line 3: 'a' is empty.*`allow_empty=True`"),
        ("a\tb\nx\t \u3000\n", {"text": "a", "pair": "b"}, r"line 2: 'b' is empty"),
        ("a\tb\nx\t\n", {"text": "a", "label": "b"}, r"line 2: the label in 'b' is empty"),
        (
            PAIRS,
            {"text": "a", "label": "label", "known_labels": ["yes", "maybe"]},
            r"a\.tsv, line 3: unknown label 'no' in 'label'. It must be one of yes, maybe",
        ),
        (
            PAIRS,
            {"text": "a", "label": "label", "numeric_labels": True},
            r"line 2: the label in 'label' must be a finite number. Received: 'yes'",
        ),
        ("a\tb\nx\tnan\n", {"text": "a", "label": "b", "numeric_labels": True}, r"finite.*'nan'"),
    ],
)
def test_bad_examples_are_refused_by_line(tmp_path, content, arguments, message):
    with pytest.raises(ValueError, match=message):
        read_labelled_texts(written(tmp_path / "a.tsv", content), **arguments)


def test_fields_of_unequal_length_are_refused():
    with pytest.raises(
        ValueError, match=r"`labels` must have one entry for each of the 2 texts.*1"
    ):
        LabelledTexts(("a", "b"), None, ("x",), None, "here")
