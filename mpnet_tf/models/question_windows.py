"""Packs questions and the texts that may answer them into rows."""

import numpy as np
import tensorflow as tf

from mpnet_tf.models.text_lengths import count_tokens, warn_of_empty_texts, warn_of_long_texts
from mpnet_tf.models.token_windows import put_windows, row_lengths, special_rows, window_spans


class QuestionWindows:
    """Turns questions and contexts into rows, several for a context that is too long for one.

    A row is the pair `<s> question </s></s> context </s>`, or with BERT's tokens `[CLS] question
    [SEP] context [SEP]`. The windows over a long context are those of `transformers` with
    `truncation="only_second"`, `stride` and `return_overflowing_tokens=True`. Only a question that
    is too long loses its end.

    All work is done by core TensorFlow ops besides the tokenizer's, in eager calls, in `tf.data`
    and in a SavedModel alike.

    Args:
        tokenizer: `TransformerTokenizer`.
        sequence_length: int. Length of a row, special tokens included. Default 384.
        stride: int from 0. Tokens of the context that two windows share. Default 128.
        max_question_length: int from 1. Most tokens of a question. Default 64.
        has_segment_ids: bool or None. Whether to make `segment_ids`, which are 0 everywhere if the
            tokenizer does not tell the texts of a pair apart by them; None means only if it does.
            Default None.
        max_windows: int or None. Most rows over a context, whose end is left out beyond; None for
            no such limit. Default None.

    Raises:
        ValueError: if a number is out of its range, or a window would have no more than `stride`
            tokens of the context beside the longest question.

    Example:

    >>> words = ["who", "ran", "the", "cat", "dog"]
    >>> tokenizer = MPNetTokenizer(["<s>", "<pad>", "</s>", "[UNK]", *words, "<mask>"])
    >>> windows = QuestionWindows(tokenizer, sequence_length=8, stride=1, max_question_length=2)
    >>> inputs, places = windows(["Who ran"], ["The cat ran."])
    >>> inputs["token_ids"].numpy().tolist()
    [[0, 4, 5, 2, 2, 6, 7, 2], [0, 4, 5, 2, 2, 7, 5, 2], [0, 4, 5, 2, 2, 5, 3, 2]]
    >>> places["starts"][1].numpy().tolist()
    [-1, -1, -1, -1, -1, 4, 8, -1]

    References:
        [BERT](https://arxiv.org/abs/1810.04805), section 4.2, and `run_squad.py` of its released
        code.
    """

    def __init__(
        self,
        tokenizer,
        sequence_length=384,
        stride=128,
        max_question_length=64,
        has_segment_ids=None,
        max_windows=None,
    ):
        if stride < 0:
            raise ValueError(f"`stride` must not be negative. Received: stride={stride}")
        if max_question_length < 1:
            raise ValueError(
                "`max_question_length` must be at least 1. "
                f"Received: max_question_length={max_question_length}"
            )
        num_special = 2 + tokenizer.pair_separators
        least = num_special + max_question_length + stride + 1
        if sequence_length < least:
            raise ValueError(
                f"`sequence_length` must be at least {least}: {num_special} special tokens, "
                f"max_question_length={max_question_length}, stride={stride} and a token more. "
                f"Received: sequence_length={sequence_length}"
            )
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length
        self.stride = stride
        self.max_question_length = max_question_length
        self.max_windows = max_windows
        self.has_segment_ids = (
            tokenizer.has_segment_ids if has_segment_ids is None else has_segment_ids
        )

    def __call__(self, questions, contexts):
        """Packs questions with their contexts.

        Args:
            questions: string tensor `(batch_size,)` or list of str.
            contexts: the same, the context of each question.

        Returns:
            Two dicts of int32 tensors. The first is what a body takes: `token_ids`,
            `padding_mask` (1 for tokens) and, where asked for, `segment_ids`, each
            `(num_windows, sequence_length)`. The second tells where the rows come from:
            `question_index` `(num_windows,)`, and `starts` and `ends`
            `(num_windows, sequence_length)`, the first character (Unicode code point, from 0) of
            each token in its context and the one after its last, -1 for tokens of the question,
            special tokens and padding. The windows of a question stand together.
        """
        inputs, places, _ = self._pack(questions, contexts)
        return inputs, places

    def warn_of_unfit_texts(self, questions, contexts):
        """Warns of questions that will be cut, and of empty texts, once each with their count.

        Args:
            questions, contexts: sequences of str.
        """
        lengths = count_tokens(questions, self.tokenizer)
        warn_of_long_texts(lengths, self.max_question_length, "questions")
        warn_of_empty_texts(lengths, "questions")
        warn_of_empty_texts(np.array([len(text.strip()) for text in contexts]), "contexts")

    def labelled(self, questions, contexts, answer_starts, answer_ends):
        """Packs questions and finds the tokens of their answers, for training.

        Args:
            questions, contexts: what a call takes.
            answer_starts: int tensor `(batch_size,)` or list of int. First character of each answer
                in its context.
            answer_ends: the same, the character after the answer; equal to the first where there is
                no answer.

        Returns:
            What the body takes, as a call gives it, and a dict of int32 tensors `(num_windows,)`,
            `start_logits` and `end_logits`: the places in the row of the first and the last token
            that have a character of the answer; 0, the start token's, in windows that lack one of
            the answer's tokens.
        """
        inputs, _, (spans, places, token_starts, token_ends) = self._pack(questions, contexts)
        with tf.device("cpu"):
            answer_starts = tf.cast(answer_starts, tf.int32)
            answer_ends = tf.cast(answer_ends, tf.int32)
            is_before = token_ends <= tf.expand_dims(answer_starts, 1)
            begins_before_end = token_starts < tf.expand_dims(answer_ends, 1)
            # The tokens of a text are in order, so counts are indices.
            first = tf.reduce_sum(tf.cast(is_before, tf.int32), axis=1)
            last = tf.reduce_sum(tf.cast(begins_before_end, tf.int32), axis=1) - 1
            is_answer = (answer_starts < answer_ends) & (first <= last)

            question_index, starts, sizes = spans
            first = tf.gather(first, question_index) - starts
            last = tf.gather(last, question_index) - starts
            is_inside = tf.gather(is_answer, question_index) & (first >= 0) & (last < sizes)
            labels = {
                "start_logits": tf.where(is_inside, places + first, 0),
                "end_logits": tf.where(is_inside, places + last, 0),
            }
        return inputs, labels

    def _pack(self, questions, contexts):
        with tf.device("cpu"):
            questions = tf.convert_to_tensor(questions, tf.string)
            contexts = tf.convert_to_tensor(contexts, tf.string)
            tf.debugging.assert_equal(
                tf.size(questions),
                tf.size(contexts),
                message="There must be as many contexts as questions.",
            )
            first = self.tokenizer(questions)[:, : self.max_question_length]
            second, token_starts, token_ends = self.tokenizer.tokenize_with_offsets(contexts)
            first_lengths = row_lengths(first)
            separators = self.tokenizer.pair_separators
            room = self.sequence_length - 2 - separators - first_lengths
            spans = window_spans(row_lengths(second), room, self.stride, self.max_windows)
            question_index, _, sizes = spans

            question_lengths = tf.gather(first_lengths, question_index)
            places = question_lengths + 1 + separators
            token_ids, padding_mask = special_rows(
                self.tokenizer, places + sizes + 1, self.sequence_length
            )
            question_places = tf.ones_like(question_index)
            question_spans = (question_index, tf.zeros_like(question_index), question_lengths)
            token_ids = put_windows(token_ids, first, question_spans, question_places)
            token_ids = put_windows(token_ids, second, spans, places)
            inputs = {"token_ids": token_ids, "padding_mask": padding_mask}
            if self.has_segment_ids:
                inputs["segment_ids"] = self._segment_ids(padding_mask, places)
            outside = tf.fill(tf.shape(token_ids), -1)
            return (
                inputs,
                {
                    "question_index": question_index,
                    "starts": put_windows(outside, token_starts, spans, places),
                    "ends": put_windows(outside, token_ends, spans, places),
                },
                (spans, places, token_starts, token_ends),
            )

    def _segment_ids(self, padding_mask, places):
        if not self.tokenizer.has_segment_ids:
            return tf.zeros_like(padding_mask)
        positions = tf.range(self.sequence_length)[tf.newaxis]
        return padding_mask * tf.cast(positions >= places[:, tf.newaxis], tf.int32)


def window_sizes(sequence_length, *, stride=None, max_question_length=None):
    """Chooses how long windows overlap and questions may be, where that is not given.

    Args:
        sequence_length: int. Length of a row.
        stride: int or None. Tokens of the context that two windows share; None means 128, or a
            third of a row where that is less.
        max_question_length: int or None. Most tokens of a question; None means 64, or a quarter of
            a row where that is less.

    Returns:
        dict with `stride` and `max_question_length`, as `QuestionWindows` takes them.
    """
    return {
        "stride": min(128, sequence_length // 3) if stride is None else stride,
        "max_question_length": (
            min(64, sequence_length // 4) if max_question_length is None else max_question_length
        ),
    }
