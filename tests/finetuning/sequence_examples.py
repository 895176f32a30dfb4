"""Texts and targets in the words of the tiny model that writes."""

import numpy as np

from mpnet_tf.finetuning.labelled_texts import LabelledTexts

NUM_WORDS = 30


def examples(count=40, *, seed=3, longest=12):
    """Texts and targets of random words and lengths."""
    generator = np.random.default_rng(seed)

    def texts():
        lengths = generator.integers(1, longest + 1, count)
        return tuple(_words(generator, length) for length in lengths)

    return LabelledTexts(texts(), texts(), None, None, "made up")


def last_words(count, *, seed):
    """Texts of one to four of six words, whose target is their last word, twice."""
    generator = np.random.default_rng(seed)
    texts = tuple(_words(generator, generator.integers(1, 5), 6) for _ in range(count))
    targets = tuple(f"{text.split()[-1]} {text.split()[-1]}" for text in texts)
    return LabelledTexts(texts, targets, None, None, "last words")


def _words(generator, length, num_words=NUM_WORDS):
    return " ".join(f"w{number}" for number in generator.integers(0, num_words, length))
