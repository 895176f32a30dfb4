"""Questions from raw text to SQuAD's figures, against a model of `transformers`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.conversion.huggingface_tokenizer import write_tokenizer
from mpnet_tf.finetuning.question_answers import answer_questions, question_batches
from mpnet_tf.finetuning.squad import Question, read_squad
from mpnet_tf.finetuning.squad_metrics import compute_squad_metrics
from mpnet_tf.models import (
    BertQuestionAnswerer,
    BertTextPreprocessor,
    BertTokenizer,
    MPNetQuestionAnswerer,
    MPNetTokenizer,
    make_backbone,
)
from mpnet_tf.models.answer_spans import Answer
from mpnet_tf.models.question_windows import QuestionWindows
from tests.conversion import peer_models
from tests.conversion.peer_models import torch, transformers
from tests.models.wordpiece_reference import berts_vocabulary, mpnets_vocabulary

LENGTH = 150
STRIDE = 40
WORDS = ["who", "where", "ran", "the", "cat", "dog", "fox", "home", "away", "sat", "on", "."]
VOCABULARY = ["[PAD]", "[UNK]", *WORDS, "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module", params=["mpnet", "bert"])
def their_model(request, shared_data, tmp_path_factory):
    """A directory of `transformers` with a model and its tokenizer, and the two."""
    path = str(tmp_path_factory.mktemp(request.param))
    if request.param == "mpnet":
        tokenizer = MPNetTokenizer(mpnets_vocabulary(shared_data), model_max_length=LENGTH)
        class_name = "MPNetForQuestionAnswering"
    else:
        tokenizer = BertTokenizer(berts_vocabulary(shared_data), model_max_length=LENGTH)
        class_name = "BertForQuestionAnswering"
    model = peer_models.make_model(class_name, vocab_size=tokenizer.vocabulary_size())
    model.save_pretrained(path)
    write_tokenizer(tokenizer.settings(), path, model_type=request.param)
    return path, model, transformers.AutoTokenizer.from_pretrained(path)


def expected_answers(model, tokenizer, questions):
    """What SQuAD's example program of `transformers` does, with every start and end a candidate."""
    features = tokenizer(
        [question.question for question in questions],
        [question.context for question in questions],
        truncation="only_second",
        max_length=LENGTH,
        stride=STRIDE,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding=True,
    )
    names = ("input_ids", "attention_mask", "token_type_ids")
    with torch.no_grad():
        logits = model(**{name: torch.tensor(features[name]) for name in names if name in features})
    best, null_scores = {}, {}
    for row, index in enumerate(features["overflow_to_sample_mapping"]):
        question = questions[index]
        start, end = logits.start_logits[row].tolist(), logits.end_logits[row].tolist()
        null = start[0] + end[0]
        null_scores[question.id] = min(null, null_scores.get(question.id, null))
        context = [place for place, one in enumerate(features.sequence_ids(row)) if one == 1]
        offsets = features["offset_mapping"][row]
        for first in context:
            for last in range(first, min(first + 30, context[-1] + 1)):
                score = start[first] + end[last]
                if question.id not in best or score > best[question.id][0]:
                    text = question.context[offsets[first][0] : offsets[last][1]]
                    best[question.id] = (score, text)
    scores = {id: null_scores[id] - score for id, (score, _) in best.items()}
    return {id: text for id, (_, text) in best.items()}, scores


def test_answers_to_real_questions_are_those_of_transformers(their_model, shared_data):
    path, model, tokenizer = their_model
    questions = read_squad(shared_data / "squad" / "dev-v1.1-part.json")[::35]
    expected, expected_scores = expected_answers(model, tokenizer, questions)
    ours = {"mpnet": MPNetQuestionAnswerer, "bert": BertQuestionAnswerer}
    reader = ours[model.config.model_type].from_preset(path)
    assert reader.preprocessor.sequence_length == LENGTH
    settings = {"stride": STRIDE, "max_question_length": 64}
    predictions, scores = answer_questions(reader, questions, **settings)
    assert predictions == expected
    assert list(scores) == list(expected_scores)
    np.testing.assert_allclose(list(scores.values()), list(expected_scores.values()), atol=1e-3)
    metrics = compute_squad_metrics(questions, predictions, no_answer_scores=scores)
    assert metrics["total"] == len(questions) == 41
    assert metrics["best_exact"] >= metrics["NoAns_total"] * 100 / metrics["total"]

    texts = [[getattr(one, name) for one in questions] for name in ("question", "context")]
    threshold = float(np.median(list(scores.values())))
    answers = reader.answer(*texts, no_answer_threshold=threshold, **settings)
    for question, answer in zip(questions, answers, strict=True):
        answered = scores[question.id] <= threshold
        assert answer.text == (expected[question.id] if answered else "")
        assert answer.text == question.context[answer.start : answer.end]


def made_up_questions():
    """Who ran, and where, of every animal and place; the answer is the word that differs."""
    questions = []
    for number, (animal, place) in enumerate(
        (animal, place) for animal in ("cat", "dog", "fox") for place in ("home", "away")
    ):
        context = f"The  {animal} ran {place}. " + "The on sat. " * (number % 3)
        for word, answer in (("who", animal), ("where", place)):
            start = context.index(answer)
            id = f"{number}{word}"
            questions.append(Question(id, word, context, (answer,), (start,), False))
    context = "The dog sat."
    return [*questions, Question("none", "where", context, (), (), True)]


def small_reader():
    keras.utils.set_random_seed(1)
    backbone = make_backbone(
        "bert",
        len(VOCABULARY),
        num_layers=2,
        num_heads=2,
        hidden_dim=32,
        intermediate_dim=32,
        max_sequence_length=16,
        dropout=0.0,
        attention_dropout=0.0,
        initializer_stddev=0.2,
    )
    preprocessor = BertTextPreprocessor(BertTokenizer(VOCABULARY), sequence_length=16)
    return BertQuestionAnswerer(backbone, preprocessor=preprocessor)


def test_training_rows_teach_the_answers(tmp_path):
    questions = made_up_questions()
    reader = small_reader()
    windows = QuestionWindows(reader.preprocessor.tokenizer, 16, 3, max_question_length=2)
    batches = question_batches(questions, windows, batch_size=8, seed=3)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    losses = dict.fromkeys(("start_logits", "end_logits"), loss)
    # Without XLA: compiling takes longer than the steps.
    reader.compile(keras.optimizers.Adam(0.005), losses, jit_compile=False)
    reader.fit(batches, epochs=40, verbose=0)
    settings = {"stride": 3, "max_question_length": 2}
    predictions, scores = answer_questions(reader, questions, **settings)
    metrics = compute_squad_metrics(questions, predictions, no_answer_scores=scores)
    assert metrics["best_exact"] == metrics["HasAns_exact"] == 100.0

    reader.save_to_preset(str(tmp_path))
    restored = BertQuestionAnswerer.from_preset(str(tmp_path))
    text = "The  fox ran away."
    assert [answer.text for answer in restored.answer(["who"], [text], **settings)] == ["fox"]
    (answer,) = restored.answer(["where"], ["the dog sat"], no_answer_threshold=0.0, **settings)
    assert answer == Answer("", answer.score, 0, 0)
    (ranked,) = restored.rank_answers(["who"], [text], num_answers=4, **settings)
    assert len(ranked.answers) == 4 and ranked.answers[0].start == 5
    assert restored.answer([], []) == []


def test_batches_hold_every_row_in_an_order_that_follows_from_the_seed():
    questions = made_up_questions()
    windows = QuestionWindows(BertTokenizer(VOCABULARY), 10, 1, max_question_length=2)
    expected, labels = windows.labelled(
        [question.question for question in questions],
        [question.context for question in questions],
        [question.context.index((question.answers or [""])[0]) for question in questions],
        [
            question.context.index((question.answers or [""])[0])
            + len((question.answers or [""])[0])
            for question in questions
        ],
    )

    def rows(batches):
        batches = list(batches)
        assert {len(one["token_ids"]) for one, _ in batches[:-1]} == {4}
        columns = [
            tf.concat([one["token_ids"] for one, _ in batches], axis=0),
            *(
                tf.concat([one[name] for _, one in batches], axis=0)[:, tf.newaxis]
                for name in ("start_logits", "end_logits")
            ),
        ]
        return tf.concat(columns, axis=1).numpy().tolist()

    names = ("start_logits", "end_logits")
    columns = [expected["token_ids"], *(labels[name][:, tf.newaxis] for name in names)]
    expected = tf.concat(columns, axis=1).numpy().tolist()
    assert rows(question_batches(questions, windows, batch_size=4, seed=None)) == expected
    batches = question_batches(questions, windows, batch_size=4, seed=1)
    passes = [rows(batches), rows(batches)]
    same = question_batches(questions, windows, batch_size=4, seed=1)
    assert [rows(same), rows(same)] == passes
    assert sorted(passes[0]) == sorted(passes[1]) == sorted(expected)
    other = rows(question_batches(questions, windows, batch_size=4, seed=2))
    assert len({str(order) for order in (expected, *passes, other)}) == 4


def test_misuse_is_refused():
    reader = small_reader()
    with pytest.raises(ValueError, match=r"as many as `questions`.* 1 questions and 2 contexts"):
        reader.answer(["who"], ["a", "b"])
    with pytest.raises(ValueError, match=r"`sequence_length` must be at least .*stride=128"):
        reader.answer(["who"], ["a"], stride=128)
    windows = QuestionWindows(reader.preprocessor.tokenizer, 16, 3, max_question_length=2)
    with pytest.raises(ValueError, match=r"`batch_size` must be at least 1.*batch_size=0"):
        question_batches(made_up_questions(), windows, batch_size=0, seed=0)
    with pytest.raises(ValueError, match="`questions` must not be empty"):
        question_batches([], windows, batch_size=1, seed=0)
    reader.preprocessor = None
    with pytest.raises(ValueError, match=r"`preprocessor` of the model .*`BertTextPreprocessor`"):
        reader.answer(["who"], ["a"])
