"""Texts and targets as tokens, against the model's own preprocessor."""

import dataclasses

import keras
import numpy as np
import pytest
from absl import logging

from mpnet_tf.finetuning.encoded_sequences import encode_sequences
from mpnet_tf.finetuning.labelled_texts import LabelledTexts
from mpnet_tf.finetuning.sequence_layout import SequenceLayout
from mpnet_tf.models import GLMCausalLM, GLMTokenizer
from mpnet_tf.models.glm_causal_lm_preprocessor import GLMCausalLMPreprocessor
from tests.finetuning.sequence_examples import examples
from tests.models.writing_model import END, LONGEST, tokenizer, writing_model

PATTERNS = [
    "{source}",
    "{source} w20: [MASK]",
    "[sMASK] w20 {source}",
    "w21 {source} [MASK] w22",
    "w1 w2 {source}[gMASK]",
]


@pytest.fixture
def warnings(monkeypatch):
    """The warnings that are logged."""
    told = []
    monkeypatch.setattr(logging, "warning", lambda message, *values: told.append(message % values))
    return told


@pytest.fixture(params=[True, False], ids=["ended", "not_ended"])
def model(request):
    """Models whose texts end with the end token, and not behind the blank of an ending."""
    model = writing_model()
    preprocessor = GLMCausalLMPreprocessor(tokenizer(), end_token_after_document_mask=request.param)
    return GLMCausalLM(model.backbone, preprocessor, lm_head=model.lm_head)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_tokens_are_those_of_generation(pattern, model, warnings):
    texts = examples()
    encoded = encode_sequences(texts, model, SequenceLayout(pattern))
    expected = model.preprocessor([pattern.replace("{source}", text) for text in texts.texts])
    assert encoded.source_ids.to_list() == [text.token_ids for text in expected]
    positions = [text.blank_positions for text in expected]
    np.testing.assert_array_equal(encoded.blank_positions[:, np.newaxis], positions)
    targets = model.preprocessor.tokens_of(texts.pairs)
    assert encoded.target_ids.to_list() == [[*tokens, END] for tokens in targets]
    blanked = encoded.blanked_texts(np.array([7, 2]))
    for text, number in zip(blanked, (7, 2), strict=True):
        assert text == dataclasses.replace(expected[number], pieces=["", ""])
    assert not warnings and encode_sequences(encoded, model, SequenceLayout()) is encoded
    lengths = [len(row) for row in encoded.source_ids.to_list()]
    np.testing.assert_array_equal(encoded.source_lengths, lengths)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_is_cut_is_the_end_of_the_text(pattern, model, warnings):
    texts = examples()
    layout = SequenceLayout(pattern, source_length=10, target_length=6)
    encoded = encode_sequences(texts, model, layout)
    (frame,) = model.preprocessor([pattern.replace("{source}", "")])
    room = 10 - len(frame.token_ids)
    words = [text.split() for text in texts.texts]
    expected = [" ".join(text[:room]) for text in words]
    expected = model.preprocessor([pattern.replace("{source}", text) for text in expected])
    assert encoded.source_ids.to_list() == [text.token_ids for text in expected]
    assert encoded.blank_positions.tolist() == [text.blank_positions[0] for text in expected]
    targets = model.preprocessor.tokens_of(texts.pairs)
    # What is cut does not end there.
    assert encoded.target_ids.to_list() == [[*tokens, END][:6] for tokens in targets]
    num_sources = sum(len(text) > room for text in words)
    num_targets = sum(len(tokens) > 5 for tokens in targets)
    assert 0 < num_sources < 40 and 0 < num_targets < 40
    assert warnings == [
        f"made up: of 40 texts, {num_sources} are longer than {room} tokens, and {num_targets} "
        "targets longer than 6 with the token that ends them. They are cut at the end."
    ]


class RecordingTokenizer(GLMTokenizer):
    """Keeps the texts that it is given."""

    def tokenize(self, inputs):
        self.texts = [*getattr(self, "texts", []), *inputs]
        return super().tokenize(inputs)


def test_words_and_the_spaces_before_them_go_together():
    """As byte-pair encoding wants them, for which both are one token."""
    recording = RecordingTokenizer(tokenizer().get_vocabulary())
    model = writing_model()
    model = GLMCausalLM(model.backbone, GLMCausalLMPreprocessor(recording), lm_head=model.lm_head)
    texts = LabelledTexts(("w1",), ("w2",), None, None, "")
    encode_sequences(texts, model, SequenceLayout("w3: {source} w4: [MASK]"))
    assert recording.texts == ["w3: w4: [MASK]", "w3:", " w1", "w2"]


def test_targets_may_be_unknown():
    texts = dataclasses.replace(examples(), pairs=None)
    encoded = encode_sequences(texts, writing_model(), SequenceLayout())
    assert encoded.target_ids is None and encoded.references is None and len(encoded) == 40


def test_a_target_has_128_tokens_or_what_there_are_positions_for():
    backbone = writing_model().backbone
    fitted = SequenceLayout().fitted(backbone)
    assert fitted == SequenceLayout(source_length=LONGEST, target_length=LONGEST)
    backbone = keras.Model()
    backbone.max_sequence_length = 512
    assert SequenceLayout().fitted(backbone) == SequenceLayout("{source}", 512, 128)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pattern": "w1"}, r"`pattern` must have \{source\} once.*pattern='w1'"),
        ({"pattern": "{source} {source}"}, r"`pattern` must have \{source\} once"),
        ({"source_length": 0}, r"`source_length` must be a positive integer"),
        ({"target_length": -1}, r"`target_length` must be a positive integer"),
        ({"source_length": LONGEST + 1}, rf"`source_length` must be at most {LONGEST}, .*=41"),
        ({"target_length": LONGEST + 1}, rf"`target_length` must be at most {LONGEST}, .*=41"),
        ({"source_length": 3}, r"`source_length` must be above 3, the tokens of the pattern"),
        ({"pattern": "[MASK] {source} [MASK]"}, r"`pattern` must have one blank\. .* 2 mask"),
    ],
)
def test_layouts_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        encode_sequences(examples(), writing_model(), SequenceLayout(**settings))


def test_texts_with_blanks_of_their_own_are_refused():
    texts = LabelledTexts(("w1", "w2 [sMASK]"), ("w1", "w2"), None, None, "a.source")
    with pytest.raises(ValueError, match=r"no mask tokens.*'w2 \[sMASK\]', text 2 of a\.source"):
        encode_sequences(texts, writing_model(), SequenceLayout())
