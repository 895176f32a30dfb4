"""Text classifiers against their definition in NumPy."""

from typing import ClassVar

import keras_hub
import numpy as np
import pytest

from mpnet_tf.models import (
    BertTextClassifier,
    MPNetTextClassifier,
    TransformerTextClassifier,
)
from tests.models.small_models import small_backbone
from tests.models.task_checks import (
    LENGTHS,
    TASK_BODIES,
    TaskChecks,
    hidden_states,
    make_model,
    outputs_of,
    overfitted_model,
    text_inputs,
    weights_of,
)


class TestTextClassifier(TaskChecks):
    task = "text_classifier"
    settings: ClassVar = {"num_classes": 5, "dropout": 0.3}
    base = TransformerTextClassifier
    keras_hub_base = keras_hub.models.TextClassifier
    head_shapes: ClassVar = {
        "pooled_dense/kernel": (32, 32),
        "pooled_dense/bias": (32,),
        "logits/kernel": (32, 5),
        "logits/bias": (5,),
    }


def reference_logits(model, inputs):
    first = hidden_states(model, inputs)[:, 0]
    kernel, bias = weights_of(model.pooled_dense)
    pooled = np.tanh(first @ kernel + bias)
    kernel, bias = weights_of(model.output_dense)
    return pooled @ kernel + bias


@pytest.mark.parametrize("body", [*TASK_BODIES, "glm"])
def test_logits_are_those_of_the_definition(body):
    model = make_model("text_classifier", body, {"num_classes": 5})
    inputs = text_inputs(model.backbone)
    (logits,) = outputs_of(model, inputs)
    assert logits.shape == (len(LENGTHS), 5)
    # The reference begins at the same float32 hidden states.
    np.testing.assert_allclose(logits, reference_logits(model, inputs), rtol=0, atol=1e-5)


def test_activation_applies_to_the_logits():
    model = make_model("text_classifier", "mpnet", {"num_classes": 4, "activation": "softmax"})
    assert model.head_settings["activation"] == "softmax"
    inputs = text_inputs(model.backbone)
    (found,) = outputs_of(model, inputs)
    expected = np.exp(reference_logits(model, inputs))
    np.testing.assert_allclose(found, expected / expected.sum(axis=1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize(("body", "zeroed"), [("mpnet", True), ("bert", False)])
def test_only_bert_s_pooler_is_without_dropout_before_it(body, zeroed):
    no_dropout = {"dropout": 0.0, "attention_dropout": 0.0}
    settings: ClassVar = {"num_classes": 3, "dropout": 0.9}
    model = make_model("text_classifier", body, settings, **no_dropout)
    # The pooled vector itself: the last layer shows what of it is left.
    model.output_dense.kernel.assign(np.eye(32, 3) * 10.0)
    model.output_dense.bias.assign(np.zeros(3))
    model.pooled_dense.bias.assign(np.ones(32))
    inputs = {
        name: np.repeat(value, 200, axis=0) for name, value in text_inputs(model.backbone).items()
    }
    kept = outputs_of(model, inputs, training=True)[0][:200]
    # Of one text: what survives the second dropout is one number if the first is not there.
    survivors = kept[:, 0][kept[:, 0] != 0]
    assert 5 < len(survivors) < 50
    assert (np.ptp(survivors) > 1e-3) == zeroed
    assert np.ptp(outputs_of(model, inputs, training=False)[0][:200], axis=0).max() < 1e-5


def test_fit_overfits_a_batch():
    labels = np.array([2, 0, 1])
    settings = {"num_classes": 3, "dropout": 0.0}
    model = overfitted_model("text_classifier", "mpnet", settings, loss="auto", labels=labels)
    (logits,) = outputs_of(model, text_inputs(model.backbone))
    assert logits.argmax(axis=1).tolist() == labels.tolist()


def test_a_preset_s_head_is_replaced_for_other_classes(tmp_path):
    model = make_model("text_classifier", "mpnet", {"num_classes": 5})
    model.save_to_preset(str(tmp_path))
    other = keras_hub.models.TextClassifier.from_preset(str(tmp_path), num_classes=2)
    assert type(other) is MPNetTextClassifier and other.num_classes == 2
    inputs = text_inputs(model.backbone)
    assert outputs_of(other, inputs)[0].shape == (len(LENGTHS), 2)
    np.testing.assert_allclose(
        hidden_states(other, inputs), hidden_states(model, inputs), atol=1e-5
    )


@pytest.mark.parametrize("num_classes", [0, -1, 2.0, True, "3", None])
def test_bad_numbers_of_classes_are_refused(num_classes):
    with pytest.raises(
        ValueError, match=r"`num_classes` must be a positive integer. Received: num_classes="
    ):
        MPNetTextClassifier(small_backbone("mpnet", num_layers=1), num_classes=num_classes)


def test_numpy_s_integers_will_do():
    labels = np.array([0, 2, 1])
    model = BertTextClassifier(small_backbone("bert", num_layers=1), num_classes=labels.max() + 1)
    assert type(model.get_config()["num_classes"]) is int


@pytest.mark.parametrize("dropout", [-0.1, 1.0, 1.5])
def test_bad_dropouts_are_refused(dropout):
    with pytest.raises(ValueError, match=f"`dropout` must be at least 0 and below 1.*={dropout}"):
        MPNetTextClassifier(small_backbone("mpnet", num_layers=1), 2, dropout=dropout)
