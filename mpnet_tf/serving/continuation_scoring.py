"""Texts to how likely a GLM finds them."""

import tensorflow as tf

from mpnet_tf.models.token_windows import row_lengths
from mpnet_tf.objectives.visibility import END_OF_STEPS
from mpnet_tf.serving.blanked_text import PartAMaker
from mpnet_tf.serving.row_groups import in_row_groups
from mpnet_tf.serving.served_text import valid_text
from mpnet_tf.serving.signature import Signature, text_input

_TEXTS = ["The cat sat on the mat.", "The cat sit in mat."]
_ROWS_AT_ONCE = 8


def continuation_scoring_signatures(model):
    """Makes the signatures `score` and `score_continuation`.

    They compute what `score` and `perplexity` of the model do: the tokens of a text in a blank, and
    its end.

    Args:
        model: `GLMCausalLM` with a preprocessor.

    Returns:
        List of `Signature`.
    """
    scorer = _Scorer(model)
    outputs = {
        "log_likelihood": "float32 (batch_size,): the natural logarithm of the text's probability, "
        "its end included",
        "num_tokens": "int32 (batch_size,): its tokens, the end included",
    }

    def score(text):
        return scorer.score(tf.zeros_like(text), valid_text(text))

    def score_continuation(text, continuation):
        return scorer.score(valid_text(text), valid_text(continuation))

    return [
        Signature(
            "score",
            "Tells how likely texts are, written from nothing; what is too long is cut at its end.",
            score,
            {"text": text_input("texts", _TEXTS)},
            outputs,
        ),
        Signature(
            "score_continuation",
            "Tells how likely texts are in the first blank of others, or behind them.",
            score_continuation,
            {
                "text": text_input("texts with a blank, or to be continued", ["The cat", "A dog"]),
                "continuation": text_input("what is to stand there", ["sat.", "ran."]),
            },
            outputs,
        ),
    ]


class _Scorer:
    """What the signatures compute."""

    def __init__(self, model):
        self.model = model
        self.roles = model.preprocessor.roles
        self.longest = model.backbone.max_sequence_length
        self.part_a = PartAMaker(model.preprocessor, max_tokens=self.longest)

    def score(self, text, continuation):
        """Scores continuations, both string tensors `(batch_size,)`."""
        part_a = self.part_a.of_texts(text)
        tokens = self.model.preprocessor.tokenizer(continuation)[:, : self.longest - 1]
        lengths = row_lengths(tokens) + 1
        tokens = tokens.to_tensor()
        padded = tf.pad(tokens, [[0, 0], [0, 1]])
        places = tf.range(tf.shape(padded)[1])
        is_target = places < lengths[:, tf.newaxis]
        is_end = tf.equal(places, lengths[:, tf.newaxis] - 1)
        targets = tf.where(is_end, self.roles.span_end_token_id, padded)
        # A span's inputs are its targets, one place later.
        starts = tf.fill([tf.shape(tokens)[0], 1], self.roles.span_start_token_id)
        # The first blank; a text that lost all its blanks has none.
        positions = tf.pad(part_a.blank_positions.to_tensor(), [[0, 0], [0, 1]])[:, :1]
        is_real = tf.cast(is_target, tf.int32)
        span = {
            "token_ids": tf.concat([starts, tokens], axis=1),
            "position_ids": positions * tf.ones_like(is_real),
            "block_position_ids": (places + 1) * is_real,
            "segment_ids": is_real,
            "query_step": (places + 1) * is_real,
        }
        slots = {
            name: tf.concat([values, span[name]], axis=1) for name, values in part_a.slots.items()
        }
        slots["key_start"] = slots["query_step"]
        slots["key_end"] = tf.where(slots["segment_ids"] > 0, END_OF_STEPS, 0)
        first = tf.shape(part_a.slots["token_ids"])[1]
        slots["prediction_slots"] = (first + places) * tf.ones_like(is_real)
        slots["objective_ids"] = tf.zeros_like(is_real)
        rows = {**slots, "targets": targets, "is_target": is_target}
        scores = in_row_groups(self._of_rows, rows, _ROWS_AT_ONCE)
        return {"log_likelihood": scores["log_likelihood"], "num_tokens": lengths}

    def _of_rows(self, rows):
        slots = {name: rows[name] for name in self.model.input}
        log_probabilities = tf.nn.log_softmax(self.model(slots, training=False))
        of_targets = tf.gather(log_probabilities, rows["targets"], batch_dims=2)
        return {
            "log_likelihood": tf.reduce_sum(tf.where(rows["is_target"], of_targets, 0.0), axis=1)
        }
