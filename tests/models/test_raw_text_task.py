"""Bad and unfit raw text in all the tasks that take it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.finetuning.conll import TaggedSentence
from mpnet_tf.finetuning.question_answers import question_batches
from mpnet_tf.finetuning.squad import Question
from mpnet_tf.finetuning.tagged_batches import tagged_batches
from mpnet_tf.models import (
    MPNetQuestionAnswerer,
    MPNetTextClassifier,
    MPNetTextEmbedder,
    MPNetTextPreprocessor,
    MPNetTokenClassifier,
    MPNetTokenizer,
    QuestionWindows,
    TextPacker,
    WordPacker,
)
from tests.models.small_models import small_backbone

WORDS = [f"w{number}" for number in range(20)]
VOCABULARY = ["<s>", "<pad>", "</s>", "[UNK]", *WORDS, "<mask>"]
LENGTH = 12
LONG = "w1 " * LENGTH


@pytest.fixture(scope="module")
def backbone():
    keras.utils.set_random_seed(1)
    return small_backbone("mpnet", num_layers=1)


@pytest.fixture(scope="module")
def preprocessor():
    return MPNetTextPreprocessor(MPNetTokenizer(VOCABULARY), sequence_length=LENGTH)


@pytest.fixture(scope="module")
def classifier(backbone, preprocessor):
    model = MPNetTextClassifier(backbone, 2, preprocessor, class_names=("no", "yes"))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, jit_compile=False)
    return model


@pytest.fixture(scope="module")
def tagger(backbone, preprocessor):
    return MPNetTokenClassifier(backbone, 2, preprocessor)


@pytest.fixture(scope="module")
def answerer(backbone, preprocessor):
    return MPNetQuestionAnswerer(backbone, preprocessor)


SETTINGS = {"stride": 2, "max_question_length": 4}


def told(caplog):
    """The warnings of our own; TensorFlow has some of many shapes."""
    return [record.getMessage() for record in caplog.records if record.name == "absl"]


@pytest.mark.parametrize(
    "texts",
    [
        "w1 w2",
        [],
        [None, "w1"],
        [1, 2],
        np.array([["w1", "w2"]]),
        [("w1", "w2"), ("w3", "w4")],
        (["w1"], ["w2", "w3"]),
        (["w1"], ["w2"], ["w3"]),
    ],
)
def test_what_is_no_list_of_texts_is_refused(classifier, texts):
    calls = [classifier.predict, lambda x, **_: classifier.fit(x, [0, 1]), classifier.evaluate]
    for call in calls:
        with pytest.raises(ValueError, match="`x` must be a list of texts, one at least, or for"):
            call(texts, verbose=0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 2], r"`y` must be ids of the classes, from 0 to 1. Received: 1 others.* 2\b"),
        (np.array([-1, 3]), r"2 others, the first of them .*-1\b"),
        (["yes", "maybe"], r"'yes'.*its place in `class_names`, \('no', 'yes'\)"),
    ],
)
def test_unknown_labels_are_refused_before_training(classifier, labels, message):
    texts = ["w1", "w2"]
    before = [weight.numpy() for weight in classifier.trainable_weights]
    for call in (
        lambda: classifier.fit(texts, labels, verbose=0),
        lambda: classifier.fit(texts, [0, 1], validation_data=(texts, labels), verbose=0),
        lambda: classifier.evaluate(texts, labels, verbose=0),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    for weight, value in zip(classifier.trainable_weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_labels_of_other_losses_pass(classifier, backbone):
    classifier.check_labels(np.eye(2))
    classifier.check_labels([0.5, 3.0])
    MPNetTextClassifier(backbone, 1).check_labels([4, 5])


@pytest.mark.parametrize("model", ["classifier", "embedder"])
def test_warnings_count_what_is_cut_or_empty(model, classifier, backbone, preprocessor, caplog):
    if model == "classifier":
        predict = classifier.predict
    else:
        predict = MPNetTextEmbedder(backbone, preprocessor).predict
    texts = ["w1 w2", LONG, "", "w3 " * (LENGTH - 2), "\u200b", LONG]
    outputs = predict(texts, verbose=0)
    assert told(caplog) == [
        "2 of the 6 texts of `x` are longer than 12 tokens and are cut at the end.",
        "2 of the 6 texts of `x` are empty or have no tokens.",
    ]
    # Cut at the end: as the beginning alone, which is no longer told of.
    caplog.clear()
    np.testing.assert_allclose(predict(["w1 " * (LENGTH - 2)], verbose=0)[0], outputs[1], atol=1e-5)
    assert not told(caplog)


def test_pairs_count_together_with_the_prompt(classifier, caplog):
    halves = (["w1 " * 4], ["w2 " * 4])
    classifier.predict(halves, verbose=0)
    assert not told(caplog)
    classifier.predict((["w1 " * 4], ["w2 " * 5]), verbose=0)
    assert "1 of the 1 texts of `x` are longer than 12 tokens" in caplog.text
    caplog.clear()
    plain = classifier.preprocessor
    classifier.preprocessor = MPNetTextPreprocessor(
        plain.tokenizer, sequence_length=LENGTH, prompt="w5 "
    )
    classifier.predict(halves, verbose=0)
    classifier.preprocessor = plain
    assert "1 of the 1 texts of `x` are longer than 12 tokens" in caplog.text


def test_ready_batches_and_datasets_are_not_looked_at(classifier, preprocessor, caplog):
    classifier.predict(preprocessor([LONG]), verbose=0)
    classifier.predict(tf.data.Dataset.from_tensors([LONG]), verbose=0)
    assert not told(caplog)


def test_ready_rows_that_are_too_long_for_the_body_are_refused(answerer, classifier, tagger):
    longest = answerer.backbone.max_sequence_length
    tokenizer = answerer.preprocessor.tokenizer
    windows = QuestionWindows(tokenizer, longest + 1, **SETTINGS)
    question = Question("1", "w1", "w2", ("w2",), (0,), False)
    sentence = TaggedSentence(("w1",), ("O",), 1)
    packer = WordPacker(tokenizer, longest + 1)
    inputs = TextPacker(tokenizer, longest + 1)(["w1"])
    for call in (
        lambda: answerer.fit(question_batches([question], windows, batch_size=1, seed=0)),
        lambda: tagger.fit(tagged_batches([sentence], packer, ["O"], batch_size=1, seed=0)),
        lambda: classifier.evaluate(inputs, [0]),
        lambda: classifier.predict(inputs),
        lambda: classifier.predict(tf.data.Dataset.from_tensors(inputs)),
    ):
        with pytest.raises(ValueError, match=r"at most 48 tokens, .* Received: rows of 49. Give"):
            call()


def test_words_must_be_given_apart(tagger):
    for texts in (["w1 w2"], "w1 w2"):
        with pytest.raises(
            ValueError,
            match=r"`texts` must be a list with a list of words.*Received: texts=.*w1 w2",
        ):
            tagger.tag(texts)
    with pytest.raises(ValueError, match="`texts` must be a list of texts"):
        tagger.tag([["w1", None]])
    assert tagger.tag([[], ["", "w1"]])[0] == []


def test_questions_must_be_lists(answerer):
    with pytest.raises(ValueError, match=r"`questions` must be a list of texts. Received: .*'w1'"):
        answerer.answer("w1", ["w2"], **SETTINGS)
    with pytest.raises(ValueError, match=r"`contexts` must be a list of texts. Received: .*'w2'"):
        answerer.answer(["w1"], "w2", **SETTINGS)
    with pytest.raises(ValueError, match="`questions` must be a list of texts"):
        answerer.answer([None], ["w2"], **SETTINGS)


def test_warnings_count_questions_that_are_cut_and_empty_texts(answerer, caplog):
    questions = [LONG, "", "w1", "w1 w2"]
    found = answerer.answer(questions, ["w3", "w4", " ", LONG], **SETTINGS)
    assert [answer.text for answer in found[:3]] == ["w3", "w4", ""]
    assert told(caplog) == [
        "1 of the 4 questions are longer than 4 tokens and are cut at the end.",
        "1 of the 4 questions are empty or have no tokens.",
        "1 of the 4 contexts are empty or have no tokens.",
    ]
