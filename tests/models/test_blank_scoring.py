"""Likelihoods of texts in blanks, against the forward pass in NumPy and the pretraining model."""

import keras
import numpy as np
import pytest

from mpnet_tf.models import Pretrainer
from tests.models.objective_views import blank_infilling
from tests.models.reference import reference_logits
from tests.models.writing_model import END, SPECIAL, START, TOO_LONG, writing_model


@pytest.fixture
def model():
    return writing_model()


PROMPTS = ["w1 [MASK] w2", "w3 w4 w5", "", "[sMASK]"]
CONTINUATIONS = ["w6", "w7 w8s w9 w10", "w11 w12", ""]


def reference_log_probabilities(model, prompt, continuation):
    """Returns the logarithm of each token's probability in the blank, the end's last."""
    (text,) = model.preprocessor([prompt])
    tokens = model.preprocessor.tokenizer(continuation).numpy().tolist()
    view = blank_infilling(text.token_ids, [(text.blank_positions[0], [START, *tokens])])
    logits = reference_logits(model, view)
    scores = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return scores[np.arange(len(tokens) + 1), [*tokens, END]]


@pytest.mark.parametrize("batch_size", [3, 16])
def test_scores_equal_the_papers_definition(batch_size, model):
    expected = [
        reference_log_probabilities(model, *pair)
        for pair in zip(PROMPTS, CONTINUATIONS, strict=True)
    ]
    with_end = model.score(PROMPTS, CONTINUATIONS, batch_size=batch_size)
    np.testing.assert_allclose(with_end, [scores.sum() for scores in expected], rtol=1e-4)
    without = model.score(PROMPTS, CONTINUATIONS, batch_size=batch_size, with_end=False)
    np.testing.assert_allclose(without, [scores[:-1].sum() for scores in expected], rtol=1e-4)


def test_perplexity_equals_the_papers_definition(model):
    expected = [
        np.exp(-reference_log_probabilities(model, "", text).mean()) for text in CONTINUATIONS
    ]
    np.testing.assert_allclose(model.perplexity(CONTINUATIONS, batch_size=3), expected, rtol=1e-4)
    assert model.perplexity([]).shape == (0,)


def test_scores_are_the_pretraining_models(model):
    """For the prompt [CLS] w1 [MASK] [SEP] and the continuation w6 w7, slot by slot."""
    w1, w6, w7 = (len(SPECIAL) + number for number in (1, 6, 7))
    slots = {
        "token_ids": [2, w1, 4, 3, START, w6, w7],
        "position_ids": [0, 1, 2, 3, 2, 2, 2],
        "block_position_ids": [0, 0, 0, 0, 1, 2, 3],
        "segment_ids": [1] * 7,
        "query_step": [0, 0, 0, 0, 1, 2, 3],
        "key_start": [0, 0, 0, 0, 1, 2, 3],
        "key_end": [9] * 7,
        "prediction_slots": [4, 5, 6],
        "objective_ids": [0] * 3,
    }
    pretrainer = Pretrainer(model.backbone, lm_head=model.lm_head)
    logits = pretrainer({name: np.array([row], "int32") for name, row in slots.items()})
    scores = np.asarray(keras.ops.log_softmax(logits))[0, [0, 1, 2], [w6, w7, END]]
    np.testing.assert_allclose(model.score(["w1 [MASK]"], ["w6 w7"]), scores.sum(), rtol=1e-5)


def test_scores_refuse_what_cannot_be(model):
    for arguments, message in (
        ((["w1"], ["w2", "w3"]), r"`continuations` must have one for each prompt"),
        ((["[MASK] [MASK]"], ["w1"]), r"`prompts` must have one blank each"),
        (([TOO_LONG], ["w1"]), r"`prompts` must have at most"),
        ((["w1"], [TOO_LONG]), r"`continuations` must have at most"),
    ):
        with pytest.raises(ValueError, match=message):
            model.score(*arguments)
    with pytest.raises(ValueError, match="`batch_size` must be a positive integer"):
        model.perplexity(["w1"], batch_size=0)
