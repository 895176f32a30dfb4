"""The backbone as an encoder and as a keras_hub preset."""

import keras_hub
import numpy as np
import pytest

from mpnet_tf.models import MPNetBackbone, MPNetMaskedLM
from tests.models.test_mpnet_pretrainer import small_backbone


@pytest.fixture(scope="module")
def inputs():
    generator = np.random.default_rng(0)
    padding_mask = (np.arange(20) < np.array([[20], [7], [1]])).astype("int32")
    token_ids = np.where(padding_mask, generator.integers(4, 99, (3, 20)), 1).astype("int32")
    return {"token_ids": token_ids, "padding_mask": padding_mask}


def test_padding_changes_nothing(inputs):
    backbone = small_backbone()
    padded = np.asarray(backbone(inputs))
    alone = np.asarray(backbone({name: value[1:2, :7] for name, value in inputs.items()}))
    np.testing.assert_allclose(padded[1, :7], alone[0], atol=1e-5)


def test_preset_round_trip(inputs, tmp_path):
    masked_lm = MPNetMaskedLM(small_backbone())
    masked_lm.save_to_preset(str(tmp_path))
    inputs = {**inputs, "mask_positions": np.array([[3, 5], [0, 6], [0, 0]], "int32")}
    expected = np.asarray(masked_lm(inputs, training=False))
    for restored in (
        MPNetMaskedLM.from_preset(str(tmp_path)),
        keras_hub.models.MaskedLM.from_preset(str(tmp_path)),
    ):
        assert isinstance(restored, MPNetMaskedLM)
        np.testing.assert_allclose(
            np.asarray(restored(inputs, training=False)), expected, atol=1e-6
        )
    backbone = keras_hub.models.Backbone.from_preset(str(tmp_path))
    assert isinstance(backbone, MPNetBackbone)
    assert backbone.get_config() == masked_lm.backbone.get_config()


def test_lora_adapts_queries_keys_and_values(inputs):
    backbone = small_backbone()
    expected = np.asarray(backbone(inputs))
    backbone.enable_lora(rank=2)
    # Two factors and the bias, for each of two projections in each of three layers.
    assert len(backbone.trainable_weights) == 3 * 2 * 3
    factors = [weight for weight in backbone.trainable_weights if "lora" in weight.name]
    assert len(factors) == 3 * 2 * 2
    np.testing.assert_allclose(np.asarray(backbone(inputs)), expected, atol=1e-5)
