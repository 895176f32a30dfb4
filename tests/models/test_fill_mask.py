"""Filling blanks: the same answers from a reference and the class."""

import numpy as np
import pytest

from mpnet_tf.models import MPNetTokenizer
from mpnet_tf.models.fill_mask import FillMask
from tests.models.mask_model import VOCABULARY, random_masked_lm

TEXTS = [
    "the <mask> sat on the <mask>.",
    "",
    "no <pad> blanks, only words",
    "<mask>s and été <mask> 猫",
    "the cat " * 30 + "<mask>",
    "a " + "<mask>" * 30,
]
MAX_SEQUENCE_LENGTH = 14


@pytest.fixture(scope="module")
def tokenizer():
    return MPNetTokenizer(VOCABULARY, lowercase=False)


@pytest.fixture(scope="module")
def masked_lm():
    return random_masked_lm("mpnet")


def decoded(tokens):
    """Turns a tensor of UTF-8 strings into a NumPy array of str."""
    return np.char.decode(tokens.numpy().astype("S"), "utf-8")


def expected_answers(text, masked_lm, tokenizer, *, top_k):
    """One text at a time, nothing padded, sorted in NumPy."""
    token_ids = tokenizer([text]).to_list()[0][: MAX_SEQUENCE_LENGTH - 2]
    token_ids = [tokenizer.start_token_id, *token_ids, tokenizer.end_token_id]
    places = [i for i, token_id in enumerate(token_ids) if token_id == tokenizer.mask_token_id]
    if not places:
        return []
    inputs = {
        "token_ids": np.array([token_ids]),
        "padding_mask": np.ones((1, len(token_ids)), np.int32),
        "mask_positions": np.array([places]),
    }
    if "segment_ids" in masked_lm.input:
        inputs["segment_ids"] = np.zeros_like(inputs["token_ids"])
    logits = masked_lm(inputs).numpy()[0].astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    answers = []
    for row in probabilities:
        order = [i for i in np.argsort(-row) if i not in tokenizer.special_token_ids][:top_k]
        answers.append([(tokenizer.id_to_token(int(i)), row[i]) for i in order])
    return answers


@pytest.mark.parametrize("body", ["mpnet", "bert", "glm"])
def test_agrees_with_a_reference_text_by_text(body, tokenizer):
    masked_lm = random_masked_lm(body)
    answers = FillMask(masked_lm, tokenizer, top_k=4)(TEXTS)
    tokens, scores = decoded(answers["tokens"]), answers["scores"].numpy()
    # Of the longest text's 30 blanks those within the position table count.
    assert answers["num_blanks"].numpy().tolist() == [2, 0, 0, 2, 0, 11]
    assert tokens.shape == scores.shape == (len(TEXTS), 11, 4)
    for row, text in enumerate(TEXTS):
        expected = expected_answers(text, masked_lm, tokenizer, top_k=4)
        for blank, guesses in enumerate(expected):
            assert tokens[row, blank].tolist() == [token for token, _ in guesses]
            # float32 sums over a dozen tokens, in another order where the row is padded.
            np.testing.assert_allclose(
                scores[row, blank], [score for _, score in guesses], atol=1e-5
            )
        assert (tokens[row, len(expected) :] == "").all()
        assert (scores[row, len(expected) :] == 0).all()


def test_special_tokens_are_never_answers_however_likely(masked_lm, tokenizer):
    bias = masked_lm.lm_head.bias
    original = bias.numpy()
    try:
        bias.assign(original + 200 * np.isin(np.arange(len(original)), tokenizer.special_token_ids))
        most = tokenizer.vocabulary_size() - len(tokenizer.special_token_ids)
        answers = FillMask(masked_lm, tokenizer, top_k=most)(["a <mask>"])
    finally:
        bias.assign(original)
    words = set(tokenizer.get_vocabulary()) - set(tokenizer.special_tokens)
    assert set(decoded(answers["tokens"])[0, 0]) == words
    # The special tokens took the probability: scores are shares of the whole vocabulary.
    assert answers["scores"].numpy().sum() < 1e-6


@pytest.mark.parametrize("texts", [[], [""], ["no blanks", "the cat"]])
def test_works_without_any_blank(masked_lm, tokenizer, texts):
    answers = FillMask(masked_lm, tokenizer, top_k=2)(texts)
    assert answers["num_blanks"].numpy().tolist() == [0] * len(texts)
    assert answers["tokens"].shape == answers["scores"].shape == (len(texts), 0, 2)


def test_refuses_arguments_that_do_not_fit(masked_lm, tokenizer):
    with pytest.raises(ValueError, match=r"`top_k` must be from 1 to 20.*top_k=21"):
        FillMask(masked_lm, tokenizer, top_k=21)
    with pytest.raises(ValueError, match=r"`top_k` must be from 1 to 20.*top_k=0"):
        FillMask(masked_lm, tokenizer, top_k=0)
    other = type(tokenizer)([*tokenizer.get_vocabulary(), "one"])
    with pytest.raises(ValueError, match=r"`vocabulary_size`, 25.*tokenizer with 26"):
        FillMask(masked_lm, other)


def test_each_text_may_ask_for_its_own_number_of_guesses(masked_lm, tokenizer):
    filler = FillMask(masked_lm, tokenizer)
    texts = ["the <mask> sat", "a <mask> <mask>", "no blank"]
    answers = filler.answer(filler.preprocessor(texts), np.array([1, 3, 2], np.int32))
    tokens = decoded(answers["tokens"])
    assert tokens.shape == (3, 2, 3)
    for row, top_k in enumerate([1, 3, 2]):
        alone = FillMask(masked_lm, tokenizer, top_k=top_k)([texts[row]])
        num_blanks = int(alone["num_blanks"][0])
        assert tokens[row, :num_blanks, :top_k].tolist() == decoded(alone["tokens"])[0].tolist()
        assert (tokens[row, :, top_k:] == "").all()
