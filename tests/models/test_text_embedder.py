"""Text embedders against their definition in NumPy."""

from typing import ClassVar

import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.layers.pooling import POOLINGS
from mpnet_tf.models import MPNetTextEmbedder, TransformerTextEmbedder
from tests.layers.test_pooling import reference_pooling
from tests.models.small_models import small_backbone
from tests.models.task_checks import (
    LENGTHS,
    TaskChecks,
    check_preset_round_trip,
    each_body,
    hidden_states,
    make_model,
    outputs_of,
    text_inputs,
    weights_of,
)


class TestTextEmbedder(TaskChecks):
    task = "text_embedder"
    settings: ClassVar = {"pooling": "max", "dense_dim": 6, "dense_activation": "tanh"}
    base = TransformerTextEmbedder
    keras_hub_base = getattr(keras_hub.models, "TextEmbedder", None)
    head_shapes: ClassVar = {"embedding_dense/kernel": (32, 6), "embedding_dense/bias": (6,)}


def expected_embeddings(model, inputs):
    settings: ClassVar = model.head_settings
    hidden = hidden_states(model, inputs)
    embeddings = reference_pooling(settings["pooling"], hidden, inputs["padding_mask"])
    if settings["dense_dim"]:
        kernel, *bias = weights_of(model.embedding_dense)
        embeddings = embeddings @ kernel + sum(bias)
        if settings["dense_activation"] == "tanh":
            embeddings = np.tanh(embeddings)
    if settings["normalize"]:
        embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return embeddings


@pytest.mark.parametrize(
    "settings",
    [
        *({"pooling": pooling, "normalize": False} for pooling in POOLINGS),
        {"pooling": "mean_sqrt_len_tokens"},
        {"dense_dim": 6},
        {"pooling": "cls", "dense_dim": 40, "dense_activation": "tanh"},
        {"pooling": "max", "dense_dim": 6, "dense_use_bias": False, "normalize": False},
    ],
)
def test_embeddings_are_those_of_the_definition(settings):
    model = make_model("text_embedder", "mpnet", settings)
    inputs = text_inputs(model.backbone)
    (found,) = outputs_of(model, inputs)
    assert found.shape == (len(LENGTHS), model.embedding_dim)
    assert model.embedding_dim == settings.get("dense_dim", 32)
    # The reference begins at the same float32 hidden states; unnormalised, numbers reach 10.
    np.testing.assert_allclose(found, expected_embeddings(model, inputs), rtol=1e-5, atol=1e-5)


@each_body
def test_defaults_are_the_mean_at_unit_length(body):
    model = make_model("text_embedder", body, {})
    assert model.head_settings == {
        "pooling": "mean",
        "dense_dim": None,
        "dense_activation": None,
        "dense_use_bias": True,
        "normalize": True,
    }
    inputs = text_inputs(model.backbone)
    (found,) = outputs_of(model, inputs)
    np.testing.assert_allclose(found, expected_embeddings(model, inputs), rtol=0, atol=1e-5)


@each_body
def test_a_preset_without_weights_of_the_head(body, tmp_path):
    model = make_model("text_embedder", body, {"pooling": "cls", "normalize": False})
    assert {weight.path for weight in model.weights} == {
        weight.path for weight in model.backbone.weights
    }
    check_preset_round_trip(model, [TransformerTextEmbedder], tmp_path)


def test_a_row_without_tokens_has_a_finite_embedding_and_gradient():
    model = make_model("text_embedder", "mpnet", {})
    inputs = text_inputs(model.backbone)
    inputs["padding_mask"][1] = 0
    with tf.GradientTape() as tape:
        embeddings = model(inputs)
        loss = tf.reduce_sum(embeddings[:, 0])
    np.testing.assert_array_equal(embeddings[1], np.zeros(32))
    for gradient in tape.gradient(loss, [weight.value for weight in model.trainable_weights]):
        assert np.isfinite(tf.convert_to_tensor(gradient).numpy()).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"pooling": "median"},
            "`pooling` must be one of mean, cls, max, mean_sqrt_len_tokens.*pooling='median'",
        ),
        ({"dense_dim": 0}, "`dense_dim` must be a positive integer.*dense_dim=0"),
        ({"dense_dim": 2.5}, "`dense_dim` must be a positive integer.*dense_dim=2.5"),
        (
            {"dense_dim": 4, "dense_activation": "relu"},
            "`dense_activation` must be None or 'tanh'.*dense_activation='relu'",
        ),
        ({"dense_activation": "tanh"}, "without a dense layer.*dense_activation='tanh'"),
        ({"dense_use_bias": False}, "without a dense layer.*dense_use_bias=False"),
    ],
)
def test_bad_arguments_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        MPNetTextEmbedder(small_backbone("mpnet", num_layers=1), **settings)
