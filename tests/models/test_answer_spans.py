"""The search for answers against its definition, written as loops."""

import numpy as np
import pytest

from mpnet_tf.models.answer_spans import Answer, RankedAnswers, rank_answers


def random_windows(num_windows, length, seed):
    """Makes logits, and windows over contexts whose tokens are of one or two characters."""
    generator = np.random.default_rng(seed)
    logits = {
        name: generator.normal(size=(num_windows, length)).astype("float32")
        for name in ("start_logits", "end_logits")
    }
    starts = np.full((num_windows, length), -1)
    ends = np.full((num_windows, length), -1)
    for window in range(num_windows):
        first, last = sorted(generator.integers(1, length, 2).tolist())
        bounds = np.cumsum(generator.integers(1, 3, last - first + 1)) + generator.integers(0, 3)
        starts[window, first:last], ends[window, first:last] = bounds[:-1], bounds[1:]
    question_index = np.sort(generator.integers(0, 4, num_windows))
    places = {"starts": starts, "ends": ends, "question_index": question_index}
    return logits, places


def expected_answers(logits, places, contexts, num_answers, max_answer_length):
    ranked = []
    for question, context in enumerate(contexts):
        scores, null_scores = {}, [np.inf]
        for window in np.flatnonzero(places["question_index"] == question):
            start, end = logits["start_logits"][window], logits["end_logits"][window]
            null_scores.append(start[0] + end[0])
            for first in np.flatnonzero(places["starts"][window] >= 0):
                for last in range(first, min(first + max_answer_length, len(end))):
                    if places["starts"][window, last] >= 0:
                        span = places["starts"][window, first], places["ends"][window, last]
                        score = start[first] + end[last]
                        scores[span] = max(score, scores.get(span, score))
        best = sorted(scores, key=scores.get, reverse=True)[:num_answers]
        answers = tuple(Answer(context[a:b], float(scores[a, b]), a, b) for a, b in best)
        ranked.append(RankedAnswers(answers, float(min(null_scores))))
    return ranked


@pytest.mark.parametrize(("num_answers", "max_answer_length"), [(1, 30), (5, 3), (400, 4), (3, 1)])
def test_answers_are_the_best_of_all_spans(num_answers, max_answer_length):
    for seed in range(3):
        # More windows than are looked at together.
        logits, places = random_windows(150 if seed == 0 else 6, 24, seed)
        contexts = ["abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"] * 4
        settings = {"num_answers": num_answers, "max_answer_length": max_answer_length}
        found = rank_answers(logits, places, contexts, **settings)
        assert found == expected_answers(logits, places, contexts, **settings)


def test_two_windows_by_hand():
    # "the cat ran", windows "the cat" and "cat ran", after a start token, a question and a border.
    places = {
        "starts": np.array([[-1, -1, -1, 0, 4, -1], [-1, -1, -1, 4, 8, -1], [-1] * 6]),
        "ends": np.array([[-1, -1, -1, 3, 7, -1], [-1, -1, -1, 7, 11, -1], [-1] * 6]),
        "question_index": np.array([0, 0, 1]),
    }
    start = [[1.0, 9, 9, 2, 3, 9], [4.0, 9, 9, 1, 0, 9], [0.5, 9, 9, 9, 9, 9]]
    end = [[0.5, 9, 9, 0, 2, 9], [0.5, 9, 9, 2, 5, 9], [0.25, 9, 9, 9, 9, 9]]
    logits = {"start_logits": np.array(start), "end_logits": np.array(end)}
    found, empty = rank_answers(logits, places, ["the cat ran", "\0"], num_answers=3)
    assert found.null_score == 1.5
    assert found.answers == (
        Answer("cat ran", 6.0, 4, 11),
        Answer("cat", 5.0, 4, 7),
        Answer("ran", 5.0, 8, 11),
    )
    assert found.no_answer_score == -4.5
    assert found.best() == found.best(-4.5) == found.answers[0]
    assert found.best(-4.6) == Answer("", 1.5, 0, 0)
    assert empty == RankedAnswers((), 0.75)
    assert empty.no_answer_score == np.inf and empty.best() == Answer("", 0.75, 0, 0)


def test_misuse_is_refused():
    logits, places = random_windows(2, 5, 0)
    with pytest.raises(ValueError, match=r"`num_answers` must be at least 1.*num_answers=0"):
        rank_answers(logits, places, ["a"], num_answers=0)
    with pytest.raises(ValueError, match=r"`max_answer_length` must be at least 1.*length=0"):
        rank_answers(logits, places, ["a"], max_answer_length=0)
