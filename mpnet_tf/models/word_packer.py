"""Packs texts that are given as words into rows, each word's tokens known."""

import numpy as np
import tensorflow as tf

from mpnet_tf.models.token_windows import put_windows, row_lengths, special_rows, window_spans


class WordPacker:
    """Turns lists of words into rows of token ids, several for a list that is too long for one.

    Each word is cut into tokens by itself, and the row begins and ends with the special tokens of a
    single text: `transformers` with `is_split_into_words=True`, and for the windows over a long
    list `stride` and `return_overflowing_tokens=True`.

    A word has no tokens if the tokenizer's normaliser leaves nothing of it: only white space,
    control characters or, where accents are stripped, accents. It has no label in training, and
    nothing can be predicted for it.

    All work is done by core TensorFlow ops besides the tokenizer's, in eager calls, in `tf.data`
    and in a SavedModel alike.

    Args:
        tokenizer: `TransformerTokenizer`.
        sequence_length: int. Length of a row, special tokens included. Default 512.
        stride: int from 0. Tokens that two windows over the same words share. Default 0.
        has_segment_ids: bool or None. Whether to make `segment_ids`, which are all 0; None means
            what the tokenizer says. Default None.
        max_windows: int or None. Most rows over a list, whose end is left out beyond; None for no
            such limit. Default None.

    Raises:
        ValueError: if `stride` is negative or a window would have no more tokens than that.

    Example:

    >>> tokenizer = MPNetTokenizer(["<s>", "<pad>", "</s>", "[UNK]", "ab", "##c", "d", "<mask>"])
    >>> packer = WordPacker(tokenizer, sequence_length=6)
    >>> inputs, places = packer(tf.ragged.constant([["abc", "d"]]))
    >>> inputs["token_ids"].numpy().tolist(), places["word_index"].numpy().tolist()
    ([[0, 4, 5, 6, 2, 1]], [[-1, 0, 0, 1, -1, -1]])

    References:
        [BERT](https://arxiv.org/abs/1810.04805), section 5.3 (the first token of a word stands for
        it).
    """

    def __init__(
        self, tokenizer, sequence_length=512, stride=0, has_segment_ids=None, max_windows=None
    ):
        if stride < 0:
            raise ValueError(f"`stride` must not be negative. Received: stride={stride}")
        if sequence_length < stride + 3:
            raise ValueError(
                f"`sequence_length` must be at least {stride + 3}: 2 special tokens, "
                f"stride={stride} and a token more. Received: sequence_length={sequence_length}"
            )
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length
        self.stride = stride
        self.max_windows = max_windows
        self.has_segment_ids = (
            tokenizer.has_segment_ids if has_segment_ids is None else has_segment_ids
        )

    def __call__(self, words):
        """Packs lists of words.

        Args:
            words: string ragged tensor `(batch_size, None)`.

        Returns:
            Two dicts of int32 tensors. The first is what a body takes: `token_ids`,
            `padding_mask` (1 for tokens) and, where asked for, `segment_ids`, each
            `(num_windows, sequence_length)`. The second tells where the rows come from:
            `text_index` `(num_windows,)`, the list of each row, counted from 0; and, each
            `(num_windows, sequence_length)`, `word_index`, the word of each token in its list, -1
            for special tokens and padding; `first_pieces`, 1 for the first token of a word and 0
            for all others; and `cut_distances`, how many tokens a token is away from the nearest
            end of the window beyond which its list goes on, `sequence_length` where there is none,
            and -1 for special tokens and padding.
        """
        with tf.device("cpu"):
            # (num_words, None)
            pieces = self.tokenizer(words.values)
            num_pieces = row_lengths(pieces)
            indices = tf.ragged.range(row_lengths(words)).values
            token_ids = words.with_values(pieces).merge_dims(1, 2)
            word_index = token_ids.with_values(tf.repeat(indices, num_pieces))
            first_pieces = token_ids.with_values(
                tf.cast(tf.equal(tf.ragged.range(num_pieces).values, 0), tf.int32)
            )
            lengths = row_lengths(token_ids)
            spans = window_spans(
                lengths,
                tf.fill(tf.shape(lengths), self.sequence_length - 2),
                self.stride,
                self.max_windows,
            )
            text_index, _, sizes = spans
            rows, padding_mask = special_rows(self.tokenizer, sizes + 2, self.sequence_length)
            places = tf.ones_like(sizes)
            inputs = {
                "token_ids": put_windows(rows, token_ids, spans, places),
                "padding_mask": padding_mask,
            }
            if self.has_segment_ids:
                inputs["segment_ids"] = tf.zeros_like(padding_mask)
            outside = tf.fill(tf.shape(rows), -1)
            return inputs, {
                "text_index": text_index,
                "word_index": put_windows(outside, word_index, spans, places),
                "first_pieces": put_windows(tf.zeros_like(rows), first_pieces, spans, places),
                "cut_distances": self._cut_distances(spans, lengths),
            }

    def labelled(self, words, labels):
        """Packs lists of words with a label on each word, for training.

        Args:
            words: string ragged tensor `(batch_size, None)`.
            labels: int ragged tensor `(batch_size, None)`. The label of each word.

        Returns:
            What the body takes, as a call gives it; an int32 tensor of labels and a float32 tensor
            of weights, each `(num_windows, sequence_length)`: the label of its word and 1 for the
            first token of a word, 0 and 0 for all else.
        """
        inputs, places = self(words)
        with tf.device("cpu"):
            first_pieces = places["first_pieces"]
            is_first = first_pieces == 1
            text_starts = tf.gather(tf.cast(words.row_starts(), tf.int32), places["text_index"])
            indices = tf.where(is_first, text_starts[:, tf.newaxis] + places["word_index"], 0)
            # One label more, so that there is something to look at where there are no words.
            values = tf.concat([tf.cast(labels.values, tf.int32), [0]], axis=0)
            row_labels = tf.where(is_first, tf.gather(values, indices), 0)
            return inputs, row_labels, tf.cast(first_pieces, tf.float32)

    def _cut_distances(self, spans, lengths):
        text_index, starts, sizes = (values[:, tf.newaxis] for values in spans)
        offsets = tf.range(self.sequence_length)[tf.newaxis] - 1
        uncut = self.sequence_length
        to_start = tf.where(starts > 0, offsets, uncut)
        goes_on = starts + sizes < tf.gather(lengths, text_index)
        to_end = tf.where(goes_on, sizes - 1 - offsets, uncut)
        is_token = (offsets >= 0) & (offsets < sizes)
        return tf.where(is_token, tf.minimum(to_start, to_end), -1)


def best_first_pieces(places):
    """Finds where each word has the most of its text beside it, among all windows.

    Args:
        places: dict of int arrays, what `WordPacker` returns as the second.

    Returns:
        Two int64 arrays `(num_words,)`: for each word that has tokens, the row and the column of
        its first token in the window where its `cut_distances` is largest.
    """
    places = {name: np.asarray(values) for name, values in places.items()}
    rows, columns = np.nonzero(places["first_pieces"])
    texts, words = places["text_index"][rows], places["word_index"][rows, columns]
    # The last key is the first to sort by; the largest distance of a word comes first.
    order = np.lexsort((-places["cut_distances"][rows, columns], words, texts))
    texts, words = texts[order], words[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = (texts[1:] != texts[:-1]) | (words[1:] != words[:-1])
    return rows[order][is_new], columns[order][is_new]
