"""Texts and targets from parallel files of lines and from tables."""

import json

import pytest

from mpnet_tf.finetuning.labelled_texts import LabelledTexts
from mpnet_tf.finetuning.sequence_pairs import read_parallel_texts, read_sequence_pairs

# A character at which `str.splitlines` breaks, and spaces that stay.
SOURCES, TARGETS = ("A long\u2028 text .", " another one"), ("short", "Kürzer\t!")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train.source").write_bytes("\r\n".join(SOURCES).encode())
    (tmp_path / "train.target").write_bytes("".join(f"{text}\n" for text in TARGETS).encode())
    return tmp_path


def test_lines_of_two_files_are_pairs(folder):
    path = folder / "train.source"
    expected = LabelledTexts(SOURCES, TARGETS, None, None, str(path))
    assert read_sequence_pairs(path) == expected
    assert read_parallel_texts(str(path), str(folder / "train.target")) == expected
    without_targets = LabelledTexts(SOURCES, None, None, None, str(path))
    assert read_sequence_pairs(path, target=None) == without_targets
    with pytest.raises(FileNotFoundError, match=r"train\.target"):
        (folder / "train.target").unlink()
        read_sequence_pairs(path)


@pytest.mark.parametrize("name", ["a.jsonl", "a.tsv", "a.csv"])
def test_tables_have_columns_of_them(name, tmp_path):
    path = tmp_path / name
    separator = "\t" if name == "a.tsv" else ","
    lines = {
        "a.jsonl": [json.dumps({"document": "long", "summary": "short", "id": 1})],
    }.get(name, [separator.join(row) for row in (["document", "summary"], ["long", "short"])])
    path.write_text("\n".join(lines))
    columns = {"source": "document", "target": "summary"}
    expected = LabelledTexts(("long",), ("short",), None, None, str(path))
    assert read_sequence_pairs(path, **columns) == expected
    assert read_sequence_pairs(path, source="document", target=None).pairs is None
    with pytest.raises(ValueError, match=r"no column 'source'\. The columns are 'document'"):
        read_sequence_pairs(path)
    with pytest.raises(ValueError, match=r"no column 'target'"):
        read_sequence_pairs(path, source="document")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.source", b"a\n \nb\n", r"train\.source, line 2: the text is empty"),
        ("train.target", b"a\n\n", r"train\.target, line 2: the text is empty"),
        ("train.target", b"a\nb\nc\n", r"must have the same number of lines\. Received: 2 and 3"),
        ("train.target", b"a\n\xff\n", r"train\.target, line 2: not UTF-8"),
        ("train.source", b"", r"train\.source: the file is empty"),
    ],
)
def test_damaged_files_are_refused(name, content, message, folder):
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_sequence_pairs(folder / "train.source")


def test_empty_texts_of_tables_are_refused(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("source\ttarget\na\tb\nc\t \n")
    with pytest.raises(ValueError, match=r"line 3: 'target' is empty"):
        read_sequence_pairs(path)
    path.rename(tmp_path / "a.txt")
    with pytest.raises(ValueError, match=r"`path` must end in"):
        read_sequence_pairs(tmp_path / "a.txt")
