"""Shares of n-grams in a text, by loops over strings written from their definitions."""

import collections

from tests.data_prep.word_loop import words_of


def ngrams_of(text, n):
    """Lists the n-grams of a text, in order."""
    words = words_of(text)
    return [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]


def num_characters(words):
    """Counts the characters in a list of words."""
    return sum(map(len, words))


def top_share(text, n):
    """Returns the share of the most frequent n-gram that stands there twice or more."""
    counts = collections.Counter(ngrams_of(text, n))
    most = max(counts.values(), default=1)
    if most == 1:
        return 0
    longest = max(num_characters(ngram) for ngram, count in counts.items() if count == most)
    return most * longest / num_characters(words_of(text))


def repeated_share(text, n):
    """Returns the share of the characters of words that lie in repeated n-grams."""
    words = words_of(text)
    counts = collections.Counter(ngrams_of(text, n))
    is_covered = [False] * len(words)
    for start, ngram in enumerate(ngrams_of(text, n)):
        if counts[ngram] > 1:
            is_covered[start : start + n] = [True] * n
    covered = [word for word, is_in in zip(words, is_covered, strict=True) if is_in]
    return num_characters(covered) / max(num_characters(words), 1)
