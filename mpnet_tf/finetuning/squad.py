"""Questions on texts in the JSON files of SQuAD."""

import dataclasses
import json
import os


@dataclasses.dataclass(frozen=True)
class Question:
    """A question on a text.

    Args:
        id: its name, by which predictions are matched.
        question: its text.
        context: the text that may hold the answer.
        answers: the texts of the right answers, one from each annotator; none where the context
            has no answer or the file has no answers.
        answer_starts: where each begins in `context`, in characters.
        is_impossible: whether the file says that the context has no answer (SQuAD 2.0).
    """

    id: str
    question: str
    context: str
    answers: tuple[str, ...]
    answer_starts: tuple[int, ...]
    is_impossible: bool


def read_squad(path: str | os.PathLike) -> tuple[Question, ...]:
    """Reads a file of SQuAD 1.1 or 2.0, with or without answers.

    Args:
        path: the JSON file.

    Returns:
        The questions in the file's order.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is no such file, has no questions, gives two of them one id, or has
            answers that are not where `answer_start` says; the message names the place or the ids.

    References:
        [SQuAD 1.1](https://arxiv.org/abs/1606.05250), [SQuAD 2.0](https://arxiv.org/abs/1806.03822).
    """
    questions = []
    for article, article_place in _members(_read_json(path), "data", str(path)):
        for paragraph, place in _members(article, "paragraphs", article_place):
            context = _value(paragraph, "context", str, place)
            questions += [
                _question(value, context, question_place)
                for value, question_place in _members(paragraph, "qas", place)
            ]
    if not questions:
        raise ValueError(f"{path}: the file has no questions.")
    _check_ids(questions, path)
    _check_answers(questions, path)
    return tuple(questions)


def _read_json(path):
    try:
        with open(path, encoding="utf-8-sig") as file:
            return json.load(file)
    except ValueError as error:
        raise ValueError(f"{path}: not JSON in UTF-8: {error}") from error


def _value(parent, name, kind, place):
    if not isinstance(parent, dict) or name not in parent:
        raise ValueError(f"{place}: must be a JSON object with {name!r}, as SQuAD has it.")
    value = parent[name]
    # A boolean is an int in Python and no offset.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise ValueError(
            f"{place}: {name!r} must be of type {kind.__name__}. "
            f"Received: {json.dumps(value, ensure_ascii=False)[:80]}"
        )
    return value


def _members(parent, name, place):
    """Lists the entries of a list, each with the place where it is."""
    entries = _value(parent, name, list, place)
    return [(entry, f"{place}: {name}[{index}]") for index, entry in enumerate(entries)]


def _question(value, context, place):
    question_id = _value(value, "id", str, place)
    is_impossible = _value({"is_impossible": False, **value}, "is_impossible", bool, place)
    answers = _members({"answers": [], **value}, "answers", place)
    if is_impossible and answers:
        raise ValueError(
            f"{place}: the question {question_id!r} has answers and is said to be impossible. "
            "Remove one of the two."
        )
    return Question(
        id=question_id,
        question=_value(value, "question", str, place),
        context=context,
        answers=tuple(_value(answer, "text", str, at) for answer, at in answers),
        answer_starts=tuple(_value(answer, "answer_start", int, at) for answer, at in answers),
        is_impossible=is_impossible,
    )


def _check_ids(questions, path):
    seen = set()
    for question in questions:
        if question.id in seen:
            raise ValueError(
                f"{path}: two questions have the id {question.id!r}. Give each its own."
            )
        seen.add(question.id)


def _check_answers(questions, path):
    misplaced = [
        f"{text!r} of question {question.id!r} at {start}"
        for question in questions
        for text, start in zip(question.answers, question.answer_starts, strict=True)
        if not text or start < 0 or not question.context.startswith(text, start)
    ]
    if misplaced:
        shown = ", ".join(misplaced[:5]) + (", ..." if len(misplaced) > 5 else "")
        raise ValueError(
            f"{path}: {len(misplaced)} answers are empty or not in the context at their "
            f"`answer_start`, counted in characters: {shown}. Mend or remove them."
        )
