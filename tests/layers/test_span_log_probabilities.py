"""Likelihoods of spans against a loop over their tokens."""

import numpy as np
import pytest

from mpnet_tf.layers.span_log_probabilities import SpanLogProbabilities


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_spans_sum_the_log_probabilities_of_their_tokens(dtype):
    generator = np.random.default_rng(0)
    logits = (generator.normal(size=(2, 5, 11)) * 4).astype(dtype)
    predictions = generator.integers(0, 5, (2, 3, 4)).astype("int32")
    token_ids = generator.integers(0, 11, (2, 3, 4)).astype("int32")
    token_ids[0, 1, 2:], token_ids[1, 2, 1:] = -1, -1
    exact = logits.astype(np.float64)
    expected = np.zeros((2, 3))
    for row, span, place in np.ndindex(token_ids.shape):
        if token_ids[row, span, place] >= 0:
            scores = exact[row, predictions[row, span, place]]
            log_sum = np.log(np.exp(scores).sum())
            expected[row, span] += scores[token_ids[row, span, place]] - log_sum
    layer = SpanLogProbabilities()
    found = np.asarray(layer(logits, predictions, token_ids))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    spec = layer.compute_output_spec(logits, predictions, token_ids)
    assert (spec.shape, spec.dtype) == (found.shape, "float32")
