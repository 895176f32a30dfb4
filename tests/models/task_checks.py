"""Checks that every task has to pass, on each body with a class for it."""

import ast
import functools
import inspect
import re
from typing import ClassVar

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.models import BODIES, make_task, task_of
from tests.models.small_models import randomize, small_backbone

TASK_BODIES = ("mpnet", "bert")
each_body = pytest.mark.parametrize("body", TASK_BODIES)

LENGTHS = (12, 7, 1)


def text_inputs(backbone, num_columns=12):
    """Makes random texts of uneven lengths with padding up to `num_columns`."""
    generator = np.random.default_rng(0)
    shape = (len(LENGTHS), num_columns)
    padding_mask = (np.arange(num_columns) < np.array(LENGTHS)[:, None]).astype("int32")
    inputs = {
        "token_ids": generator.integers(1, backbone.vocabulary_size, shape).astype("int32"),
        "padding_mask": padding_mask,
    }
    if backbone.num_segments:
        inputs["segment_ids"] = generator.integers(0, 2, shape).astype("int32")
    return inputs


def make_model(task, body, settings, **backbone_settings):
    """Makes a task's model with random weights; not to be trained, since calls share it."""
    return _make_model(
        task, body, tuple(settings.items()), backbone_settings=tuple(backbone_settings.items())
    )


@functools.cache
def _make_model(task, body, settings, *, backbone_settings):
    # One layer: that more are stacked well is the backbone's matter.
    backbone = small_backbone(body, num_layers=1, **dict(backbone_settings))
    model = make_task(task, backbone, **dict(settings))
    randomize(model)
    return model


def overfitted_model(task, body, settings, *, loss, labels, sample_weight=None):
    """Fits a model to `text_inputs` and the labels, until it should know them."""
    keras.utils.set_random_seed(2)
    backbone = small_backbone(
        body, num_layers=1, dropout=0.0, attention_dropout=0.0, initializer_stddev=0.3
    )
    model = make_task(task, backbone, **settings)
    # Neither XLA nor an optimizer of many operations: compiling them takes longer than the steps.
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False)
    model.fit(text_inputs(backbone), labels, sample_weight=sample_weight, epochs=40, verbose=0)
    return model


def outputs_of(model, inputs, **call_settings):
    """Returns the outputs as a list of arrays."""
    return [np.asarray(output) for output in keras.tree.flatten(model(inputs, **call_settings))]


def hidden_states(model, inputs):
    """Returns the backbone's hidden states in float64, to work out references from."""
    return np.asarray(model.backbone(inputs, training=False), np.float64)


def weights_of(layer):
    """Returns the kernel and bias of a dense layer in float64."""
    return (np.asarray(weight, np.float64) for weight in layer.weights)


def assert_same(found, expected, tolerance=1e-5):
    for found_one, expected_one in zip(found, expected, strict=True):
        np.testing.assert_allclose(found_one, expected_one, rtol=0, atol=tolerance)


def check_preset_round_trip(model, bases, tmp_path):
    """Checks that a model comes back from a preset by each of its base classes."""
    inputs = text_inputs(model.backbone)
    model.save_to_preset(str(tmp_path))
    for cls in bases:
        restored = cls.from_preset(str(tmp_path))
        assert type(restored) is type(model) and not restored.compiled
        assert task_of(restored) == task_of(model)
        assert_same(outputs_of(restored, inputs), outputs_of(model, inputs))


class TaskChecks:
    """Tests that the test class of a task inherits.

    Attributes:
        task: str. The task.
        settings: dict. Settings of the head other than the defaults.
        base: the class that all bodies' classes of the task derive from.
        keras_hub_base: keras_hub's class for the task, or None where it has none.
        head_shapes: dict from the paths of the head's weights to their shapes, with a
            `hidden_dim` of 32.
        per_token: bool. Whether there is an output for each token.
    """

    settings: ClassVar = {}
    keras_hub_base = None
    per_token = False

    def make(self, body, **backbone_settings):
        return make_model(self.task, body, self.settings, **backbone_settings)

    @each_body
    def test_variable_paths(self, body):
        model = self.make(body)
        shapes = {weight.path: tuple(weight.shape) for weight in model.weights}
        backbone_shapes = {weight.path: tuple(weight.shape) for weight in model.backbone.weights}
        assert shapes == {**backbone_shapes, **self.head_shapes}
        assert not set(backbone_shapes) & set(self.head_shapes)

    @each_body
    def test_other_rows_and_padding_change_nothing(self, body):
        model = self.make(body)
        inputs = text_inputs(model.backbone)
        together = outputs_of(model, inputs)
        for row, length in enumerate(LENGTHS):
            alone = outputs_of(
                model, {name: value[row : row + 1, :length] for name, value in inputs.items()}
            )
            row_of_all = [output[row : row + 1] for output in together]
            if self.per_token:
                row_of_all = [output[:, :length] for output in row_of_all]
            assert_same(alone, row_of_all)

    def test_segments_count(self):
        model = self.make("bert")
        inputs = text_inputs(model.backbone)
        other = {**inputs, "segment_ids": 1 - inputs["segment_ids"]}
        for one, another in zip(outputs_of(model, inputs), outputs_of(model, other), strict=True):
            assert np.abs(one - another).max() > 0.01

    @pytest.mark.parametrize(
        ("dtype", "tolerance"),
        [("mixed_bfloat16", 0.1), ("mixed_float16", 0.01), ("float16", 0.02)],
    )
    def test_outputs_are_float32_whatever_the_policy(self, dtype, tolerance):
        reference = self.make("bert")
        inputs = text_inputs(reference.backbone)
        expected = outputs_of(reference, inputs)
        model = self.make("bert", dtype=dtype)
        for weight, value in zip(model.weights, reference.weights, strict=True):
            weight.assign(value)
        found = outputs_of(model, inputs)
        assert model.dtype_policy.name == dtype
        assert [output.dtype for output in found] == ["float32"] * len(found)
        scale = max(np.abs(output).max() for output in expected)
        # The roundings of a layer; a wrong cast gives more, or NaN.
        assert_same(found, expected, tolerance * scale)

    @pytest.mark.parametrize(
        ("body", "dtype"), [("mpnet", "float32"), ("bert", "float32"), ("mpnet", "mixed_bfloat16")]
    )
    def test_every_weight_learns(self, body, dtype):
        model = self.make(body, dtype=dtype)
        inputs = text_inputs(model.backbone)
        generator = np.random.default_rng(1)
        with tf.GradientTape() as tape:
            outputs = keras.tree.flatten(model(inputs, training=True))
            # Random factors: a sum of normalised or of all outputs could have no gradient.
            loss = sum(
                tf.reduce_sum(output * generator.normal(size=output.shape).astype("float32"))
                for output in outputs
            )
        weights = [weight.value for weight in model.trainable_weights]
        for weight, gradient in zip(
            model.trainable_weights, tape.gradient(loss, weights), strict=True
        ):
            gradient = np.asarray(tf.convert_to_tensor(gradient), "float32")
            assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0, weight.path

    @each_body
    def test_config_round_trip(self, body):
        model = self.make(body)
        restored = type(model).from_config(model.get_config())
        assert restored.get_config() == model.get_config()
        assert task_of(restored) == task_of(model)
        assert model.head_settings.items() >= self.settings.items()

    @each_body
    def test_file_round_trip(self, body, tmp_path):
        model = self.make(body)
        inputs = text_inputs(model.backbone)
        model.save(tmp_path / "model.keras")
        restored = keras.saving.load_model(tmp_path / "model.keras")
        assert type(restored) is type(model)
        assert_same(outputs_of(restored, inputs), outputs_of(model, inputs))

    @each_body
    def test_preset_round_trip(self, body, tmp_path):
        bases = [base for base in (self.base, self.keras_hub_base) if base is not None]
        check_preset_round_trip(self.make(body), bases, tmp_path)
        backbone = keras_hub.models.Backbone.from_preset(str(tmp_path))
        assert type(backbone) is BODIES[body]
        narrow = type(self.make(body)).from_preset(str(tmp_path), dtype="bfloat16")
        assert narrow.backbone.dtype_policy.name == "bfloat16"

    def test_a_preset_of_another_task_gives_the_body(self, tmp_path):
        masked_lm = make_model("masked_lm", "mpnet", {})
        masked_lm.save_to_preset(str(tmp_path))
        model = self.base.from_preset(str(tmp_path), **self.settings)
        assert model.head_settings.items() >= self.settings.items()
        inputs = text_inputs(model.backbone)
        assert_same(outputs_of(model.backbone, inputs), outputs_of(masked_lm.backbone, inputs))

    def test_nothing_is_compiled_unless_asked_for(self):
        model = self.make("mpnet")
        assert not model.compiled
        cls, backbone = type(model), model.backbone
        assert cls(backbone, **self.settings, compile=True).compiled
        assert cls(backbone, **self.settings, name="mine").name == "mine"
        assert not cls(backbone, **self.settings, trainable=False).trainable
        with pytest.raises(TypeError, match="colour"):
            cls(backbone, **self.settings, colour="red")

    @each_body
    def test_the_example_in_the_documentation_runs(self, body):
        cls = type(self.make(body))
        (example,) = re.findall(r"```python\n(.*?)```", inspect.getdoc(cls), re.DOTALL)
        *statements, call = ast.parse(example).body
        names = {"np": np, BODIES[body].__name__: BODIES[body], cls.__name__: cls}
        exec(compile(ast.Module(statements, []), "example", "exec"), names)
        outputs = eval(compile(ast.Expression(call.value), "example", "eval"), names)
        assert all(output.shape[0] == 1 for output in keras.tree.flatten(outputs))
