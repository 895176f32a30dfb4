"""The penalty on repetitions, against that of transformers."""

import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.models.repetition_penalty import RepetitionPenaltySampler


def test_repetition_penalty_is_that_of_transformers():
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(3, 20)).astype("float32")
    prompt = generator.integers(0, 20, (3, 6))
    process = transformers.RepetitionPenaltyLogitsProcessor(1.7)
    expected = process(torch.tensor(prompt[:, :4]), torch.tensor(logits)).numpy()
    seen = []

    class Spy(keras_hub.samplers.GreedySampler):
        def __call__(self, next, prompt, **kwargs):
            seen.append(next(prompt, None, 4)[0])
            return prompt

    sampler = RepetitionPenaltySampler(Spy(), 1.7)
    sampler(lambda *_: (tf.constant(logits), None, None), tf.constant(prompt))
    np.testing.assert_allclose(seen[0], expected, rtol=1e-6)
    copy = keras_hub.samplers.deserialize(
        keras_hub.samplers.serialize(RepetitionPenaltySampler("top_p", 1.3))
    )
    assert copy.penalty == 1.3 and isinstance(copy.sampler, keras_hub.samplers.TopPSampler)
    with pytest.raises(ValueError, match=r"`penalty` must be at least 1\. Received: penalty=0\.5"):
        RepetitionPenaltySampler("greedy", 0.5)
