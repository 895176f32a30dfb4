"""SQuAD's figures, against its own evaluation code and cases worked by hand.

`OFFICIAL` is what `squad_evaluate` of transformers 4.57.6 gives, the last release line with a port
of the official scripts; torchmetrics has a port of 1.1's; hand-worked cases follow the definition.
"""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpnet_tf.finetuning.squad import Question, read_squad
from mpnet_tf.finetuning.squad_metrics import (
    answer_f1,
    compute_squad_metrics,
    exact_match,
    normalize_answer,
)

OFFICIAL = {
    "exact": 50.17768301350391,
    "f1": 59.756388679629545,
    "total": 1407,
    "HasAns_exact": 30.921985815602838,
    "HasAns_f1": 50.038636698211185,
    "HasAns_total": 705,
    "NoAns_exact": 69.51566951566952,
    "NoAns_f1": 69.51566951566952,
    "NoAns_total": 702,
    "best_exact": 51.243781094527364,
    "best_exact_thresh": 0.68,
    "best_f1": 60.443429665177824,
    "best_f1_thresh": 0.7866666666666666,
}


def draw(question, salt, num_choices):
    digest = hashlib.sha256(f"{salt}{question.id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % num_choices


def made_up_prediction(question):
    """An exact, lengthened, shortened, wrong or empty answer, as the question's id has it."""
    answer = question.answers[-1] if question.answers else ""
    return (
        answer,
        f"The {answer.upper()}, of a kind" if answer else "",
        " ".join((answer or question.context[:30]).split()[:2]),
        question.context[-25:],
        "",
    )[draw(question, "prediction", 5)]


def made_up_score(question):
    """A no-answer score with ties, lower where there is an answer."""
    return draw(question, "score", 60) / 60 * (0.8 if question.answers else 1.0)


def asked(id, *answers):
    return Question(id, "?", " ".join(answers), answers, (0,) * len(answers), not answers)


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("  The  Quick,\tbrown\nfox! ", "quick brown fox"),
        ("An apple a day", "apple day"),
        ("theatre and anthem", "theatre and anthem"),
        ("the-a", "thea"),
        ("U.S.", "us"),
        # Only ASCII punctuation goes.
        ("\u201cÉté\u201d", "\u201cété\u201d"),
        ("the", ""),
        ("", ""),
    ],
)
def test_normalized_answer(text, normalized):
    assert normalize_answer(text) == normalized


@pytest.mark.parametrize(
    ("answer", "prediction", "exact", "f1"),
    [
        ("The Normans", "normans.", 1, 1.0),
        # One word of two common: precision 1/2, recall 1.
        ("Normans", "Frankish Normans", 0, 2 / 3),
        # Repeated words count as often as both have them: 2 of 2 and 2 of 3.
        ("to be to", "to to", 0, 2 * 1 * (2 / 3) / (1 + 2 / 3)),
        ("France", "Denmark", 0, 0.0),
        ("", "", 1, 1.0),
        ("", "France", 0, 0.0),
        ("France", "", 0, 0.0),
        ("the", "a", 1, 1.0),
    ],
)
def test_scores_of_one_answer(answer, prediction, exact, f1):
    assert exact_match(answer, prediction) == exact
    assert answer_f1(answer, prediction) == pytest.approx(f1)


@given(st.text(), st.text())
def test_scores_agree_with_each_other(answer, prediction):
    f1 = answer_f1(answer, prediction)
    assert 0 <= f1 <= 1
    assert f1 == pytest.approx(answer_f1(prediction, answer))
    assert exact_match(answer, prediction) <= f1
    assert exact_match(answer, answer) == 1
    assert normalize_answer(normalize_answer(answer)) == normalize_answer(answer)


QUESTIONS = (
    asked("best of two", "wrong thing", "Paris"),
    asked("half", "red house"),
    asked("none, none predicted"),
    asked("none, one predicted"),
)
PREDICTIONS = {
    "best of two": "paris",
    "half": "house",
    "none, none predicted": "",
    "none, one predicted": "Rome",
    "of another file": "Oslo",
}


def test_figures_worked_by_hand():
    metrics = compute_squad_metrics(QUESTIONS, PREDICTIONS)
    # F1 of "half": precision 1, recall 1/2.
    assert metrics == pytest.approx(
        {
            "exact": 100 * 2 / 4,
            "f1": 100 * (1 + 2 / 3 + 1 + 0) / 4,
            "total": 4,
            "HasAns_exact": 50,
            "HasAns_f1": 100 * (1 + 2 / 3) / 2,
            "HasAns_total": 2,
            "NoAns_exact": 50,
            "NoAns_f1": 50,
            "NoAns_total": 2,
        }
    )


def test_threshold_takes_unsure_answers_away():
    scores = {"best of two": 0.1, "half": 0.6, "none, none predicted": 0.3}
    scores["none, one predicted"] = 0.7
    metrics = compute_squad_metrics(
        QUESTIONS, PREDICTIONS, no_answer_scores=scores, no_answer_threshold=0.6
    )
    # A score equal to the threshold keeps its answer.
    assert metrics["exact"] == 75
    assert metrics["HasAns_f1"] == pytest.approx(100 * (1 + 2 / 3) / 2)
    assert metrics["NoAns_f1"] == 100
    # 2 right with all unanswered; 3 from 0.1 on; "half" adds 2/3 to F1 at 0.6 and the last takes 1.
    assert metrics["best_exact"] == 75
    assert metrics["best_exact_thresh"] == 0.1
    assert metrics["best_f1"] == pytest.approx(100 * (3 + 2 / 3) / 4)
    assert metrics["best_f1_thresh"] == 0.6


def test_answers_of_nothing_but_articles_are_passed_over():
    assert compute_squad_metrics([asked("q", "the", "Paris")], {"q": "a"})["exact"] == 0
    assert compute_squad_metrics([asked("q", "the")], {"q": ""})["exact"] == 100


WORDS = st.sampled_from(
    ["the", "A", "an", "red", "Red,", "house", "U.S.", "no-one", "caf\u00e9", "."]
)
# Has a word that `normalize_answer` leaves, without which SQuAD's two scripts differ.
ANSWER = st.builds(" ".join, st.lists(WORDS, min_size=1, max_size=4)).filter(normalize_answer)
PREDICTION = st.builds(" ".join, st.lists(WORDS, max_size=4))


# The first call imports it.
@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(ANSWER, min_size=1, max_size=3), PREDICTION), min_size=1))
def test_figures_of_squad_1_are_those_of_torchmetrics(examples):
    functional = pytest.importorskip("torchmetrics.functional.text", reason="compares with it")
    questions = [asked(str(index), *answers) for index, (answers, _) in enumerate(examples)]
    predictions = {str(index): text for index, (_, text) in enumerate(examples)}
    expected = functional.squad(
        [{"id": id, "prediction_text": text} for id, text in predictions.items()],
        [
            {
                "id": question.id,
                "answers": {"text": list(question.answers), "answer_start": [0]},
            }
            for question in questions
        ],
    )
    metrics = compute_squad_metrics(questions, predictions)
    # It sums in float32.
    assert metrics["exact"] == pytest.approx(float(expected["exact_match"]), abs=1e-4)
    assert metrics["f1"] == pytest.approx(float(expected["f1"]), abs=1e-4)


def test_made_up_predictions_get_the_official_figures(shared_data):
    questions = read_squad(shared_data / "squad" / "dev-v1.1-part.json")
    metrics = compute_squad_metrics(
        questions,
        {question.id: made_up_prediction(question) for question in questions},
        no_answer_scores={question.id: made_up_score(question) for question in questions},
        no_answer_threshold=0.75,
    )
    # Only the order of the sums may differ.
    assert metrics == pytest.approx(OFFICIAL, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], {}), "`questions` must not be empty"),
        (
            (QUESTIONS, {"half": "x"}),
            "`predictions` must have an entry for every question.* 3, .*'best of two'",
        ),
        ((QUESTIONS, {}), "Received: none for 4"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        compute_squad_metrics(*arguments)


def test_threshold_and_scores_go_together():
    with pytest.raises(ValueError, match=r"`no_answer_scores` must be given"):
        compute_squad_metrics(QUESTIONS, PREDICTIONS, no_answer_threshold=0.5)
    with pytest.raises(ValueError, match="`no_answer_scores` must have an entry"):
        compute_squad_metrics(QUESTIONS, PREDICTIONS, no_answer_scores={})
