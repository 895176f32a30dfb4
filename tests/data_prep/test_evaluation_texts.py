"""Texts are found in evaluation files of every layout."""

import pytest

from data_prep.evaluation_texts import read_evaluation_texts

SQUAD = """{"version": "1.1", "data": [{"title": "Two words", "paragraphs": [{
    "context": "Where it says so.", "qas": [{"id": "57-a1", "question": "What is it?",
    "answers": [{"text": "so", "answer_start": 14}]}]}]}]}"""


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("cola.tsv", "gj04\t1\t\tIt is so.\ngj04\t0\t*\tSo is.\n", ["It is so.", "So is."]),
        (
            "rte.tsv",
            'index\tsentence1\tsentence2\tlabel\r\n0\tA "b" c.\tD, "e.\tentailment\r\n',
            ['A "b" c.', 'D, "e.'],
        ),
        (
            "sts-dev.csv",
            'main-captions\tMSRvid\t2012test\t0001\t5.000\tA "plane.\tAn air plane.\n',
            ['A "plane.', "An air plane."],
        ),
        (
            "quoted.csv",
            'text,label\r\n"One, ""two""\r\nthree.",1\r\n中文,0\r\n',
            ['One, "two"\r\nthree.', "中文"],
        ),
        ("squad.json", SQUAD, ["Two words", "Where it says so.", "What is it?"]),
        ("lines.jsonl", '{"a": "b c", "d": 1}\n\n["e f", null]\n', ["b c", "e f"]),
        ("lines.json", '{"a": "b c"}\n{"a": "e f"}\n', ["b c", "e f"]),
        ("plain.txt", "\ufeffOne two.\n\nthree\r\nFour five.\r\n", ["One two.", "Four five.\r"]),
    ],
)
def test_texts_are_all_values_of_several_words(tmp_path, name, content, texts):
    path = tmp_path / name
    path.write_bytes(content.encode("utf-8"))
    assert read_evaluation_texts(str(path)) == texts


def test_long_cells_are_read(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text(f'text\n"{"word, " * 50_000}"\n', encoding="utf-8")
    assert read_evaluation_texts(str(path)) == ["word, " * 50_000]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pdf", b"a b", r"a\.pdf is of no known kind .* \.txt, \.tsv, \.csv, \.json, \.jsonl\."),
        ("a.txt", b"a b \xff", r"a\.txt is not UTF-8 \(.*\); save it as UTF-8"),
        ("a.txt", b"one\ntwo\n\n", r"a\.txt holds no text to look for in documents; leave it out"),
        ("a.tsv", b"", r"a\.tsv holds no text to look for in documents; leave it out"),
        ("a.csv", b'x\n"a b', r"a\.csv, line 2: not CSV \(unexpected end of data\)\. Put values"),
        ("a.json", b'{"a": "b c"', r"a\.json is not JSON \(.*line 1 column 12"),
        ("a.json", b'{"a": "b c"}\n{"a', r"a\.json, line 2: not JSON"),
        ("a.jsonl", b'{"a": "b c"}\n\n{', r"a\.jsonl, line 3: not JSON"),
    ],
)
def test_other_files_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_evaluation_texts(str(path))


def test_files_of_the_benchmarks_are_read_whole(shared_data):
    # The texts as the tasks' own readers have them.
    from mpnet_tf.finetuning.glue import read_glue
    from mpnet_tf.finetuning.squad import read_squad

    for task, folder, name in (
        ("cola", "glue/CoLA", "dev.tsv"),
        ("sst2", "glue/SST-2", "dev.tsv"),
        ("rte", "glue/RTE", "dev.tsv"),
        ("stsb", "stsb", "sts-dev.csv"),
    ):
        examples = read_glue(task, shared_data / folder, "dev")
        expected = {*examples.texts, *(examples.pairs or ())}
        found = read_evaluation_texts(str(shared_data / folder / name))
        assert {text for text in expected if len(text.split()) > 1} <= set(found)
    path = shared_data / "squad" / "dev-v1.1-part.json"
    questions = read_squad(path)
    found = read_evaluation_texts(str(path))
    assert {text for item in questions for text in (item.context, item.question)} <= set(found)
