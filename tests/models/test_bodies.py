"""Every body as an encoder, as a config and as a keras_hub preset."""

import ast
import inspect
import re

import keras
import keras_hub
import numpy as np
import pytest

from mpnet_tf.models import (
    BODIES,
    BertMaskedLM,
    GLMMaskedLM,
    MPNetMaskedLM,
    TransformerBackbone,
    TransformerMaskedLM,
    XLNetStyleMaskedLM,
    make_backbone,
    make_masked_lm,
)
from tests.models.small_models import BODY_NAMES, randomize, small_backbone

MASKED_LMS = {
    "mpnet": MPNetMaskedLM,
    "bert": BertMaskedLM,
    "glm": GLMMaskedLM,
    "xlnet_style": XLNetStyleMaskedLM,
}
SMALL = {
    "vocabulary_size": 50,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 8,
    "intermediate_dim": 12,
    "max_sequence_length": 20,
}

each_body = pytest.mark.parametrize("body", BODY_NAMES)


def inputs_of(backbone):
    generator = np.random.default_rng(0)
    padding_mask = (np.arange(20) < np.array([[20], [7], [1]])).astype("int32")
    token_ids = np.where(padding_mask, generator.integers(6, 50, (3, 20)), 1).astype("int32")
    inputs = {"token_ids": token_ids, "padding_mask": padding_mask}
    if backbone.num_segments:
        inputs["segment_ids"] = generator.integers(0, 2, (3, 20)).astype("int32")
    return inputs


def odd_choices():
    """Settings of a body that nobody published: every choice on, or another than the default."""
    return {
        **SMALL,
        "num_relative_buckets": 8,
        "norm_order": "pre",
        "position_offset": 1,
        "relative_positions": True,
        "block_positions": True,
        "num_segments": 3,
        "approximate_gelu": True,
        "lm_head_transform": False,
    }


@each_body
def test_padding_changes_nothing(body):
    backbone = small_backbone(body)
    inputs = inputs_of(backbone)
    padded = np.asarray(backbone(inputs))
    alone = np.asarray(backbone({name: value[1:2, :7] for name, value in inputs.items()}))
    np.testing.assert_allclose(padded[1, :7], alone[0], atol=1e-5)


@each_body
def test_order_counts(body):
    backbone = small_backbone(body)
    randomize(backbone)
    inputs = {name: value[:1] for name, value in inputs_of(backbone).items()}
    turned = {**inputs, "token_ids": inputs["token_ids"][:, ::-1]}
    before, after = np.asarray(backbone(inputs)), np.asarray(backbone(turned))
    assert np.abs(before[:, ::-1] - after).max() > 0.1


def test_segments_count():
    backbone = small_backbone("bert")
    randomize(backbone)
    inputs = inputs_of(backbone)
    other = {**inputs, "segment_ids": 1 - inputs["segment_ids"]}
    assert np.abs(np.asarray(backbone(inputs)) - np.asarray(backbone(other))).max() > 0.1


@each_body
def test_preset_round_trip(body, tmp_path):
    masked_lm = make_masked_lm(small_backbone(body))
    assert type(masked_lm) is MASKED_LMS[body]
    randomize(masked_lm)
    masked_lm.save_to_preset(str(tmp_path))
    inputs = inputs_of(masked_lm.backbone)
    inputs["mask_positions"] = np.array([[3, 5], [0, 6], [0, 0]], "int32")
    expected = np.asarray(masked_lm(inputs, training=False))
    for cls in (MASKED_LMS[body], TransformerMaskedLM, keras_hub.models.MaskedLM):
        restored = cls.from_preset(str(tmp_path))
        assert type(restored) is MASKED_LMS[body]
        np.testing.assert_allclose(
            np.asarray(restored(inputs, training=False)), expected, atol=1e-5
        )
    backbone = keras_hub.models.Backbone.from_preset(str(tmp_path))
    assert type(backbone) is BODIES[body]
    assert backbone.get_config() == masked_lm.backbone.get_config()


@each_body
def test_config_holds_the_sizes_alone(body):
    backbone = small_backbone(body, dtype="mixed_bfloat16", dropout=0.2)
    config = backbone.get_config()
    assert not set(config) & set(backbone.fixed_choices)
    assert ("num_relative_buckets" in config) == backbone.relative_positions
    restored = type(backbone).from_config(config)
    assert restored.get_config() == config
    assert [weight.shape for weight in restored.weights] == [
        weight.shape for weight in backbone.weights
    ]


def test_any_other_choices_make_a_body_too(tmp_path):
    masked_lm = make_masked_lm(TransformerBackbone(**odd_choices()))
    assert type(masked_lm) is TransformerMaskedLM
    config = masked_lm.backbone.get_config()
    assert config.items() >= odd_choices().items()
    assert TransformerBackbone.from_config(config).get_config() == config
    masked_lm.save_to_preset(str(tmp_path))
    restored = keras_hub.models.MaskedLM.from_preset(str(tmp_path))
    assert type(restored) is TransformerMaskedLM
    assert restored.backbone.get_config() == config


def test_default_sizes_are_those_of_the_published_base_models():
    """By their numbers of weights; one layer stands for the twelve, and few tokens for all."""
    width, inner = 768, 3072
    # Four projections and the feed-forward network with their biases, and two layer norms.
    layer = 4 * (width**2 + width) + 2 * width * inner + inner + width + 4 * width
    beside = {
        # Position tables, segments, the layer norm of the embeddings or the last one, buckets.
        "mpnet": width * (514 + 2) + 32 * 12,
        "bert": width * (512 + 2 + 2),
        "glm": width * (512 + 513 + 2),
        "xlnet_style": width * 2 + 32 * 12,
    }
    for body, expected in beside.items():
        backbone = make_backbone(body, 10, num_layers=1)
        assert backbone.count_params() == expected + layer + width * 10, body
    # google-research/bert's count for 30,522 tokens, less its pooler.
    assert beside["bert"] + 12 * layer + width * 30522 == 109_482_240 - width**2 - width

    default = inspect.signature(TransformerBackbone).parameters["num_layers"].default
    assert default == 12
    epsilons = {body: make_backbone(body, **SMALL).layer_norm_epsilon for body in BODIES}
    assert epsilons == {"mpnet": 1e-5, "bert": 1e-12, "glm": 1e-5, "xlnet_style": 1e-12}


def test_output_projections_of_pre_norm_bodies_start_smaller():
    sizes = {"num_layers": 8, "hidden_dim": 64, "intermediate_dim": 128, "initializer_stddev": 0.1}
    keras.utils.set_random_seed(1)
    for body, expected in (("glm", 0.25), ("bert", 1.0)):
        block = small_backbone(body, **sizes).transformer_layers[5]
        inner, *outer = (
            np.asarray(layer.kernel).std()
            for layer in (
                block.attention.query,
                block.attention.output_projection,
                block.feedforward_output,
            )
        )
        # The standard deviation of 4,096 draws and more is within a few per cent.
        np.testing.assert_allclose(np.divide(outer, inner), expected, rtol=0.05)


def test_lora_adapts_queries_keys_and_values():
    backbone = small_backbone("mpnet")
    inputs = inputs_of(backbone)
    expected = np.asarray(backbone(inputs))
    backbone.enable_lora(rank=2)
    # Two factors and the bias, for each of two projections in each of three layers.
    assert len(backbone.trainable_weights) == 3 * 2 * 3
    factors = [weight for weight in backbone.trainable_weights if "lora" in weight.name]
    assert len(factors) == 3 * 2 * 2
    np.testing.assert_allclose(np.asarray(backbone(inputs)), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"absolute_positions": False},
            "`absolute_positions` or `relative_positions` must be True.*relative_positions=False",
        ),
        ({"norm_order": "sandwich"}, r"`norm_order` must be one of.*'sandwich'"),
        ({"num_heads": 3}, "`num_heads` must divide `hidden_dim`.*num_heads=3"),
        ({"num_layers": 0}, "`num_layers` must be positive.*num_layers=0"),
        ({"max_sequence_length": 0}, "`max_sequence_length` must be positive.*=0"),
        ({"position_offset": -1}, "`position_offset` must not be negative.*=-1"),
        ({"num_segments": -1}, "`num_segments` must not be negative.*=-1"),
    ],
)
def test_bad_choices_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TransformerBackbone(**{**SMALL, **settings})


@pytest.mark.parametrize("body", ["bert", "glm"])
@pytest.mark.parametrize("name", ["num_relative_buckets", "max_relative_distance"])
def test_settings_of_relative_positions_are_refused_where_there_are_none(body, name):
    with pytest.raises(
        ValueError, match=f"`{name}` must be left at .* in body '{body}'.*{name}=64"
    ):
        make_backbone(body, **{**SMALL, name: 64})
    with pytest.raises(
        ValueError, match=f"`{name}` must be left at .*{BODIES[body].__name__}.*{name}=64"
    ):
        BODIES[body](**{**SMALL, name: 64})
    make_backbone(body, **SMALL, num_relative_buckets=32, max_relative_distance=128)


def test_unknown_bodies_are_refused():
    with pytest.raises(ValueError, match=r"`body` must be one of mpnet, bert, .*body='gpt'"):
        make_backbone("gpt", 50)


def test_what_a_published_body_fixes_is_no_argument_of_it():
    with pytest.raises(TypeError, match="norm_order"):
        make_backbone("bert", 50, norm_order="pre")


@each_body
def test_the_example_in_the_documentation_runs(body):
    (example,) = re.findall(r"```python\n(.*?)```", inspect.getdoc(BODIES[body]), re.DOTALL)
    *statements, call = ast.parse(example).body
    names = {"np": np, BODIES[body].__name__: BODIES[body]}
    exec(compile(ast.Module(statements, []), "example", "exec"), names)
    hidden = eval(compile(ast.Expression(call.value), "example", "eval"), names)
    assert hidden.shape == (1, 4, 256)
