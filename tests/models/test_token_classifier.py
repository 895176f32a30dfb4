"""Token classifiers against their definition in NumPy."""

from typing import ClassVar

import keras
import numpy as np
import pytest

from mpnet_tf.models import BertTokenClassifier, TransformerTokenClassifier
from tests.models.small_models import small_backbone
from tests.models.task_checks import (
    LENGTHS,
    TaskChecks,
    each_body,
    hidden_states,
    make_model,
    outputs_of,
    overfitted_model,
    text_inputs,
    weights_of,
)


class TestTokenClassifier(TaskChecks):
    task = "token_classifier"
    settings: ClassVar = {"num_classes": 4, "dropout": 0.3}
    base = TransformerTokenClassifier
    head_shapes: ClassVar = {"logits/kernel": (32, 4), "logits/bias": (4,)}
    per_token = True


@each_body
def test_logits_are_those_of_the_definition(body):
    model = make_model("token_classifier", body, {"num_classes": 4})
    inputs = text_inputs(model.backbone)
    kernel, bias = weights_of(model.output_dense)
    (logits,) = outputs_of(model, inputs)
    assert logits.shape == (len(LENGTHS), 12, 4)
    # The reference begins at the same float32 hidden states.
    expected = hidden_states(model, inputs) @ kernel + bias
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)


def test_dropout_is_there_in_training_alone():
    no_dropout = {"dropout": 0.0, "attention_dropout": 0.0}
    model = make_model("token_classifier", "bert", {"num_classes": 4, "dropout": 0.9}, **no_dropout)
    inputs = text_inputs(model.backbone)
    first, second = (outputs_of(model, inputs, training=True)[0] for _ in range(2))
    assert np.abs(first - second).max() > 0.1
    first, second = (outputs_of(model, inputs, training=False)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_fit_overfits_a_batch():
    real = (np.arange(12) < np.array(LENGTHS)[:, None]).astype("float32")
    labels = np.random.default_rng(3).integers(0, 3, real.shape)
    model = overfitted_model(
        "token_classifier",
        "bert",
        {"num_classes": 3, "dropout": 0.0},
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        labels=labels,
        sample_weight=real,
    )
    (logits,) = outputs_of(model, text_inputs(model.backbone))
    assert (logits.argmax(axis=2) == labels)[real == 1].all()


def test_bad_arguments_are_refused():
    backbone = small_backbone("bert", num_layers=1)
    with pytest.raises(ValueError, match=r"`num_classes` must be a positive.*num_classes=0"):
        BertTokenClassifier(backbone, num_classes=0)
    with pytest.raises(ValueError, match=r"`dropout` must be at least 0 and below 1.*dropout=1"):
        BertTokenClassifier(backbone, num_classes=2, dropout=1)
