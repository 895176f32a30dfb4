"""Exact match and F1 of answers, as SQuAD's own evaluation has them."""

import collections
import re
import string
from collections.abc import Mapping, Sequence

from mpnet_tf.finetuning.squad import Question

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """Lower-cases a text, takes away ASCII punctuation and English articles, and evens spaces."""
    text = text.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def exact_match(answer: str, prediction: str) -> int:
    """Returns 1 where the two are equal after `normalize_answer`, otherwise 0."""
    return int(normalize_answer(answer) == normalize_answer(prediction))


def answer_f1(answer: str, prediction: str) -> float:
    """Computes the F1 of the words that two texts share after `normalize_answer`.

    Where one of them has no words left, it is 1 if the other has none either, otherwise 0.
    """
    answer_words = normalize_answer(answer).split()
    predicted_words = normalize_answer(prediction).split()
    if not answer_words or not predicted_words:
        return float(answer_words == predicted_words)
    common = collections.Counter(answer_words) & collections.Counter(predicted_words)
    num_common = common.total()
    if not num_common:
        return 0.0
    precision = num_common / len(predicted_words)
    recall = num_common / len(answer_words)
    return 2 * precision * recall / (precision + recall)


def compute_squad_metrics(
    questions: Sequence[Question],
    predictions: Mapping[str, str],
    *,
    no_answer_scores: Mapping[str, float] | None = None,
    no_answer_threshold: float | None = None,
) -> dict[str, float]:
    """Computes the figures of SQuAD 2.0's evaluation, which for 1.1 are those of its own.

    Each question counts with the best of its right answers. One that has none in the file has no
    answer: only the empty prediction is right, and 1 where a right answer is given counts 0. (1.1's
    script differs where a right answer has no word left after `normalize_answer`, such as "the":
    2.0's passes over such an answer.)

    Args:
        questions: what `read_squad` returns.
        predictions: the predicted answer by question id; "" for no answer. Others are not looked
            at.
        no_answer_scores: for each question id how sure the model is that there is no answer: a
            probability, or any number that grows with it.
        no_answer_threshold: a question whose score is above it is taken as answered by "", whatever
            the prediction. None leaves the predictions as they are.

    Returns:
        `exact` and `f1` in percent and `total`, the number of questions. The same with `HasAns_`
        and `NoAns_` before the name for those with and without an answer, if there are any. With
        `no_answer_scores` also `best_exact`, `best_exact_thresh`, `best_f1` and `best_f1_thresh`,
        what the best threshold gives, found as the official script does: scores are gone through
        upwards, equal ones in the order of `questions`, each a place to stop.

    Raises:
        ValueError: if there are no questions, a question has no prediction or no score, or a
            threshold is given without scores.

    References:
        [SQuAD 2.0](https://arxiv.org/abs/1806.03822), appendix and evaluation script.
    """
    _check_arguments(questions, predictions, no_answer_scores, no_answer_threshold)
    has_answer = {question.id: bool(question.answers) for question in questions}
    raw_scores = {
        "exact": _best_scores(exact_match, questions, predictions),
        "f1": _best_scores(answer_f1, questions, predictions),
    }
    scores = raw_scores
    if no_answer_threshold is not None:
        unanswered = {id for id in has_answer if no_answer_scores[id] > no_answer_threshold}
        scores = {
            name: _with_unanswered(values, unanswered, has_answer)
            for name, values in raw_scores.items()
        }
    metrics = _means(scores, list(has_answer))
    for prefix, wanted in (("HasAns_", True), ("NoAns_", False)):
        ids = [id for id, has in has_answer.items() if has is wanted]
        if ids:
            metrics |= {prefix + name: value for name, value in _means(scores, ids).items()}
    if no_answer_scores is not None:
        for name, values in raw_scores.items():
            best, threshold = _best_threshold(values, predictions, no_answer_scores, has_answer)
            metrics |= {f"best_{name}": best, f"best_{name}_thresh": threshold}
    return metrics


def _check_arguments(questions, predictions, no_answer_scores, no_answer_threshold):
    if not questions:
        raise ValueError("`questions` must not be empty.")
    if no_answer_threshold is not None and no_answer_scores is None:
        raise ValueError(
            "`no_answer_scores` must be given with a `no_answer_threshold`. "
            f"Received: no_answer_threshold={no_answer_threshold}"
        )
    for name, values in (("predictions", predictions), ("no_answer_scores", no_answer_scores)):
        if values is None:
            continue
        missing = [question.id for question in questions if question.id not in values]
        if missing:
            raise ValueError(
                f"`{name}` must have an entry for every question. Received: none for "
                f"{len(missing)}, the first of them {missing[0]!r}"
            )


def _best_scores(score, questions, predictions):
    best = {}
    for question in questions:
        # An answer that is nothing but articles and punctuation would be met by no prediction.
        answers = [text for text in question.answers if normalize_answer(text)] or [""]
        best[question.id] = max(score(text, predictions[question.id]) for text in answers)
    return best


def _with_unanswered(scores, unanswered, has_answer):
    return {
        id: float(not has_answer[id]) if id in unanswered else score for id, score in scores.items()
    }


def _means(scores, ids):
    means = {
        name: 100.0 * sum(values[id] for id in ids) / len(ids) for name, values in scores.items()
    }
    return {**means, "total": len(ids)}


def _best_threshold(scores, predictions, no_answer_scores, has_answer):
    # Below every score, all questions are taken as having no answer.
    total = best = float(sum(not has for has in has_answer.values()))
    best_threshold = 0.0
    for id in sorted(scores, key=no_answer_scores.__getitem__):
        if has_answer[id]:
            total += scores[id]
        elif predictions[id]:
            total -= 1
        if total > best:
            best = total
            best_threshold = no_answer_scores[id]
    return 100.0 * best / len(scores), best_threshold
