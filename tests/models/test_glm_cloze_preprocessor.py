"""Questions with all answers as slots, against GLM's definition of one answer after the other."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.models import GLMTokenizer
from mpnet_tf.models.cloze_pattern import ClozePattern
from mpnet_tf.models.glm_cloze_preprocessor import GLMClozePreprocessor
from mpnet_tf.objectives.visibility import visible_slots
from tests.models.cloze_model import OF_PAIRS, PATTERN, SECONDS, SINGLE, TEXTS, preprocessor_of
from tests.models.objective_views import blank_infilling
from tests.models.small_models import small_backbone
from tests.models.writing_model import END, SPECIAL, START, VOCABULARY_SIZE, WORDS, tokenizer

CLS, SEP, MASK, PAD = 2, 3, 4, 0


def arrays(slots):
    return {name: np.asarray(values) for name, values in slots.items()}


def question_of(slots, row):
    """Returns the tokens of a row up to the verbalizers."""
    is_text = (slots["block_position_ids"][row] == 0) & (slots["segment_ids"][row] > 0)
    return slots["token_ids"][row][is_text].tolist()


def word(number):
    return len(SPECIAL) + number


def test_slots_of_a_question_with_single_words():
    slots = arrays(preprocessor_of(SINGLE)(["w3"]))
    question = [CLS, word(1), word(3), word(2), MASK, SEP]
    rest = [PAD] * (32 - 7)
    assert slots["token_ids"].tolist() == [[*question, START, *rest]]
    assert slots["position_ids"].tolist() == [[0, 1, 2, 3, 4, 5, 4, *rest]]
    assert slots["block_position_ids"].tolist() == [[0] * 6 + [1, *rest]]
    assert slots["segment_ids"].tolist() == [[1] * 7 + rest]
    assert slots["prediction_slots"].tolist() == [[6]]
    # No end of the span: there is only one token to compare.
    assert slots["span_predictions"].tolist() == [[[0], [0]]]
    assert slots["span_token_ids"].tolist() == [[[word(4)], [word(5)]]]
    assert {values.dtype.name for values in slots.values()} == {"int32"}


def test_each_span_sees_what_it_would_alone():
    slots = arrays(preprocessor_of()(TEXTS))
    visible = np.asarray(visible_slots(slots))
    for row in range(len(TEXTS)):
        question = question_of(slots, row)
        place = question.index(MASK)
        for span, predictions in zip(
            slots["span_token_ids"][row], slots["span_predictions"][row], strict=True
        ):
            targets = span[span >= 0].tolist()
            assert targets[-1] == END
            view = blank_infilling(question, [(place, [START, *targets[:-1]])]).content
            asked = slots["prediction_slots"][row][predictions[: len(targets)]]
            own = [*range(len(question)), *asked]
            for name, expected in (
                ("token_ids", view.token_ids),
                ("position_ids", view.positions),
                ("block_position_ids", view.block_positions),
            ):
                assert slots[name][row][own].tolist() == expected
            np.testing.assert_array_equal(visible[row][np.ix_(own, own)], view.mask)
            others = np.setdiff1d(np.arange(visible.shape[2]), own)
            assert not visible[row][np.ix_(own, others)].any()


@pytest.mark.parametrize("pattern", [PATTERN, OF_PAIRS])
def test_a_pattern_has_the_tokens_of_the_filled_text(pattern):
    x = (TEXTS, SECONDS) if pattern.has_pair else TEXTS
    slots = arrays(preprocessor_of(pattern)(x))
    for row, (text, pair) in enumerate(zip(TEXTS, SECONDS, strict=True)):
        whole = pattern.pattern.replace("{text}", text).replace("{pair}", pair)
        assert question_of(slots, row) == [CLS, *tokenizer()(whole).numpy(), SEP]


def test_the_text_is_cut_and_nothing_else():
    preprocessor = preprocessor_of(sequence_length=9)
    assert preprocessor.text_room(is_pair=False) == 3
    slots = arrays(preprocessor(["w8 w9 w10", "w8 w9 w10 w11 w12"]))
    assert question_of(slots, 0) == question_of(slots, 1)
    expected = [CLS, word(1), word(8), word(9), word(10), word(2), MASK, word(3), SEP]
    assert question_of(slots, 0) == expected


def test_the_longer_of_a_pair_is_cut_first():
    # Room for four tokens besides the pattern's five.
    preprocessor = preprocessor_of(OF_PAIRS, sequence_length=9)
    firsts, seconds = ["w8 " * 9, "w8", "w8 " * 9], ["w9", "w9 " * 9, "w9 " * 9]
    slots = arrays(preprocessor((firsts, seconds)))
    for row, (of_text, of_pair) in enumerate([(3, 1), (1, 3), (2, 2)]):
        question = [CLS, *[word(9)] * of_pair, word(1), MASK, word(2), *[word(8)] * of_text, SEP]
        assert question_of(slots, row) == question


def test_rows_are_as_long_as_the_longest_needs():
    # 27 tokens of the first question and 6 slots of the spans.
    for length, width in ((20, 32), (21, 64)):
        slots = preprocessor_of()(["w8 " * length, "w8"])
        assert slots["token_ids"].shape == (2, width)


@pytest.mark.parametrize("pattern", [PATTERN, OF_PAIRS])
def test_a_dataset_gives_what_an_eager_call_does(pattern):
    preprocessor = preprocessor_of(pattern)
    x = (TEXTS, SECONDS) if pattern.has_pair else TEXTS
    expected = arrays(preprocessor(x))
    dataset = tf.data.Dataset.from_tensor_slices((x, [0, 1, 1, 0])).batch(4)
    ((found, labels),) = dataset.map(lambda x, y: preprocessor(x, y=y))
    assert labels.numpy().tolist() == [0, 1, 1, 0]
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_the_configuration_keeps_the_order_of_the_classes():
    preprocessor = preprocessor_of()
    config = keras.saving.serialize_keras_object(preprocessor)
    restored = keras.saving.deserialize_keras_object(config)
    assert restored.pattern == PATTERN
    assert restored.pattern.class_names == PATTERN.class_names
    assert restored.get_config() == preprocessor.get_config()


def with_words(**words):
    return dataclasses.replace(PATTERN, verbalizers={"a": "w4", **words})


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (with_words(b="never"), r"`verbalizers` must be words .*'never', with the tokens \[UNK\]"),
        (with_words(b="w5 never"), r"Received: 'w5 never', with the tokens w5 \[UNK\]\. Choose"),
        (with_words(b="[SEP]"), r"`verbalizers` must be words that the tokenizer's vocabulary has"),
        (with_words(b="\u200b"), r"Received: '\\u200b', with the tokens none"),
        (with_words(b="W4"), r"`verbalizers` must be different tokens for each class"),
    ],
)
def test_verbalizers_that_do_not_fit_the_vocabulary_are_refused(pattern, message):
    with pytest.raises(ValueError, match=message):
        preprocessor_of(pattern)


def test_a_vocabulary_without_spans_is_refused():
    plain = GLMTokenizer([*SPECIAL[:5], *WORDS])
    with pytest.raises(ValueError, match=r"`tokenizer` must have '<\|startofpiece\|>'"):
        GLMClozePreprocessor(plain, PATTERN)


@pytest.mark.parametrize(
    ("pattern", "length", "least"),
    [(PATTERN, 6, 7), (ClozePattern("{text} [MASK]", {"a": "w1 " * 9, "b": "w2"}), 9, 10)],
)
def test_too_short_rows_are_refused(pattern, length, least):
    with pytest.raises(ValueError, match=rf"`sequence_length` must be at least {least}, for"):
        preprocessor_of(pattern, sequence_length=length)
    assert preprocessor_of(pattern, sequence_length=least)(["w8"])


def test_what_the_pattern_does_not_take_is_refused():
    with pytest.raises(ValueError, match=r"`x` must be texts for the pattern .*pairs of texts"):
        preprocessor_of()((TEXTS, SECONDS))
    with pytest.raises(ValueError, match=r"`x` must be pairs of texts for the pattern .*: texts"):
        preprocessor_of(OF_PAIRS)(TEXTS)
    with pytest.raises(ValueError, match=r"`x` must be texts of shape \(batch_size,\)"):
        preprocessor_of()([TEXTS])
    with pytest.raises(tf.errors.InvalidArgumentError, match="as many on either side"):
        preprocessor_of(OF_PAIRS)((TEXTS, SECONDS[1:]))
    with pytest.raises(ValueError, match="`sequence_length` must be a positive integer"):
        preprocessor_of(sequence_length=0)


def test_a_body_must_fit():
    sizes = {"num_layers": 1, "vocabulary_size": VOCABULARY_SIZE, "max_sequence_length": 30}
    with pytest.raises(ValueError, match=r"`sequence_length` .* at most the body's .*, 30\."):
        preprocessor_of().check_fits(small_backbone("glm", **sizes))
    with pytest.raises(ValueError, match=r"`tokenizer` .*`vocabulary_size`, 20\. Received: .* 40"):
        preprocessor_of().check_fits(
            small_backbone("glm", **{**sizes, "vocabulary_size": 20, "max_sequence_length": 40})
        )
