"""Question answering against its definition in NumPy."""

from typing import ClassVar

import keras
import numpy as np

from mpnet_tf.models import TransformerQuestionAnswerer
from tests.models.task_checks import (
    LENGTHS,
    TaskChecks,
    each_body,
    hidden_states,
    make_model,
    overfitted_model,
    text_inputs,
    weights_of,
)


class TestQuestionAnswerer(TaskChecks):
    task = "question_answering"
    base = TransformerQuestionAnswerer
    head_shapes: ClassVar = {"logits/kernel": (32, 2), "logits/bias": (2,)}
    per_token = True


@each_body
def test_logits_are_those_of_the_definition(body):
    model = make_model("question_answering", body, {})
    inputs = text_inputs(model.backbone)
    kernel, bias = weights_of(model.output_dense)
    expected = hidden_states(model, inputs) @ kernel + bias
    found = model(inputs)
    assert set(found) == {"start_logits", "end_logits"}
    for index, name in enumerate(("start_logits", "end_logits")):
        assert found[name].shape == (len(LENGTHS), 12) and found[name].dtype == "float32"
        # The reference begins at the same float32 hidden states.
        np.testing.assert_allclose(found[name], expected[:, :, index], rtol=0, atol=1e-5)


def test_fit_overfits_a_batch():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    labels = {"start_logits": np.array([3, 1, 0]), "end_logits": np.array([9, 4, 0])}
    losses = dict.fromkeys(labels, loss)
    model = overfitted_model("question_answering", "mpnet", {}, loss=losses, labels=labels)
    found = model(text_inputs(model.backbone))
    for name, expected in labels.items():
        assert np.asarray(found[name]).argmax(axis=1).tolist() == expected.tolist()
