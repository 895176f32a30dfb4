"""Figures of tokens, beside `str.split` and loops over characters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.filters import tokens
from data_prep.filters.tokens import token_figures
from tests.data_prep.word_loop import is_word_by_itself

ASCII_TEXTS = st.text("aB1-.'\" \n\t\x1c", max_size=40)
TEXTS = st.lists(ASCII_TEXTS | st.text("é中ก\u0e34 1-\u3000\u0085a", max_size=40) | st.text())


def assert_figures_are_those_of_loops(texts):
    figures = token_figures(texts)
    parts = [text.split() for text in texts]
    with_letter = [[part for part in found if any(map(str.isalpha, part))] for found in parts]
    np.testing.assert_array_equal(figures.num_tokens, [*map(len, parts)])
    np.testing.assert_array_equal(figures.num_characters, [sum(map(len, found)) for found in parts])
    np.testing.assert_array_equal(figures.num_alphabetic, [*map(len, with_letter)])
    without_spaces = [
        sum(character.isalpha() and is_word_by_itself(character) for character in text)
        for text in texts
    ]
    np.testing.assert_array_equal(figures.num_letters_without_spaces, without_spaces)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_figures_are_those_of_loops(texts):
    assert_figures_are_those_of_loops(texts)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_groups_of_texts_change_nothing(texts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "_CHARACTERS_PER_GROUP", 20)
        assert_figures_are_those_of_loops(texts)


def test_figures_of_no_texts_are_empty():
    assert_figures_are_those_of_loops([])


def test_means_of_a_text_without_tokens_are_zero():
    figures = token_figures([" \n", "a1 22 . bcd"])
    np.testing.assert_array_equal(figures.mean_length(), [0, 2])
    np.testing.assert_array_equal(figures.alphabetic_share(), [0, 0.5])
