"""The slots of texts with blanks, worked out by hand, and the order in which blanks are filled."""

import numpy as np
import pytest

from mpnet_tf.models import GLMTokenizer
from mpnet_tf.models.blank_filling import (
    NOT_YET,
    BlankedText,
    blank_slots,
    continuation_batch,
    fill_blanks,
)
from mpnet_tf.models.glm_causal_lm_preprocessor import FilledText, GLMCausalLMPreprocessor

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<|startofpiece|>", "<|endofpiece|>"]
PAD, UNKNOWN, CLS, SEP, MASK, START, END, DOCUMENT_MASK, SENTENCE_MASK = range(9)
WORDS = ["a", "b", "c", "##s", "."]
A, B, C, S, STOP = range(9, 14)

# GLM's figure 2, whose text is x1 [M] x4 [M] with the spans x5 x6 and x3.
TWO_BLANKS = BlankedText([11, MASK, 14, MASK], [1, 3], ["", "", ""])
ONE_BLANK = BlankedText([12, MASK], [1], ["", ""])


@pytest.fixture(scope="module")
def preprocessor():
    return GLMCausalLMPreprocessor(GLMTokenizer([*SPECIAL, "[gMASK]", "[sMASK]", *WORDS]))


def test_slots_are_those_of_the_papers_figure():
    slots = blank_slots(
        [TWO_BLANKS, ONE_BLANK], [[[START, 15, 16], [START, 13]], []], pad_token_id=PAD
    )
    assert all(values.shape == (2, 32) and values.dtype == np.int32 for values in slots.values())
    first = {name: values[0, :9].tolist() for name, values in slots.items()}
    assert first == {
        "token_ids": [11, MASK, 14, MASK, START, 15, 16, START, 13],
        "position_ids": [0, 1, 2, 3, 1, 1, 1, 3, 3],
        "block_position_ids": [0, 0, 0, 0, 1, 2, 3, 1, 2],
        "segment_ids": [1] * 9,
        "query_step": [0, 0, 0, 0, 1, 2, 3, 4, 5],
    }
    assert slots["token_ids"][1, :4].tolist() == [12, MASK, PAD, PAD]
    assert slots["segment_ids"].sum(axis=1).tolist() == [9, 2]
    assert not slots["segment_ids"][1, 2:].any()


@pytest.mark.parametrize("end", [END, None])
def test_continuations_are_asked_for_token_by_token(end):
    slots, target_ids, target_weights = continuation_batch(
        [ONE_BLANK, BlankedText([12, 14, MASK], [2], ["", ""])],
        [[15, 16], []],
        start_token_id=START,
        end_token_id=end,
        pad_token_id=PAD,
    )
    expected_targets = [[15, 16, END], [END]] if end else [[15, 16], []]
    for row, expected in enumerate(expected_targets):
        asked = target_weights[row] > 0
        assert target_ids[row][asked].tolist() == expected
        places = slots["prediction_slots"][row][asked]
        inputs = [START, *expected[:-1]] if expected else []
        assert slots["token_ids"][row][places].tolist() == inputs
        assert slots["block_position_ids"][row][places].tolist() == list(range(1, len(inputs) + 1))
    is_key = slots["key_end"] > slots["key_start"]
    np.testing.assert_array_equal(is_key, slots["segment_ids"] > 0)
    assert slots["key_start"][0, :5].tolist() == ([0, 0, 1, 2, 3] if end else [0, 0, 1, 2, 0])


class Recorder:
    """Answers with tokens that tell the round and the text, and keeps what it was asked."""

    def __init__(self, lengths):
        self.lengths, self.calls = lengths, []

    def __call__(self, batch):
        self.calls.append(batch)
        number = len(self.calls)
        width = batch["new_token_ids"].shape[1] - 1
        rows = np.arange(len(batch["token_ids"]))[:, np.newaxis]
        lengths = np.minimum(self.lengths[number - 1], batch["num_new_tokens"])
        return {
            "token_ids": 100 * number + 10 * rows + np.arange(width),
            "padding_mask": np.arange(width) < lengths[:, np.newaxis],
        }


def test_blanks_see_what_was_generated_before_them():
    generate = Recorder([[2, 1], [3, 3]])
    filled = fill_blanks(
        generate,
        [TWO_BLANKS, ONE_BLANK],
        start_token_id=START,
        pad_token_id=PAD,
        max_new_tokens=3,
    )
    assert filled == [[[100, 101], [200, 201, 202]], [[110]]]
    first, second = generate.calls
    assert first["blank_positions"].tolist() == [1, 1]
    assert first["num_new_tokens"].tolist() == [3, 3]
    assert first["new_token_ids"].tolist() == [[START, NOT_YET, NOT_YET, NOT_YET]] * 2
    assert first["segment_ids"].sum(axis=1).tolist() == [4, 2]
    # The second text has no second blank, and waits.
    assert second["blank_positions"].tolist() == [3, 0]
    assert second["num_new_tokens"].tolist() == [3, 0]
    assert second["token_ids"][0, :7].tolist() == [11, MASK, 14, MASK, START, 100, 101]
    assert second["token_ids"][1, :4].tolist() == [12, MASK, START, 110]


def test_the_length_of_the_whole_text_limits_what_is_generated():
    generate = Recorder([[9, 9], [9, 9]])
    filled = fill_blanks(
        generate,
        [TWO_BLANKS, ONE_BLANK],
        start_token_id=START,
        pad_token_id=PAD,
        max_new_tokens=5,
        max_length=6,
    )
    # Two tokens of the first text are no blanks, and one of the second.
    assert [[len(span) for span in spans] for spans in filled] == [[4, 0], [5]]


def test_texts_become_part_a(preprocessor):
    continued, blanks, empty = preprocessor(["A b", "a [MASK] b[sMASK]. [gMASK]", " "])
    assert continued == BlankedText([CLS, A, B, DOCUMENT_MASK, SEP], [3], ["A b ", ""])
    assert blanks == BlankedText(
        [CLS, A, MASK, B, SENTENCE_MASK, STOP, DOCUMENT_MASK, SEP],
        [2, 4, 6],
        ["a ", " b", ". ", ""],
    )
    assert empty == BlankedText([CLS, DOCUMENT_MASK, SEP], [1], ["", ""])


def test_glms_authors_end_no_text_behind_its_ending(preprocessor):
    theirs = GLMCausalLMPreprocessor.from_config(
        {**preprocessor.get_config(), "end_token_after_document_mask": False}
    )
    theirs.tokenizer = preprocessor.tokenizer
    continued, inner = theirs(["a", "a [gMASK] b"])
    assert continued.token_ids == [CLS, A, DOCUMENT_MASK]
    assert inner.token_ids == [CLS, A, DOCUMENT_MASK, B, SEP]


def test_a_vocabulary_without_its_own_mask_for_endings_uses_the_mask_token():
    preprocessor = GLMCausalLMPreprocessor(GLMTokenizer([*SPECIAL, *WORDS]))
    assert preprocessor("a")[0].token_ids == [CLS, 7, MASK, SEP]


def test_what_was_generated_takes_the_place_of_the_blanks(preprocessor):
    texts = preprocessor(["A [MASK], B [MASK].", "C", "a [MASK]"])
    filled = preprocessor.generate_postprocess(texts, [[[B, C, S], []], [[S]], [[A]]])
    assert filled == [
        FilledText("A b cs, B .", ("b cs", ""), ((B, C, S), ())),
        # A piece that continues a word is put to the word before it.
        FilledText("Cs", ("##s",), ((S,),)),
        FilledText("a a", ("a",), ((A,),)),
    ]


def test_a_mask_that_the_tokenizer_does_not_find_is_an_error():
    class Blind(GLMTokenizer):
        def tokenize(self, inputs):
            return super().tokenize(inputs)[:, :2]

    preprocessor = GLMCausalLMPreprocessor(Blind([*SPECIAL, *WORDS]))
    with pytest.raises(ValueError, match=r"`inputs` must have each mask token apart"):
        preprocessor("[MASK] a [MASK]")


@pytest.mark.parametrize("inputs", [3, [["a"]], ["a", None], {"a": "b"}])
def test_what_is_no_text_is_refused(preprocessor, inputs):
    with pytest.raises(ValueError, match=r"`inputs` must"):
        preprocessor.generate_preprocess(inputs)


def test_a_vocabulary_without_spans_is_refused():
    preprocessor = GLMCausalLMPreprocessor(GLMTokenizer([*SPECIAL[:6], *WORDS]))
    with pytest.raises(ValueError, match=r"`tokenizer` must have '<\|endofpiece\|>'"):
        preprocessor.generate_preprocess("a")
