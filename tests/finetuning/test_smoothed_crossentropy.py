"""Cross-entropy with smoothed labels, against Keras' own of one-hot labels."""

import keras
import numpy as np
import pytest

from mpnet_tf.finetuning.smoothed_crossentropy import SmoothedCrossentropy


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.6])
def test_it_is_keras_own_of_one_hot_labels(label_smoothing):
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(3, 5, 11)).astype("float32") * 4
    labels = generator.integers(0, 11, (3, 5))
    weights = generator.integers(0, 2, (3, 5)).astype("float32")
    expected = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=label_smoothing, reduction="mean_with_sample_weight"
    )(np.eye(11)[labels], logits, weights)
    loss = SmoothedCrossentropy(label_smoothing)
    np.testing.assert_allclose(loss(labels, logits, weights), expected, rtol=1e-5)
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    np.testing.assert_allclose(copy(labels, logits, weights), expected, rtol=1e-5)
    narrow = SmoothedCrossentropy(label_smoothing, dtype="bfloat16")(labels, logits, weights)
    np.testing.assert_allclose(np.float32(narrow), expected, rtol=0.02)


@pytest.mark.parametrize("label_smoothing", [-0.1, 1.0, float("nan")])
def test_a_share_out_of_range_is_refused(label_smoothing):
    with pytest.raises(ValueError, match=r"`label_smoothing` must be at least 0 and below 1"):
        SmoothedCrossentropy(label_smoothing)
