"""Questions and texts to answers."""

import tensorflow as tf

from mpnet_tf.layers.visibility_bias import HIDDEN_SCORE
from mpnet_tf.models.question_windows import QuestionWindows, window_sizes
from mpnet_tf.serving.compact_encoder import compact_network
from mpnet_tf.serving.row_groups import in_row_groups
from mpnet_tf.serving.served_text import for_each_row, valid_text
from mpnet_tf.serving.signature import Signature, option, text_input, token_inputs

_QUESTIONS = ["Where did Maria move?", "Who was at home?"]
_CONTEXTS = ["In 1998 Maria moved to Berlin.", "The cat was at home all day."]
_MAX_ANSWER_LENGTH = 30
_ROWS_AT_ONCE = 16


def question_answering_signatures(answerer, preprocessor, *, max_windows):
    """Makes the signatures `answer`, `answer_with_options` and `answer_token_ids`.

    Args:
        answerer: `TransformerQuestionAnswerer`.
        preprocessor: `TransformerTextPreprocessor`.
        max_windows: int. Rows that a context may take; what is behind is not read.

    Returns:
        List of `Signature`.
    """
    finder = _AnswerFinder(answerer, preprocessor, max_windows=max_windows)
    texts = {
        "question": text_input("questions", _QUESTIONS),
        "context": text_input("texts to find the answers in", _CONTEXTS),
    }
    outputs = {
        "answer": "string (batch_size,): the stretch of the context, '' for none",
        "score": "float32 (batch_size,): the sum of the logits of its first and last token",
        "start": "int32 (batch_size,): its first character in the context",
        "end": "int32 (batch_size,): the character after its last",
        "no_answer_score": "float32 (batch_size,): how much the score of having no answer is above",
    }
    return [
        Signature(
            "answer",
            "Finds the answers to questions in texts of any length.",
            finder.answer,
            texts,
            outputs,
        ),
        Signature(
            "answer_with_options",
            "Does the same, with options for each question.",
            finder.answer,
            {
                **texts,
                "max_answer_length": option(
                    tf.int32, "most tokens in an answer", default=_MAX_ANSWER_LENGTH
                ),
                "no_answer_threshold": option(
                    tf.float32,
                    "there is no answer if `no_answer_score` is above this; 1e9 for always one",
                    default=float("inf"),
                    example=0.0,
                ),
            },
            outputs,
        ),
        Signature(
            "answer_token_ids",
            "Scores each token of rows of token ids as an answer's first and as its last.",
            finder.logits_of_token_ids,
            token_inputs(preprocessor((_QUESTIONS, _CONTEXTS))),
            dict.fromkeys(
                ("start_logits", "end_logits"),
                "float32 (batch_size, sequence_length); without meaning at padding",
            ),
        ),
    ]


class _AnswerFinder:
    """What the signatures compute."""

    def __init__(self, answerer, preprocessor, *, max_windows):
        self.network = compact_network(answerer)
        self.windows = QuestionWindows(
            preprocessor.tokenizer,
            sequence_length=preprocessor.sequence_length,
            **window_sizes(preprocessor.sequence_length),
            has_segment_ids=preprocessor.has_segment_ids,
            max_windows=max_windows,
        )

    def logits_of_token_ids(self, **inputs):
        """Answers rows of token ids."""
        return self.network(inputs, training=False)

    def answer(self, question, context, max_answer_length=None, no_answer_threshold=None):
        """Answers raw questions."""
        context = valid_text(context)
        inputs, places = self.windows(valid_text(question), context)
        index = places["question_index"]
        if max_answer_length is None:
            max_answer_length = tf.constant([_MAX_ANSWER_LENGTH])
        max_answer_length = for_each_row(max_answer_length, context)
        rows = {
            **inputs,
            "starts": places["starts"],
            "ends": places["ends"],
            "longest": tf.gather(tf.maximum(max_answer_length, 1), index),
        }
        found = in_row_groups(self._best_spans, rows, _ROWS_AT_ONCE)
        num_texts = tf.size(context)
        null_score = tf.math.unsorted_segment_min(found["null_score"], index, num_texts)
        window = _best_window(found["score"], index, num_texts)
        # One row more, so that there is something to look at where there are no texts.
        score, start, end = (
            tf.gather(tf.concat([found[name], [0]], axis=0), window)
            for name in ("score", "start", "end")
        )
        has_answer = score > HIDDEN_SCORE / 2
        no_answer_score = tf.where(has_answer, null_score - score, float("inf"))
        if no_answer_threshold is not None:
            has_answer &= no_answer_score <= no_answer_threshold
        start, end = tf.where(has_answer, start, 0), tf.where(has_answer, end, 0)
        return {
            "answer": tf.strings.substr(context, start, end - start, unit="UTF8_CHAR"),
            "score": tf.where(has_answer, score, null_score),
            "start": start,
            "end": end,
            "no_answer_score": no_answer_score,
        }

    def _best_spans(self, rows):
        """Finds the best run of tokens of the context in each row."""
        logits = self.network({name: rows[name] for name in self.network.input}, training=False)
        is_context = rows["starts"] >= 0
        first = tf.where(is_context, logits["start_logits"], HIDDEN_SCORE)
        last = tf.where(is_context, logits["end_logits"], HIDDEN_SCORE)
        places = tf.range(tf.shape(first)[1])
        length = places - places[:, tf.newaxis]
        # (num_rows, sequence_length, sequence_length)
        allowed = (length >= 0) & (length < rows["longest"][:, tf.newaxis, tf.newaxis])
        scores = first[:, :, tf.newaxis] + last[:, tf.newaxis]
        scores = tf.where(allowed, scores, 2 * HIDDEN_SCORE)
        scores = tf.reshape(scores, [tf.shape(first)[0], tf.square(tf.size(places))])
        best = tf.argmax(scores, axis=1, output_type=tf.int32)
        first_place, last_place = best // tf.size(places), best % tf.size(places)
        return {
            "score": tf.reduce_max(scores, axis=1),
            "start": tf.gather(rows["starts"], first_place, batch_dims=1),
            "end": tf.gather(rows["ends"], last_place, batch_dims=1),
            "null_score": logits["start_logits"][:, 0] + logits["end_logits"][:, 0],
        }


def _best_window(scores, index, num_texts):
    """Returns the first of each text's windows that has the highest score, int32 `(num_texts,)`."""
    highest = tf.math.unsorted_segment_max(scores, index, num_texts)
    numbers = tf.range(tf.size(scores))
    is_best = tf.equal(scores, tf.gather(highest, index))
    numbers = tf.where(is_best, numbers, tf.size(scores))
    return tf.math.unsorted_segment_min(numbers, index, num_texts)
