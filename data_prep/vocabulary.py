"""Trains WordPiece vocabularies; the same text always gives the same vocabulary."""

import collections
import itertools
from collections.abc import Iterable, Iterator, Mapping

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

_TEXTS_PER_BATCH = 256
_CHARACTERS_PER_LINE = 1 << 16


def count_words(texts: Iterable[str], *, lowercase: bool) -> collections.Counter[str]:
    """Counts the words that the tokenizer finds in texts before it cuts them into pieces.

    Args:
        texts: documents.
        lowercase: whether to lowercase and strip accents first.
    """
    normalizer = bert_normalizer.BertNormalizer(lowercase)
    originals = {ord(mark): chr(code) for code, mark in bert_normalizer.stand_ins().items()}
    counts: collections.Counter[str] = collections.Counter()
    texts = iter(texts)
    while batch := list(itertools.islice(texts, _TEXTS_PER_BATCH)):
        for text in normalizer(tf.constant(batch)).numpy():
            counts.update(text.decode("utf-8").split(" "))
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
