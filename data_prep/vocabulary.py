"""Trains WordPiece vocabularies; the same text always gives the same vocabulary."""

import collections
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import tensorflow as tf
import tokenizers

from mpnet_tf.data import bert_normalizer, vocabulary

# MPNet's original order, of which the mask comes last in the vocabulary.
FIRST_TOKENS = [
    vocabulary.START_TOKEN,
    vocabulary.PAD_TOKEN,
    vocabulary.END_TOKEN,
    vocabulary.UNKNOWN_TOKENS[0],
]

# In every vocabulary, so that any objective trains on it.
LAST_TOKENS = [*vocabulary.BLANK_TOKENS, vocabulary.MASK_TOKEN]

# As in the trainer that comes with `tokenizers` for BERT.
MAX_ALPHABET_SIZE = 1000
MIN_PAIR_COUNT = 2

# Counting and training took 1.1 kB of memory for each, measured.
MAX_WORDS = 1 << 21

_TEXTS_PER_BATCH = 256
_CHARACTERS_PER_BATCH = 1 << 20
_CHARACTERS_PER_LINE = 1 << 16


def count_words(texts: Iterable[str], *, lowercase: bool) -> collections.Counter[str]:
    """Counts the words that the tokenizer finds in texts before it cuts them into pieces.

    Whenever there are more than `MAX_WORDS` different words, the rarer half of them is forgotten,
    as word2vec does it: words as rare as the most frequent of that half go with it. Up to there the
    order of the texts does not matter; beyond, the count of a word that was forgotten and met again
    lacks what it had before.

    Args:
        texts: documents.
        lowercase: whether to lowercase and strip accents first.

    References:
        - `ReduceVocab` in https://github.com/tmikolov/word2vec/blob/master/word2vec.c
    """
    normalizer = bert_normalizer.BertNormalizer(lowercase)
    originals = {ord(mark): chr(code) for code, mark in bert_normalizer.stand_ins().items()}
    counts: collections.Counter[str] = collections.Counter()
    for batch in _batches(texts):
        for text in normalizer(tf.constant(batch)).numpy():
            counts.update(text.decode("utf-8").split(" "))
        if len(counts) > MAX_WORDS:
            _forget_rare(counts)
    del counts[""]
    return collections.Counter({word.translate(originals): count for word, count in counts.items()})


def train_vocabulary(texts: Iterable[str], *, size: int, lowercase: bool = True) -> list[str]:
    """Trains a WordPiece vocabulary with MPNet's special tokens.

    Args:
        texts: documents.
        size: number of tokens wanted, special tokens included. Text with few different words may
            give fewer.
        lowercase: whether the tokenizer will lowercase and strip accents.

    Returns:
        Tokens in the order of their ids: `<s>`, `<pad>`, `</s>`, `[UNK]`, the characters, the
        pieces in the order in which they were found, the tokens of blank infilling, `<mask>`.

    Raises:
        ValueError: if there is no word in the texts, or `size` cannot hold their characters.
    """
    counts = {
        word: count
        for word, count in count_words(texts, lowercase=lowercase).items()
        if _is_learnable(word)
    }
    if not counts:
        raise ValueError("The text holds no words to train a vocabulary on. Give other text.")
    characters = _alphabet(counts)
    # A word with another character is unknown whatever its other pieces.
    counts = {word: count for word, count in counts.items() if characters.issuperset(word)}
    continuations = {character for word in counts for character in word[1:]}
    prefix = vocabulary.CONTINUATION_PREFIX
    first_tokens = [
        *FIRST_TOKENS,
        *sorted(characters),
        *(prefix + character for character in sorted(continuations)),
    ]
    smallest = len(first_tokens) + len(LAST_TOKENS)
    if size < smallest:
        raise ValueError(
            f"A vocabulary of {size} tokens cannot hold the special tokens and the characters of "
            f"this text. Ask for at least {smallest}."
        )
    num_learned = size - len(LAST_TOKENS)
    tokens = _train_pieces(counts, first_tokens=first_tokens, size=num_learned)
    return [*tokens, *LAST_TOKENS]


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    num_characters = 0
    for text in texts:
        batch.append(text)
        num_characters += len(text)
        if len(batch) == _TEXTS_PER_BATCH or num_characters >= _CHARACTERS_PER_BATCH:
            yield batch
            batch, num_characters = [], 0
    if batch:
        yield batch


def _forget_rare(counts: collections.Counter[str]) -> None:
    """Takes out the words that are no more frequent than the median word."""
    median = np.percentile(
        np.fromiter(counts.values(), np.int64, len(counts)), 50, method="inverted_cdf"
    )
    for word in [word for word, count in counts.items() if count <= median]:
        del counts[word]


def _is_learnable(word: str) -> bool:
    if len(word) > vocabulary.MAX_WORD_CHARACTERS:
        return False
    if len(word.encode("utf-8")) > vocabulary.MAX_TOKEN_BYTES:
        return False
    # The tokenizer removes these from its input.
    return max(word) < chr(bert_normalizer.FIRST_RESERVED_CODE_POINT)


def _alphabet(counts: Mapping[str, int]) -> set[str]:
    """Returns the most frequent characters; equally frequent ones by code point."""
    totals: collections.Counter[str] = collections.Counter()
    for word, count in counts.items():
        for character in word:
            totals[character] += count
    by_frequency = sorted(totals, key=lambda character: (-totals[character], character))
    return set(by_frequency[:MAX_ALPHABET_SIZE])


def _train_pieces(counts: Mapping[str, int], *, first_tokens: list[str], size: int) -> list[str]:
    """Merges pieces with the trainer of `tokenizers` until there are `size` tokens.

    Among pairs of equal counts the trainer takes that with the lower ids. It numbers continuation
    characters in the order of a hash table, which changes from run to run; given among the first
    tokens they have fixed ids, and so has everything after them.
    """
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token=FIRST_TOKENS[-1]))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split(" ", behavior="removed")
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=MIN_PAIR_COUNT,
        special_tokens=first_tokens,
        continuing_subword_prefix=vocabulary.CONTINUATION_PREFIX,
        show_progress=False,
    )
    tokenizer.train_from_iterator(_repeated_words(counts), trainer)
    ids = tokenizer.get_vocab()
    return sorted(ids, key=ids.__getitem__)


def _repeated_words(counts: Mapping[str, int]) -> Iterator[str]:
    """Yields lines that hold each word as often as it was counted: the trainer takes text only."""
    for word, count in counts.items():
        words_per_line = max(1, _CHARACTERS_PER_LINE // (len(word) + 1))
        while count > 0:
            yield " ".join([word] * min(count, words_per_line))
            count -= words_per_line
