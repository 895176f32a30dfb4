"""Texts to how likely a masked language model finds them."""

import tensorflow as tf

from mpnet_tf.serving.compact_encoder import compact_network
from mpnet_tf.serving.row_groups import in_row_groups
from mpnet_tf.serving.served_text import valid_text
from mpnet_tf.serving.signature import Signature, text_input, token_inputs

_TEXTS = ["The cat sat on the mat.", "The cat sit in mat."]
_ROWS_AT_ONCE = 32


def scoring_signatures(masked_lm, preprocessor):
    """Makes the signatures `score` and `score_token_ids`.

    They compute what `pseudo_log_likelihood` does: each token is masked in a copy of the text.

    Args:
        masked_lm: `TransformerMaskedLM`.
        preprocessor: `TransformerTextPreprocessor` that pads to the longest text.

    Returns:
        List of `Signature`.
    """
    scorer = _Scorer(masked_lm, preprocessor.tokenizer)
    outputs = {
        "log_likelihood": "float32 (batch_size,): the sum of the natural logarithms of the tokens' "
        "probabilities",
        "num_tokens": "int32 (batch_size,): the tokens that count",
    }

    def score(text):
        return scorer.score(preprocessor(valid_text(text)))

    def score_token_ids(**inputs):
        return scorer.score(inputs)

    examples = token_inputs(preprocessor(_TEXTS))
    return [
        Signature(
            "score",
            "Tells how likely texts are, token by token; what is too long is cut at its end.",
            score,
            {"text": text_input("texts", _TEXTS)},
            outputs,
        ),
        Signature(
            "score_token_ids",
            "Tells how likely rows of token ids are.",
            score_token_ids,
            examples,
            outputs,
        ),
    ]


class _Scorer:
    """What the signatures compute."""

    def __init__(self, masked_lm, tokenizer):
        self.network = compact_network(masked_lm)
        self.tokenizer = tokenizer
        self.unscored = [
            index for index in tokenizer.special_token_ids if index != tokenizer.unk_token_id
        ]

    def score(self, inputs):
        """Masks each token of each row in a copy of its own."""
        token_ids = inputs["token_ids"]
        is_special = tf.reduce_any(
            tf.equal(token_ids[:, :, tf.newaxis], tf.constant(self.unscored, tf.int32)), axis=2
        )
        is_scored = tf.cast(inputs["padding_mask"], tf.bool) & ~is_special
        rows, places = tf.unstack(tf.cast(tf.where(is_scored), tf.int32), axis=1)

        def of_copies(copies):
            own = {name: tf.gather(values, copies["rows"]) for name, values in inputs.items()}
            targets = tf.gather(own["token_ids"], copies["places"], batch_dims=1)
            is_masked = tf.equal(tf.range(tf.shape(token_ids)[1]), copies["places"][:, tf.newaxis])
            own["token_ids"] = tf.where(is_masked, self.tokenizer.mask_token_id, own["token_ids"])
            own["mask_positions"] = copies["places"][:, tf.newaxis]
            log_probabilities = tf.nn.log_softmax(self.network(own, training=False)[:, 0])
            return {"of_targets": tf.gather(log_probabilities, targets, batch_dims=1)}

        scores = in_row_groups(of_copies, {"rows": rows, "places": places}, _ROWS_AT_ONCE)
        num_rows = tf.shape(token_ids)[0]
        return {
            "log_likelihood": tf.math.unsorted_segment_sum(scores["of_targets"], rows, num_rows),
            "num_tokens": tf.reduce_sum(tf.cast(is_scored, tf.int32), axis=1),
        }
