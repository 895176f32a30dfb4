"""Training rows from SQuAD's questions, and a model's answers to them."""

from collections.abc import Sequence

import tensorflow as tf

from mpnet_tf.finetuning.squad import Question
from mpnet_tf.finetuning.window_batches import window_batches
from mpnet_tf.models.question_answerer import TransformerQuestionAnswerer
from mpnet_tf.models.question_windows import QuestionWindows


def question_batches(
    questions: Sequence[Question], windows: QuestionWindows, *, batch_size: int, seed: int | None
) -> tf.data.Dataset:
    """Makes the training data of a `TransformerQuestionAnswerer`.

    Of several right answers the first counts. One that no window has whole teaches that there is no
    answer: windows should share more tokens (`stride`) than answers have. Warnings count questions
    that are cut, and empty texts.

    Args:
        questions: what `read_squad` returns.
        windows: packs them.
        batch_size: rows in a batch; the last of a pass may have fewer.
        seed: int from 0, of the order, which is another in each pass; None for the order of the
            questions.

    Returns:
        Dataset of what `QuestionWindows.labelled` returns.

    Raises:
        ValueError: if there are no questions, or `batch_size` is below 1.
    """
    if not questions:
        raise ValueError("`questions` must not be empty.")
    # Many questions have one context.
    numbers = {}
    context_numbers = [numbers.setdefault(question.context, len(numbers)) for question in questions]
    first_answers = [
        (question.answer_starts[0], question.answer_starts[0] + len(question.answers[0]))
        if question.answers
        else (0, 0)
        for question in questions
    ]
    windows.warn_of_unfit_texts([question.question for question in questions], list(numbers))
    answer_starts, answer_ends = zip(*first_answers, strict=True)
    with tf.device("cpu"):
        texts = tf.constant([question.question for question in questions])
        contexts = tf.constant(list(numbers))
        columns = [tf.constant(column) for column in (context_numbers, answer_starts, answer_ends)]

    def make_rows(index):
        context_number, starts, ends = (tf.gather(column, index) for column in columns)
        return windows.labelled(
            tf.gather(texts, index), tf.gather(contexts, context_number), starts, ends
        )

    return window_batches(make_rows, len(questions), batch_size=batch_size, seed=seed)


def answer_questions(
    model: TransformerQuestionAnswerer, questions: Sequence[Question], **settings
) -> tuple[dict[str, str], dict[str, float]]:
    """Lets a model answer questions, whether they have an answer or not.

    Args:
        model: with a preprocessor.
        questions: what `read_squad` returns.
        **settings: what `TransformerQuestionAnswerer.rank_answers` takes, without `num_answers`.

    Returns:
        The best answer other than none by question id, and by question id how much the score of
        having none is above that answer's: what `compute_squad_metrics` takes as `predictions` and
        `no_answer_scores`.
    """
    ranked = model.rank_answers(
        [question.question for question in questions],
        [question.context for question in questions],
        num_answers=1,
        **settings,
    )
    predictions, no_answer_scores = {}, {}
    for question, answers in zip(questions, ranked, strict=True):
        predictions[question.id] = answers.best().text
        no_answer_scores[question.id] = answers.no_answer_score
    return predictions, no_answer_scores
