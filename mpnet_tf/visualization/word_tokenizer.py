"""A tokenizer whose vocabulary is the words of a text, for pictures without a vocabulary file."""

import tensorflow as tf

from mpnet_tf.data import bert_normalizer
from mpnet_tf.data import vocabulary as vocabulary_lib
from mpnet_tf.models import MPNetTokenizer


def word_tokenizer(texts, *, lowercase=True):
    """Makes a tokenizer that has every word of some texts as a token.

    Args:
        texts: list of str.
        lowercase: bool. Whether to lowercase the texts and strip their accents.

    Returns:
        `MPNetTokenizer` with the special tokens of all objectives. Words longer than a WordPiece
        vocabulary may hold are unknown to it.
    """
    normalized = bert_normalizer.BertNormalizer(lowercase)(tf.constant(texts)).numpy()
    # Back from the characters that the normaliser puts in the place of some.
    originals = {
        ord(stand_in): original for original, stand_in in bert_normalizer.stand_ins().items()
    }
    words = {word for text in normalized for word in text.decode("utf-8").split()}
    words = {word.translate(originals) for word in words}
    # What an objective of sentences asks of a vocabulary, even of a text with none that ends.
    words.add(vocabulary_lib.SENTENCE_ENDS[0])
    return MPNetTokenizer(
        [
            vocabulary_lib.START_TOKEN,
            vocabulary_lib.PAD_TOKEN,
            vocabulary_lib.END_TOKEN,
            vocabulary_lib.UNKNOWN_TOKENS[0],
            *sorted(filter(_is_holdable, words)),
            *vocabulary_lib.BLANK_TOKENS,
            vocabulary_lib.MASK_TOKEN,
        ],
        lowercase=lowercase,
    )


def _is_holdable(word):
    return (
        len(word) <= vocabulary_lib.MAX_WORD_CHARACTERS
        and len(word.encode("utf-8")) <= vocabulary_lib.MAX_TOKEN_BYTES
    )
