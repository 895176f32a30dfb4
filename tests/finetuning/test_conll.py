"""Column files of tagged words."""

import os
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpnet_tf.finetuning.conll import TaggedSentence, read_conll

# The layout of CoNLL-2003: IOB1, four columns, document lines.
CONLL_2003 = (
    "-DOCSTART- -X- -X- O\n\n"
    "U.N. NNP I-NP I-ORG\nofficial NN I-NP O\n\n\n"
    "-DOCSTART- -X- O O\n\n"
    "Peter NNP I-NP I-PER\nBlackburn NNP I-NP I-PER\n"
)


def written(tmp_path, content):
    path = tmp_path / "words.txt"
    path.write_bytes(content.encode())
    return path


def test_conll_2003_is_read(tmp_path):
    assert read_conll(written(tmp_path, CONLL_2003)) == (
        TaggedSentence(("U.N.", "official"), ("I-ORG", "O"), 3),
        TaggedSentence(("Peter", "Blackburn"), ("I-PER", "I-PER"), 9),
    )


def test_other_columns_are_taken_where_asked(tmp_path):
    chunks = read_conll(written(tmp_path, CONLL_2003.replace("I-NP", "B-NP")), label_column=2)
    assert chunks[0].labels == ("B-NP", "B-NP")
    path = written(tmp_path, "1\tNew York\tS-LOC\n2\t\u00a0\tO\r\n \t\n3\tx\tE-GEO-loc")
    assert read_conll(path, word_column=1) == (
        TaggedSentence(("New York", "\u00a0"), ("S-LOC", "O"), 1),
        TaggedSentence(("x",), ("E-GEO-loc",), 4),
    )


WORD = st.text(
    st.characters(codec="utf-8", exclude_characters="\t\r\n\ufeff"), min_size=1, max_size=6
).filter(lambda word: word.strip(" ") and word != "-DOCSTART-")
TYPES = st.sampled_from(["PER", "LOC", "a-b", "\u00e9"])
LABEL = st.one_of(st.just("O"), st.builds("{}-{}".format, st.sampled_from("BIES"), TYPES))
SENTENCES = st.lists(
    st.lists(st.tuples(WORD, LABEL), min_size=1, max_size=5), min_size=1, max_size=5
)


@given(SENTENCES, st.sampled_from(["\n", "\r\n"]))
def test_written_sentences_are_read_back(sentences, line_end):
    blocks = [
        "".join(f"{word}\t_\t{label}{line_end}" for word, label in sentence)
        for sentence in sentences
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "words.txt")
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(line_end.join(blocks))
        read = read_conll(path)
    assert [list(zip(s.words, s.labels, strict=True)) for s in read] == sentences
    lines = line_end.join(blocks).split("\n")
    assert [lines[s.line - 1].split("\t")[0] for s in read] == [s[0][0] for s in sentences]


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        ("", {}, r"words\.txt: the file has no sentences"),
        ("-DOCSTART- O\n\n", {}, "the file has no sentences"),
        ("a O\nb\n", {}, r"words\.txt, line 2: 1 columns where the lines before have 2"),
        ("a O\n\nb X O\n", {}, r"line 3: 3 columns where the lines before have 2"),
        ("a\nb\n", {}, r"line 1: `word_column` and `label_column` must be two columns of the 1"),
        ("a O\n", {"label_column": 2}, r"line 1: 2 columns, which lack .*label_column=2"),
        ("a NN O\n", {"label_column": 1}, r"line 1: a label must be O or B-.*Received: 'NN'"),
        ("a O\nb B-\n", {}, r"line 2: a label must .*'B-'"),
        ("a\tO\n\tO\n", {}, r"line 2: the word is empty"),
    ],
)
def test_bad_file_is_refused_by_line(tmp_path, content, columns, message):
    with pytest.raises(ValueError, match=message):
        read_conll(written(tmp_path, content), **columns)


def test_file_that_is_not_utf_8_is_refused_by_line(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes(b"a O\n\xe9 O\n")
    with pytest.raises(ValueError, match=r"words\.txt, line 2: not UTF-8"):
        read_conll(path)
