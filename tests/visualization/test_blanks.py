"""Sentences are found, written legibly and blanked, always the same ones."""

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.models import MPNetTokenizer
from mpnet_tf.objectives import MaskedPermuted, TokenRoles
from mpnet_tf.visualization.blanks import Guess, fill_sentences
from mpnet_tf.visualization.sentences import find_sentences, readable_text
from mpnet_tf.visualization.slot_example import sentence_example

SPECIAL_TOKENS = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
WORDS = "the cat sat on a mat and dog ran to it house when rain came old man s don t"
VOCABULARY = [*SPECIAL_TOKENS, *WORDS.split(), "##s", "##es", *".,()'=_!"]

TEXTS = [
    "The cats sat on (the) mat and a dog ran to it. It came! (The cats sat on a mat and came. "
    "When the dog ran to the house and sat (s. The cats on a mat and the dog sat on it =. "
    "The rest has no end and is left",
    "the cat = _ ( _ ) = _ , _ , = the mat. the zebra sat on a mat and the dog ran to it. "
    "when the rain came, the old man's dogs ran to the houses and sat on the mat.",
    "",
]
SENTENCES = [
    "the cats sat on (the) mat and a dog ran to it.",
    "when the rain came, the old man's dogs ran to the houses and sat on the mat.",
]


class EchoFillMask:
    """Answers every blank with the number of the text and of the blank."""

    max_sequence_length = 32

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __call__(self, text):
        tokens = [[[f"{row}.{blank}", "é"] for blank in range(2)] for row in range(len(text))]
        scores = [[[0.75, 0.125]] * 2] * len(text)
        num_blanks = [one.count(self.tokenizer.mask_token) for one in text]
        return {
            "tokens": tf.constant(tokens),
            "scores": tf.constant(scores),
            "num_blanks": tf.constant(num_blanks),
        }


@pytest.fixture(scope="module")
def tokenizer():
    return MPNetTokenizer(VOCABULARY)


@pytest.fixture(scope="module")
def documents(tokenizer):
    return [np.array(ids, np.uint16) for ids in tokenizer(TEXTS).to_list()]


def written(sentence, tokenizer):
    return readable_text([tokenizer.id_to_token(token_id) for token_id in sentence])


def test_finds_whole_sentences_of_known_words(documents, tokenizer):
    sentences = find_sentences(documents, tokenizer)
    assert [written(sentence, tokenizer) for sentence in sentences] == SENTENCES
    assert len(find_sentences(documents, tokenizer, longest=16)) == 1


def test_readable_text_has_the_same_tokens(documents, tokenizer):
    for document in documents:
        text = written(document, tokenizer)
        assert tokenizer(text).numpy().tolist() == document.tolist()


def test_leaves_out_whole_words_and_pairs_them_with_guesses(documents, tokenizer):
    filled = fill_sentences(documents * 3, EchoFillMask(tokenizer), num_sentences=5)
    assert len(filled) == 5
    assert {len(sentence.words) for sentence in filled} == {1, 2}
    for row, sentence in enumerate(filled):
        text = sentence.text
        for word in sentence.words:
            assert word in WORDS.split() and len(word) > 1
            text = text.replace("<mask>", word, 1)
        assert text in SENTENCES
        assert sentence.guesses == tuple(
            (Guess(f"{row}.{blank}", 0.75), Guess("é", 0.125))
            for blank in range(len(sentence.words))
        )


def test_the_seed_decides(documents, tokenizer):
    fill_mask = EchoFillMask(tokenizer)
    first = fill_sentences(documents, fill_mask)
    assert fill_sentences(documents, fill_mask) == first
    assert any(fill_sentences(documents, fill_mask, seed=seed) != first for seed in range(1, 4))


def test_documents_without_sentences_give_none(documents, tokenizer):
    assert fill_sentences(documents[2:], EchoFillMask(tokenizer)) == []
    assert fill_sentences([], EchoFillMask(tokenizer)) == []


def test_makes_an_example_of_a_sentence(documents, tokenizer):
    roles = TokenRoles.from_tokenizer(tokenizer)

    def make_objective(sequence_length):
        return MaskedPermuted(roles, sequence_length)

    example = sentence_example(documents, tokenizer, make_objective)
    shorter, _ = find_sentences(documents, tokenizer)
    tokens = [tokenizer.id_to_token(token_id) for token_id in shorter]
    assert example.tokens[: len(tokens) + 2] == ("<s>", *tokens, "</s>")
    assert len(example.slots["prediction_slots"]) == 2
    assert sentence_example([], tokenizer, make_objective) is None
