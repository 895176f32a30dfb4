"""How likely whole spans are, from the logits of their tokens."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mpnet_tf")
class SpanLogProbabilities(keras.layers.Layer):
    """Sums the log-probabilities of the tokens of each span.

    Several spans may share a prediction. Computes in float32 whatever the body does.

    Call arguments:
        logits: float tensor `(batch_size, num_predictions, vocabulary_size)`.
        span_predictions: int tensor `(batch_size, num_spans, longest)`. The prediction that tells
            each token of a span.
        span_token_ids: int tensor `(batch_size, num_spans, longest)`. These tokens; negative where
            a span has none.

    Returns:
        float32 tensor `(batch_size, num_spans)`: natural logarithms of the spans' probabilities.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", "autocast": False, **kwargs})

    def call(self, logits, span_predictions, span_token_ids):
        log_probabilities = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
        is_token = ops.greater_equal(span_token_ids, 0)
        places = span_predictions * logits.shape[-1] + ops.where(is_token, span_token_ids, 0)
        batch_size, num_spans, longest = ops.shape(places)
        found = ops.take_along_axis(
            ops.reshape(log_probabilities, (batch_size, -1)),
            ops.reshape(places, (batch_size, num_spans * longest)),
            axis=1,
        )
        found = ops.reshape(found, (batch_size, num_spans, longest))
        return ops.sum(ops.where(is_token, found, ops.zeros_like(found)), axis=2)

    def compute_output_spec(self, logits, span_predictions, span_token_ids):
        return keras.KerasTensor(span_token_ids.shape[:2], dtype="float32")
