"""Learning rates by layer, against Keras' AdamW with one rate."""

import keras
import numpy as np
import pytest

from mpnet_tf.finetuning.layer_rates import layer_rates
from mpnet_tf.models import make_task
from mpnet_tf.training.adamw_with_rates import AdamWWithRates
from mpnet_tf.training.parameter_roles import parameter_roles
from tests.models.small_models import small_backbone

RATE, DECAY = 0.01, 0.1


def make_model(body):
    keras.utils.set_random_seed(2)
    model = make_task("text_classifier", small_backbone(body), num_classes=2)
    # Numbers near 1, as the scales of layer norm begin, are further apart than the bound.
    model.set_weights([array / 4 for array in model.get_weights()])
    return model


def moved(model, optimizer):
    """Takes two steps with gradients that do not depend on the weights."""
    before = [variable.numpy() for variable in model.trainable_variables]
    generator = np.random.default_rng(3)
    for _ in range(2):
        gradients = [generator.normal(size=array.shape).astype("float32") for array in before]
        optimizer.apply(
            list(map(keras.ops.convert_to_tensor, gradients)), model.trainable_variables
        )
    return {
        variable.path: variable.numpy() - array
        for variable, array in zip(model.trainable_variables, before, strict=True)
    }


def test_without_decay_it_is_adamw():
    model = make_model("mpnet")
    roles = parameter_roles(model)
    no_decay = [path for path, role in roles.items() if role in ("bias", "norm")]
    ours = AdamWWithRates(RATE, layer_rates(model, 1.0), DECAY, no_decay, epsilon=1e-6)
    found = moved(model, ours)
    model = make_model("mpnet")
    theirs = keras.optimizers.AdamW(RATE, weight_decay=DECAY, epsilon=1e-6)
    theirs.exclude_from_weight_decay(
        var_list=[v for v in model.trainable_variables if v.path in no_decay]
    )
    for path, expected in moved(model, theirs).items():
        np.testing.assert_allclose(found[path], expected, rtol=1e-4, atol=1e-7, err_msg=path)


@pytest.mark.parametrize("body", ["mpnet", "bert", "xlnet_style"])
def test_rates_fall_from_the_head_to_the_embeddings(body):
    backbone = make_task("backbone", small_backbone(body))
    head = keras.layers.Dense(2)
    model = keras.Model(backbone.input, head(backbone.output))
    model.backbone = backbone
    rates = layer_rates(model, 0.5)
    assert {rates[variable.path] for variable in head.trainable_variables} == {1.0}
    # Three layers; the embeddings, and the bias that all layers share, are below the first.
    for path, rate in rates.items():
        for number, expected in ((0, 0.125), (1, 0.25), (2, 0.5)):
            if f"transformer_layer_{number}/" in path:
                assert rate == expected, path
        if path.startswith(("embeddings", "relative_position_bias")):
            assert rate == 0.0625, path
        if path.startswith("final_norm"):
            assert rate == 0.5


def test_steps_are_those_of_adamw_with_each_layers_rate():
    model = make_model("bert")
    rates = layer_rates(model, 0.5)
    found = moved(model, AdamWWithRates(RATE, rates, DECAY, epsilon=1e-6))
    for factor in sorted(set(rates.values())):
        model = make_model("bert")
        expected = moved(model, keras.optimizers.AdamW(RATE * factor, DECAY, epsilon=1e-6))
        paths = [path for path, rate in rates.items() if rate == factor]
        assert paths
        for path in paths:
            np.testing.assert_allclose(
                found[path], expected[path], rtol=1e-4, atol=1e-7, err_msg=path
            )


def test_the_configuration_makes_it_again():
    model = make_model("mpnet")
    optimizer = AdamWWithRates(RATE, layer_rates(model, 0.5), DECAY, ["logits/bias"])
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert again.rates == optimizer.rates
    assert again.decay_rate == DECAY and again.no_decay == {"logits/bias"}


def test_a_decay_out_of_range_is_refused():
    for decay in (0, 1.1):
        with pytest.raises(ValueError, match=r"above 0 and at most 1\. Received: decay="):
            layer_rates(make_model("mpnet"), decay)
