"""`QuestionWindows` against `transformers`' windows and labels."""

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.finetuning.squad import read_squad
from mpnet_tf.models import BertTokenizer, MPNetTokenizer
from mpnet_tf.models.question_windows import QuestionWindows

WORDS = ["who", "ran", "the", "cat", "dog", "##s", "."]
VOCABULARY = ["<s>", "<pad>", "</s>", "[UNK]", *WORDS, "<mask>"]
BERTS = ["[PAD]", "[UNK]", *WORDS, "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def questions(shared_data):
    return read_squad(shared_data / "squad" / "dev-v1.1-part.json")


def arrays(tensors):
    return {name: value.numpy() for name, value in tensors.items()}


def expected_windows(theirs, questions, *, length, stride):
    return theirs(
        [question.question for question in questions],
        [question.context for question in questions],
        truncation="only_second",
        max_length=length,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding="max_length",
        return_tensors="np",
    )


def answer_places(questions):
    """The first answers of questions; an empty one for those without."""
    starts = [question.answer_starts[0] if question.answers else 0 for question in questions]
    texts = [question.answers[0] if question.answers else "" for question in questions]
    return starts, [start + len(text) for start, text in zip(starts, texts, strict=True)]


@pytest.mark.parametrize(("length", "stride"), [(384, 128), (120, 31), (75, 0)])
def test_real_windows_are_those_of_transformers(tokenizers_of_kind, questions, length, stride):
    tokenizer, theirs = tokenizers_of_kind
    questions = questions[:: 1 if length == 384 else 5]
    expected = expected_windows(theirs, questions, length=length, stride=stride)
    windows = QuestionWindows(
        tokenizer, length, stride, max_question_length=60 if length > 99 else 45
    )
    inputs, places = map(
        arrays,
        windows(
            [question.question for question in questions],
            [question.context for question in questions],
        ),
    )
    names = {"token_ids": "input_ids", "padding_mask": "attention_mask"}
    if tokenizer.has_segment_ids:
        names["segment_ids"] = "token_type_ids"
    assert set(inputs) == set(names)
    for name, value in inputs.items():
        np.testing.assert_array_equal(value, expected[names[name]], name)
    np.testing.assert_array_equal(places["question_index"], expected["overflow_to_sample_mapping"])
    is_context = np.array(
        [
            [index == 1 for index in expected.sequence_ids(row)]
            for row in range(len(inputs["token_ids"]))
        ]
    )
    for column, name in enumerate(("starts", "ends")):
        offsets = np.where(is_context, expected["offset_mapping"][:, :, column], -1)
        np.testing.assert_array_equal(places[name], offsets, name)


def labels_of_run_qa(offsets, is_context, start, end):
    """What `run_qa.py` of the examples of `transformers` has for a window with one answer."""
    if start == end:
        return 0, 0
    first, last = np.flatnonzero(is_context)[[0, -1]]
    if not (offsets[first][0] <= start and offsets[last][1] >= end):
        return 0, 0
    while first < len(offsets) and is_context[first] and offsets[first][0] <= start:
        first += 1
    while offsets[last][1] >= end:
        last -= 1
    return first - 1, last + 1


@pytest.mark.parametrize(("length", "stride"), [(384, 128), (120, 31)])
def test_real_labels_are_those_of_run_qa(tokenizers_of_kind, questions, length, stride):
    tokenizer, theirs = tokenizers_of_kind
    questions = [question for question in questions[::3] if len(question.question) < 200]
    expected = expected_windows(theirs, questions, length=length, stride=stride)
    starts, ends = answer_places(questions)
    inputs, labels = QuestionWindows(tokenizer, length, stride, 60).labelled(
        [question.question for question in questions],
        [question.context for question in questions],
        starts,
        ends,
    )
    np.testing.assert_array_equal(inputs["token_ids"], expected["input_ids"])
    found = list(
        zip(*(labels[f"{name}_logits"].numpy().tolist() for name in ("start", "end")), strict=True)
    )
    assert found == [
        labels_of_run_qa(
            expected["offset_mapping"][row].tolist(),
            [index == 1 for index in expected.sequence_ids(row)],
            starts[index],
            ends[index],
        )
        for row, index in enumerate(expected["overflow_to_sample_mapping"].tolist())
    ]
    assert len(set(found)) > len(questions) // 4


def test_windows_by_hand():
    windows = QuestionWindows(BertTokenizer(BERTS), 10, stride=1, max_question_length=3)
    contexts = ["The dogs ran. Who?", "", "cat"]
    starts, ends = [9, 0, 0], [12, 0, 3]
    inputs, labels = windows.labelled(["who ran the cat dog", "who", ""], contexts, starts, ends)
    cls, sep = 9, 10
    who, ran, the, cat, dog, s, stop = range(2, 9)
    unknown = 1
    assert inputs["token_ids"].numpy().tolist() == [
        [cls, who, ran, the, sep, the, dog, s, ran, sep],
        [cls, who, ran, the, sep, ran, stop, who, unknown, sep],
        [cls, who, sep, sep, 0, 0, 0, 0, 0, 0],
        [cls, sep, cat, sep, 0, 0, 0, 0, 0, 0],
    ]
    assert inputs["segment_ids"].numpy().tolist()[2:] == [
        [0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0, 0, 0, 0, 0],
    ]
    assert labels["start_logits"].numpy().tolist() == [8, 5, 0, 2]
    assert labels["end_logits"].numpy().tolist() == [8, 5, 0, 2]
    _, places = windows(["who ran the cat dog", "who", ""], contexts)
    assert places["question_index"].numpy().tolist() == [0, 0, 1, 2]
    assert places["starts"].numpy().tolist()[1] == [-1] * 5 + [9, 12, 14, 17, -1]
    assert places["ends"].numpy().tolist()[1] == [-1] * 5 + [12, 13, 17, 18, -1]


def test_labels_of_odd_answers_by_hand():
    windows = QuestionWindows(BertTokenizer(BERTS), 9, stride=0, max_question_length=1)
    # Within a token, with white space around, across two windows, empty, and of white space alone.
    spans = [(5, 6), (3, 9), (9, 14), (6, 6), (3, 4)]
    contexts = ["the dogs ran. cat"] * len(spans)
    _, labels = windows.labelled(["who"] * len(spans), contexts, *zip(*spans, strict=True))
    found = np.stack([labels["start_logits"], labels["end_logits"]], axis=1)
    # Each context has the windows "the dog ##s ran ." and "cat".
    assert found.tolist() == [
        *([4, 4], [0, 0]),
        *([4, 5], [0, 0]),
        *([6, 7], [0, 0]),
        *([0, 0], [0, 0]),
        *([0, 0], [0, 0]),
    ]
    _, labels = windows.labelled(["who"], contexts[:1], [9], [17])
    assert labels["start_logits"].numpy().tolist() == [0, 0]


def test_segment_ids_follow_the_body():
    inputs, _ = QuestionWindows(MPNetTokenizer(VOCABULARY), 9, 0, 2)(["who"], ["cat"])
    assert set(inputs) == {"token_ids", "padding_mask"}
    inputs, _ = QuestionWindows(MPNetTokenizer(VOCABULARY), 9, 0, 2, True)(["who"], ["cat"])
    assert inputs["segment_ids"].numpy().tolist() == [[0] * 9]
    inputs, _ = QuestionWindows(BertTokenizer(BERTS), 9, 0, 2, False)(["who"], ["cat"])
    assert set(inputs) == {"token_ids", "padding_mask"}


def test_eager_and_tf_data_agree():
    windows = QuestionWindows(MPNetTokenizer(VOCABULARY), 9, 1, 2)
    columns = (["who ran", "", "who"], ["the cats ran the dog", "dogs", ""], [4, 0, 0], [8, 0, 0])
    inputs, labels = map(arrays, windows.labelled(*columns))
    dataset = tf.data.Dataset.from_tensor_slices(columns).batch(2).map(windows.labelled)
    found = [(arrays(one), arrays(other)) for one, other in dataset]
    for index, expected in enumerate((inputs, labels)):
        for name, value in expected.items():
            parts = np.concatenate([batch[index][name] for batch in found])
            np.testing.assert_array_equal(parts, value)
    assert dataset.element_spec[0]["token_ids"].shape[1] == 9
    empty, places = windows(tf.zeros([0], tf.string), tf.zeros([0], tf.string))
    assert empty["token_ids"].shape == places["starts"].shape == (0, 9)


def test_misuse_is_refused():
    tokenizer = MPNetTokenizer(VOCABULARY)
    with pytest.raises(ValueError, match=r"`stride` must not be negative\. Received: stride=-1"):
        QuestionWindows(tokenizer, stride=-1)
    with pytest.raises(ValueError, match=r"`max_question_length` must be at least 1.*length=0"):
        QuestionWindows(tokenizer, max_question_length=0)
    with pytest.raises(ValueError, match=r"at least 10: 4 special.*Received: sequence_length=9"):
        QuestionWindows(tokenizer, 9, stride=2, max_question_length=3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="as many contexts as questions"):
        QuestionWindows(tokenizer)(["who"], ["cat", "dog"])
