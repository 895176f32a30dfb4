"""`from_preset` on directories of other libraries."""

import numpy as np
import pytest

from mpnet_tf.models import (
    BertBackbone,
    MPNetBackbone,
    MPNetMaskedLM,
    MPNetTextClassifier,
    TransformerBackbone,
)
from tests.conversion import peer_models


@pytest.fixture(scope="module")
def masked_lm(tmp_path_factory):
    """A directory with a masked language model, in two parts, and the model."""
    path = tmp_path_factory.mktemp("masked_lm")
    model = peer_models.make_model("MPNetForMaskedLM")
    model.save_pretrained(path, max_shard_size="20KB")
    assert (path / "model.safetensors.index.json").exists()
    return str(path), model


def hidden_states(backbone, model):
    arrays = peer_models.inputs(model)
    return np.asarray(backbone(arrays)) * arrays["padding_mask"][..., None]


@pytest.mark.parametrize("backbone_cls", [MPNetBackbone, TransformerBackbone])
def test_a_backbone_is_read_from_a_model_with_a_head(backbone_cls, masked_lm):
    path, model = masked_lm
    backbone = backbone_cls.from_preset(path)
    assert type(backbone) is MPNetBackbone
    arrays = peer_models.inputs(model)
    expected = peer_models.outputs(model.mpnet, arrays) * arrays["padding_mask"][..., None]
    np.testing.assert_allclose(hidden_states(backbone, model), expected, atol=1e-4)


def test_a_masked_lm_is_read_with_its_head(masked_lm, caplog):
    path, model = masked_lm
    ours = MPNetMaskedLM.from_preset(path)
    arrays = peer_models.inputs(model)
    difference = peer_models.largest_difference(
        peer_models.our_outputs(ours, "masked_lm", arrays),
        peer_models.outputs(model, arrays),
        arrays,
    )
    assert difference < 1e-4
    assert caplog.records == []


def test_a_fresh_head_is_warned_of(masked_lm, caplog):
    path, model = masked_lm
    classifier = MPNetTextClassifier.from_preset(path, num_classes=4)
    (warning,) = caplog.records
    assert "no weights for pooled_dense/kernel" in warning.getMessage()
    arrays = peer_models.inputs(model)
    assert classifier(arrays).shape == (len(peer_models.LENGTHS), 4)
    expected = hidden_states(MPNetBackbone.from_preset(path), model)
    np.testing.assert_array_equal(hidden_states(classifier.backbone, model), expected)


def test_another_number_of_classes_gets_a_new_head(tmp_path, caplog):
    names = {0: "no", 1: "perhaps", 2: "yes"}
    model = peer_models.make_model("MPNetForSequenceClassification", id2label=names)
    model.save_pretrained(tmp_path)
    same = MPNetTextClassifier.from_preset(str(tmp_path))
    assert same.class_names == ("no", "perhaps", "yes") and caplog.records == []
    classifier = MPNetTextClassifier.from_preset(str(tmp_path), num_classes=5)
    (warning,) = caplog.records
    assert "no weights for pooled_dense/kernel" in warning.getMessage()
    assert classifier.output_shape == (None, 5) and classifier.class_names is None
    expected = hidden_states(same.backbone, model)
    np.testing.assert_array_equal(hidden_states(classifier.backbone, model), expected)


def test_a_classifier_of_what_is_none_needs_a_number_of_classes(masked_lm):
    path, _ = masked_lm
    with pytest.raises(ValueError, match=r"`num_classes` must be given for a text_classifier"):
        MPNetTextClassifier.from_preset(path)


def test_settings_replace_those_of_the_source(masked_lm):
    path, _ = masked_lm
    backbone = MPNetBackbone.from_preset(path, dropout=0.3, dtype="bfloat16", name="mine")
    assert (backbone.dropout, backbone.name) == (0.3, "mine")
    assert backbone.token_embedding.embeddings.dtype == "bfloat16"


def test_weights_are_left_out_on_request(masked_lm):
    path, model = masked_lm
    first = MPNetBackbone.from_preset(path, load_weights=False).token_embedding.embeddings
    source = model.mpnet.embeddings.word_embeddings.weight.detach().numpy()
    assert first.shape == source.shape
    assert np.abs(np.asarray(first) - source).max() > 0.1


def test_a_setting_that_changes_a_shape_is_refused(masked_lm):
    path, _ = masked_lm
    with pytest.raises(ValueError, match=r"position_embedding/embeddings has shape \(152, 32\)"):
        MPNetBackbone.from_preset(path, max_sequence_length=20)


def test_a_model_of_another_body_is_refused(masked_lm):
    path, _ = masked_lm
    with pytest.raises(ValueError, match=r"`MPNetBackbone`.*Received: a call on `BertBackbone`"):
        BertBackbone.from_preset(path)


def test_a_saved_preset_of_a_converted_model_loads(masked_lm, tmp_path):
    path, _ = masked_lm
    ours = MPNetMaskedLM.from_preset(path)
    ours.save_to_preset(tmp_path / "preset")
    again = MPNetMaskedLM.from_preset(str(tmp_path / "preset"))
    for variable, expected in zip(again.weights, ours.weights, strict=True):
        np.testing.assert_array_equal(variable, expected)
