"""From the logits of all windows to the answers of the questions."""

import dataclasses

import numpy as np

# Windows that are looked at together: every span of each takes a float32.
_WINDOWS_AT_ONCE = 64


@dataclasses.dataclass(frozen=True)
class Answer:
    """A stretch of a context, or no answer.

    Args:
        text: the stretch, as the context has it; "" for no answer.
        score: the sum of the logits of its first and last token; for no answer the null score.
        start: its first character (Unicode code point, from 0) in the context.
        end: the character after it; equal to `start` for no answer.
    """

    text: str
    score: float
    start: int
    end: int


@dataclasses.dataclass(frozen=True)
class RankedAnswers:
    """The best answers to a question.

    Args:
        answers: `Answer`s, the best first; none where the context has no tokens.
        null_score: the sum of the two logits of the start token, in the window where it is least:
            every window must be without an answer for the context to be.
    """

    answers: tuple[Answer, ...]
    null_score: float

    @property
    def no_answer_score(self):
        """float. How much the null score is above the best answer's; grows with doubt."""
        return self.null_score - self.answers[0].score if self.answers else np.inf

    def best(self, no_answer_threshold=None):
        """Returns the best answer, or none.

        Args:
            no_answer_threshold: float or None. There is no answer if `no_answer_score` is above
                this; None means to answer if there is anything to answer with.
        """
        threshold = np.inf if no_answer_threshold is None else no_answer_threshold
        if not self.answers or self.no_answer_score > threshold:
            return Answer("", self.null_score, 0, 0)
        return self.answers[0]


def rank_answers(logits, places, contexts, *, num_answers=20, max_answer_length=30):
    """Finds the best answers to each question in all of its windows.

    An answer is any run of at most `max_answer_length` tokens of the context, and scores what the
    logits of its first and last token sum to. One that several windows hold has the best of their
    scores.

    Args:
        logits: dict of float arrays `(num_windows, sequence_length)`, `start_logits` and
            `end_logits`.
        places: dict of int arrays, what `QuestionWindows` returns as the second.
        contexts: sequence of str. The context of each question.
        num_answers: int from 1. Most answers to a question. Default 20.
        max_answer_length: int from 1. Most tokens in an answer. Default 30.

    Returns:
        List of `RankedAnswers`, one for each context.

    Raises:
        ValueError: if a number is below 1.

    References:
        [BERT](https://arxiv.org/abs/1810.04805), section 4.2 and 4.3.
    """
    for name, value in (("num_answers", num_answers), ("max_answer_length", max_answer_length)):
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
    start_logits, end_logits = (
        np.asarray(logits[name], np.float32) for name in ("start_logits", "end_logits")
    )
    starts, ends = np.asarray(places["starts"]), np.asarray(places["ends"])
    spans = _best_spans(
        start_logits, end_logits, starts >= 0, num_spans=num_answers, longest=max_answer_length
    )
    question_index = np.asarray(places["question_index"])
    null_scores = np.full(len(contexts), np.inf)
    np.minimum.at(null_scores, question_index, start_logits[:, 0] + end_logits[:, 0])

    found = [{} for _ in contexts]
    for window, first, last, score in zip(*(values.tolist() for values in spans), strict=True):
        place = (int(starts[window, first]), int(ends[window, last]))
        scores = found[question_index[window]]
        scores[place] = max(score, scores.get(place, score))
    ranked = []
    for context, scores, null_score in zip(contexts, found, null_scores.tolist(), strict=True):
        best = sorted(scores, key=lambda place: (-scores[place], place))[:num_answers]
        answers = tuple(
            Answer(context[start:end], scores[start, end], start, end) for start, end in best
        )
        ranked.append(RankedAnswers(answers, null_score))
    return ranked


def _best_spans(start_logits, end_logits, is_context, *, num_spans, longest):
    """Finds the best spans of each window.

    Returns:
        Arrays `(num_found,)`: window, first token, last token, score.
    """
    found = [
        _best_spans_of_few(
            *(array[first : first + _WINDOWS_AT_ONCE] for array in (start_logits, end_logits)),
            is_context[first : first + _WINDOWS_AT_ONCE],
            num_spans=num_spans,
            longest=longest,
        )
        for first in range(0, len(start_logits), _WINDOWS_AT_ONCE)
    ]
    windows = [values[0] + index * _WINDOWS_AT_ONCE for index, values in enumerate(found)]
    rest = ([values[column] for values in found] for column in range(1, 4))
    return tuple(
        np.concatenate([*arrays, []]).astype(dtype)
        for arrays, dtype in zip(
            (windows, *rest), (np.int64, np.int64, np.int64, np.float32), strict=True
        )
    )


def _best_spans_of_few(start_logits, end_logits, is_context, *, num_spans, longest):
    num_windows = len(start_logits)
    start_logits = np.where(is_context, start_logits, -np.inf)
    end_logits = np.where(is_context, end_logits, -np.inf)
    padded = np.pad(end_logits, ((0, 0), (0, longest - 1)), constant_values=-np.inf)
    # (num_windows, sequence_length, longest): the last token is so many after the first.
    last_scores = np.lib.stride_tricks.sliding_window_view(padded, longest, axis=1)
    scores = (start_logits[:, :, np.newaxis] + last_scores).reshape(num_windows, -1)
    num_spans = min(num_spans, scores.shape[1])
    best = np.argpartition(scores, -num_spans, axis=1)[:, -num_spans:]
    windows = np.repeat(np.arange(num_windows), num_spans)
    best = best.ravel()
    values = scores[windows, best]
    is_there = np.isfinite(values)
    first, further = best // longest, best % longest
    return tuple(array[is_there] for array in (windows, first, first + further, values))
