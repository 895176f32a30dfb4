"""Sentences found in documents of token ids, and written out so that people can read them."""

import re
import string

import numpy as np

from mpnet_tf.data.vocabulary import SENTENCE_ENDS

# Lengths in tokens: shorter ones leave too much open, longer ones are tiring to read.
SHORTEST = 8
LONGEST = 40

# Share of the tokens that must be words: leaves out tables, signatures and the like.
_MIN_WORD_SHARE = 0.8


def find_sentences(documents, tokenizer, *, longest=LONGEST):
    """Finds the sentence-like stretches of documents.

    A sentence stands between two tokens that end sentences, the latter included, or begins its
    document. It begins with a word and ends with one of more than a letter (not as "i.e." or
    "1.0" would end it), has no special token and consists of words for the most part.

    Args:
        documents: list of int arrays, the documents' token ids without `<s>` and `</s>`.
        tokenizer: `mpnet_tf.models.MPNetTokenizer`.
        longest: int. Most tokens of a sentence.

    Returns:
        List of int arrays with `SHORTEST` to `longest` token ids, in the documents' order.
    """
    vocabulary = tokenizer.get_vocabulary()
    is_end = np.isin(vocabulary, SENTENCE_ENDS)
    is_word = np.array([token.removeprefix("##").isalpha() for token in vocabulary])
    is_letter = np.isin(vocabulary, list(string.ascii_letters))
    is_special = np.isin(vocabulary, tokenizer.special_tokens)
    sentences = []
    for document in documents:
        document = np.asarray(document)
        borders = np.flatnonzero(is_end[document]) + 1
        for sentence in np.split(document, borders)[:-1]:
            if (
                SHORTEST <= len(sentence) <= longest
                and is_word[sentence[0]]
                and is_word[sentence[-2]]
                and not is_letter[sentence[-2]]
                and not is_special[sentence].any()
                and is_word[sentence].mean() >= _MIN_WORD_SHARE
            ):
                sentences.append(sentence)
    return sentences


def readable_text(tokens):
    """Joins tokens into text with the usual spaces around punctuation.

    The tokenizer sets punctuation apart whether or not spaces do, so the text has the same tokens
    again.

    Args:
        tokens: list of str, as a WordPiece vocabulary writes them.

    Returns:
        str.
    """
    text = " ".join(tokens).replace(" ##", "")
    text = re.sub(r" ([.,;:!?)\]}%])", r"\1", text)
    text = re.sub(r"([(\[{]) ", r"\1", text)
    # It's, don't; a name in quotes keeps its spaces, since nothing tells which side is which.
    return re.sub(r"(?<=\w) (') (?=(?:s|t|re|ve|ll|d|m)\b)", r"\1", text)
