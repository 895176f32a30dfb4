"""Generation from texts of every length, with none or several blanks, by every sampler."""

import keras_hub
import numpy as np
import pytest

from mpnet_tf.models.repetition_penalty import RepetitionPenaltySampler
from tests.models.test_glm_causal_lm import model_with
from tests.models.writing_model import (
    END,
    LONGEST,
    VOCABULARY_SIZE,
    is_allowed,
    writing_model,
)

# With [CLS], [gMASK] and [SEP] as long as the body has positions for.
LONG = " ".join(["w3"] * (LONGEST - 3))
# Nothing, spaces, what the vocabulary lacks, and blanks at the ends and side by side.
TEXTS = {
    "": 1,
    " \t\n": 1,
    "\u0416 \U0001f600 ?!": 1,
    "w1": 1,
    LONG: 1,
    "[MASK]": 1,
    "[MASK][sMASK] [MASK]": 3,
    "[gMASK] w1 w2 [MASK]": 2,
    LONG.replace("w3", "[MASK]", 1): 1,
}
SAMPLERS = {
    "greedy": lambda: "greedy",
    "random": lambda: keras_hub.samplers.RandomSampler(seed=1, temperature=3.0),
    "top_k": lambda: keras_hub.samplers.TopKSampler(k=VOCABULARY_SIZE, seed=1),
    "top_p": lambda: keras_hub.samplers.TopPSampler(p=1.0, seed=1),
    "beam": lambda: keras_hub.samplers.BeamSampler(num_beams=2),
    "penalty": lambda: RepetitionPenaltySampler("random", 5.0),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_blank_is_filled_with_no_more_text_than_it_may_have(name):
    model = model_with(SAMPLERS[name]())
    found = model.fill(list(TEXTS), max_new_tokens=4)
    for text, num_blanks, filled in zip(TEXTS, TEXTS.values(), found, strict=True):
        assert len(filled.parts) == len(filled.token_ids) == num_blanks
        lengths = list(map(len, filled.token_ids))
        assert max(lengths) <= 4, text
        generated = np.array([token for span in filled.token_ids for token in span], int)
        assert is_allowed()[generated].all() and END not in generated
        assert "MASK" not in filled.text


def test_a_blank_is_full_without_a_token_to_end_it():
    model = model_with(keras_hub.samplers.RandomSampler(seed=2))
    found = model.fill(list(TEXTS), max_new_tokens=4, stop_token_ids=None)
    assert {len(span) for text in found for span in text.token_ids} == {4}


def test_lengths_beside_a_text_and_nothing_to_go_on_change_nothing():
    model = writing_model()
    together = model.fill(list(TEXTS), max_new_tokens=4)
    for text, expected in zip(TEXTS, together, strict=True):
        assert model.fill([text], max_new_tokens=4) == [expected]
    # Unconditional generation, whatever the spaces.
    assert together[0].token_ids == together[1].token_ids
    assert model.generate("", max_new_tokens=4) == together[0].text == together[0].parts[0]


def test_a_single_token_may_be_asked_for():
    model = writing_model()
    longer = model.fill(list(TEXTS), max_new_tokens=4)
    for text, expected in zip(model.fill(list(TEXTS), max_new_tokens=1), longer, strict=True):
        assert text.token_ids[0] == expected.token_ids[0][:1]
        assert all(len(span) <= 1 for span in text.token_ids)
