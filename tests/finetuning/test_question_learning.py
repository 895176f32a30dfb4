"""A small reader learns real questions by heart: labels, windows, offsets and threshold agree."""

import keras
import numpy as np

from mpnet_tf.finetuning.question_answers import answer_questions, question_batches
from mpnet_tf.finetuning.squad import read_squad
from mpnet_tf.finetuning.squad_metrics import compute_squad_metrics
from mpnet_tf.models import (
    MPNetQuestionAnswerer,
    MPNetTextPreprocessor,
    MPNetTokenizer,
    QuestionWindows,
    make_backbone,
)
from tests.models.wordpiece_reference import mpnets_vocabulary

LENGTH = 128
SETTINGS = {"stride": 40, "max_question_length": 32}


def is_after_other_characters(question):
    """Whether the answer's place in bytes is another than in characters."""
    return bool(question.answers) and not question.context[: question.answer_starts[0]].isascii()


def chosen_questions(path):
    """Every kind: on contexts with characters of several bytes, others, and without an answer."""
    questions = read_squad(path)
    of_bytes = [question for question in questions if is_after_other_characters(question)]
    of_answers = [question for question in questions if question.answers]
    without = [question for question in questions if not question.answers]
    chosen = [*of_bytes[::8][:12], *of_answers[::40][:14], *without[::90][:6]]
    return list({question.id: question for question in chosen}.values())


def are_in_later_windows(windows, questions):
    """Whether the first window of each question lacks its answer and another has it."""
    contexts = [question.context for question in questions]
    texts = [question.question for question in questions]
    starts = [question.answer_starts[0] for question in questions]
    ends = [question.answer_starts[0] + len(question.answers[0]) for question in questions]
    _, labels = windows.labelled(texts, contexts, starts, ends)
    _, places = windows(texts, contexts)
    owners, labels = places["question_index"].numpy(), labels["start_logits"].numpy()
    rows = [labels[owners == index] for index in range(len(questions))]
    return [row[0] == 0 and row.any() for row in rows]


def make_reader(shared_data):
    keras.utils.set_random_seed(1)
    tokenizer = MPNetTokenizer(mpnets_vocabulary(shared_data))
    backbone = make_backbone(
        "mpnet",
        tokenizer.vocabulary_size(),
        num_layers=2,
        num_heads=4,
        hidden_dim=64,
        intermediate_dim=128,
        max_sequence_length=LENGTH,
        dropout=0.0,
        attention_dropout=0.0,
        initializer_stddev=0.1,
    )
    return MPNetQuestionAnswerer(backbone, MPNetTextPreprocessor(tokenizer, sequence_length=LENGTH))


def test_real_questions_are_learned_by_heart(shared_data):
    questions = chosen_questions(shared_data / "squad" / "dev-v1.1-part.json")
    reader = make_reader(shared_data)
    windows = QuestionWindows(reader.preprocessor.tokenizer, LENGTH, **SETTINGS)
    answered = [question for question in questions if question.answers]
    assert sum(map(is_after_other_characters, questions)) >= 10
    assert sum(are_in_later_windows(windows, answered)) >= 4
    assert len(questions) - len(answered) == 6

    batches = question_batches(questions, windows, batch_size=16, seed=0).cache()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    losses = dict.fromkeys(("start_logits", "end_logits"), loss)
    # Without XLA: compiling takes longer than the steps.
    reader.compile(keras.optimizers.Adam(0.003), losses, jit_compile=False)
    reader.fit(batches, epochs=15, verbose=0)
    predictions, scores = answer_questions(reader, questions, **SETTINGS)
    metrics = compute_squad_metrics(
        questions, predictions, no_answer_scores=scores, no_answer_threshold=0.0
    )
    assert metrics["HasAns_exact"] == metrics["NoAns_exact"] == 100.0

    few = [questions[0], questions[-1]]
    texts = [[getattr(question, name) for question in few] for name in ("question", "context")]
    answers = reader.answer(*texts, no_answer_threshold=0.0, **SETTINGS)
    for question, answer in zip(few, answers, strict=True):
        assert question.context[answer.start : answer.end] == answer.text
        assert bool(answer.text) == bool(question.answers)
    # Above every score all are answered, below every score none is.
    extremes = [
        compute_squad_metrics(
            questions, predictions, no_answer_scores=scores, no_answer_threshold=threshold
        )["NoAns_exact"]
        for threshold in (max(scores.values()), np.nextafter(min(scores.values()), -np.inf))
    ]
    assert extremes == [0.0, 100.0]
