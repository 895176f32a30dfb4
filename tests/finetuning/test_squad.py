"""Questions of SQuAD's files, real and made up."""

import copy
import json

import pytest

from mpnet_tf.finetuning.squad import Question, read_squad

SMALL = {
    "version": "1.1",
    "data": [
        {
            "title": "Normans",
            "paragraphs": [
                {
                    # One character of the offsets below lies outside of the basic plane.
                    "context": "The \U0001d4dd\u00f6rmans came from Norway.",
                    "qas": [
                        {
                            "id": "q1",
                            "question": "Who?",
                            "answers": [
                                {"text": "\U0001d4dd\u00f6rmans", "answer_start": 4},
                                {"text": "The \U0001d4dd\u00f6rmans", "answer_start": 0},
                            ],
                        },
                        {"id": "q2", "question": "When?", "answers": [], "is_impossible": True},
                        {"id": "q3", "question": "Not answered in this file?"},
                    ],
                }
            ],
        },
        {"title": "none", "paragraphs": []},
    ],
}


def written(tmp_path, value):
    path = tmp_path / "questions.json"
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def test_small_file_is_read_whole(tmp_path):
    context = "The \U0001d4dd\u00f6rmans came from Norway."
    answers = ("\U0001d4dd\u00f6rmans", "The \U0001d4dd\u00f6rmans")
    assert read_squad(written(tmp_path, SMALL)) == (
        Question("q1", "Who?", context, answers, (4, 0), False),
        Question("q2", "When?", context, (), (), True),
        Question("q3", "Not answered in this file?", context, (), (), False),
    )


def test_real_file_is_read_whole(shared_data):
    path = shared_data / "squad" / "dev-v1.1-part.json"
    questions = read_squad(path)
    text = path.read_text(encoding="utf-8")
    assert len(questions) == text.count('"question":') == 1407
    assert sum(question.is_impossible for question in questions) == 702
    assert questions[0].answers[0] == "France"
    # Plausible answers of impossible questions are no answers.
    assert not any(question.answers for question in questions if question.is_impossible)


def changed(change):
    value = copy.deepcopy(SMALL)
    change(value, value["data"][0]["paragraphs"][0]["qas"])
    return value


def shift_answers(value, questions):
    questions[0]["answers"][0]["answer_start"] = 5
    questions[0]["answers"][1]["answer_start"] = -1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (shift_answers, r"json: 2 answers are empty or not in the context.* of question 'q1' at 5"),
        (lambda value, questions: questions[0]["answers"][0].update(text=""), r"json: 1 answers"),
        (
            lambda value, questions: questions[0].update(is_impossible=True),
            r"data\[0\]: paragraphs\[0\]: qas\[0\]: the question 'q1' has answers and is said to",
        ),
        (lambda value, questions: questions[1].update(id="q1"), "two questions have the id 'q1'"),
        (lambda value, questions: questions[1].pop("id"), r"qas\[1\]: must be a JSON object with"),
        (lambda value, questions: questions[1].update(id=3), r"'id' must be of type str.*: 3"),
        (
            lambda value, questions: questions[0]["answers"][1].update(answer_start=True),
            r"qas\[0\]: answers\[1\]: 'answer_start' must be of type int. Received: true",
        ),
        (lambda value, questions: value.pop("data"), r"json: must be .* with 'data', as SQuAD"),
        (lambda value, questions: value.update(data={}), r"'data' must be of type list"),
        (lambda value, questions: value.update(data=[]), "the file has no questions"),
        (lambda value, questions: value.update(data=[1]), r"data\[0\]: must be a JSON object"),
    ],
)
def test_bad_file_is_refused_by_place(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        read_squad(written(tmp_path, changed(change)))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff{}"])
def test_file_that_is_no_json_is_refused(tmp_path, content):
    path = tmp_path / "questions.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"questions\.json: not JSON in UTF-8"):
        read_squad(path)
