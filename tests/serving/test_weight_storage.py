"""Weights stored in fewer bytes: what a loaded model computes with, and how much smaller it is."""

import os

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.models import make_backbone, make_task
from mpnet_tf.serving.export import export_model
from mpnet_tf.serving.served_tasks import ServingSettings
from mpnet_tf.serving.weight_storage import WeightStorage
from tests.serving.tiny_models import TEXTS, randomize, tokenizer_of


@pytest.fixture
def embedder():
    tokenizer = tokenizer_of("mpnet")
    backbone = make_backbone(
        "mpnet",
        vocabulary_size=tokenizer.vocabulary_size(),
        num_layers=1,
        num_heads=2,
        hidden_dim=64,
        intermediate_dim=128,
        max_sequence_length=24,
    )
    model = make_task("text_embedder", backbone)
    model.preprocessor = model.preprocessor_cls(tokenizer, sequence_length=24)
    randomize(model, scale=0.1)
    return model


def rounded(dtype, path, values):
    """Rounds a matrix by the definition, in NumPy."""
    if values.ndim != 2 or values.size < 4096:
        return values
    if dtype == "float16":
        return values.astype(np.float16).astype(np.float32)
    axis = 1 if path.endswith("embeddings") else 0
    step = abs(values).max(axis=axis, keepdims=True) / 127
    return np.round(values / step).clip(-127, 127) * step


def size_of(directory):
    return sum(file.stat().st_size for file in os.scandir(os.path.join(directory, "variables")))


@pytest.mark.parametrize(("dtype", "share"), [("float16", 0.55), ("int8", 0.35)])
def test_a_loaded_model_computes_with_the_rounded_weights(embedder, dtype, share, tmp_path):
    plain, small = str(tmp_path / "plain" / "1"), str(tmp_path / "small" / "1")
    export_model(embedder, ["embed"], plain, measures=False)
    settings = ServingSettings(weight_dtype=dtype)
    export_model(embedder, ["embed"], small, settings=settings, measures=False)
    assert size_of(small) < share * size_of(plain)

    loaded = tf.saved_model.load(small)
    found = loaded.signatures["embed"](text=tf.constant(TEXTS))["embedding"].numpy()
    original = embedder.predict(TEXTS, verbose=0)
    for variable in embedder.variables:
        variable.assign(rounded(dtype, variable.path, variable.numpy()))
    np.testing.assert_allclose(found, embedder.predict(TEXTS, verbose=0), atol=1e-5)
    assert abs(found - original).max() > 1e-5
    text = (tmp_path / "small" / "1" / "README.md").read_text(encoding="utf-8")
    assert f"Weights are stored as {dtype}" in text


def test_refuses_an_unknown_dtype(embedder):
    with pytest.raises(ValueError, match=r"`weight_dtype` must be one of float32, .*'int4'"):
        WeightStorage(embedder, "int4")
