"""`fit` of embedders: on one device, on two, and what it brings about."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.finetuning.contrastive_loss import MultipleNegativesRankingLoss
from mpnet_tf.finetuning.embedding_trainer import EmbeddingTrainer
from mpnet_tf.models import MPNetTextEmbedder
from tests.finetuning.small_embedders import random_columns, small_embedder, weights_of

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def test_two_devices_take_the_steps_of_one():
    """With a global batch that they share unevenly, and with and without gradient caching."""
    process = subprocess.run(
        [sys.executable, "-m", "tests.finetuning.embedding_strategy_run"],
        cwd=REPOSITORY,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    results = json.loads(process.stdout.splitlines()[-1])
    assert results.pop("num_replicas") == 2
    assert "must be no LossScaleOptimizer on several replicas" in results.pop("refusal")
    for result in results.values():
        losses, other_losses = result["losses"]
        np.testing.assert_allclose(other_losses, losses, rtol=1e-5)
        assert losses[0] != losses[1]
        assert result["change"] > 1e-3
        # Weights near 1 are rounded by 6e-8.
        assert result["difference"] < 3e-5 * result["change"]


def trained(embedder, *, chunk_size=None, steps=20, optimizer=None):
    """Trains on one batch, again and again; returns the trainer and the losses of the steps."""
    trainer = EmbeddingTrainer(embedder, MultipleNegativesRankingLoss(), chunk_size=chunk_size)
    trainer.compile(optimizer or keras.optimizers.Adam(1e-3))
    batch = (random_columns(3, 8),)
    losses = trainer.fit(
        tf.data.Dataset.from_tensors(batch).repeat(),
        steps_per_epoch=1,
        epochs=steps,
        verbose=0,
    ).history["loss"]
    return trainer, losses


def test_one_batch_is_learned_and_the_embedder_saved(tmp_path):
    embedder = small_embedder(dropout=0.1, attention_dropout=0.1)
    trainer, losses = trained(embedder, chunk_size=3, steps=30)
    assert losses[-1] < 0.3 * losses[0]
    assert int(trainer.step_number) == 30
    embedder.save_to_preset(tmp_path)
    (features, *_) = random_columns(1, 4)
    again = MPNetTextEmbedder.from_preset(str(tmp_path))
    np.testing.assert_allclose(again(features), embedder(features), atol=1e-6)


def test_the_same_seed_gives_the_same_weights():
    settings = {"dropout": 0.1, "attention_dropout": 0.1}
    first, second = small_embedder(**settings), small_embedder(**settings)
    # Draws of something else in between are no matter.
    trained(first, steps=2)
    keras.random.normal((3,))
    trained(second, steps=2)
    for one, other in zip(weights_of(first), weights_of(second), strict=True):
        np.testing.assert_array_equal(one, other)


def test_frozen_weights_stay():
    embedder = small_embedder()
    embedder.backbone.embeddings.trainable = False
    before = embedder.backbone.token_embedding.embeddings.numpy()
    _, losses = trained(embedder, steps=2, chunk_size=3)
    np.testing.assert_array_equal(embedder.backbone.token_embedding.embeddings.numpy(), before)
    assert losses[1] != losses[0]


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_learns(dtype):
    embedder = small_embedder(dtype=dtype)
    optimizer = keras.optimizers.Adam(1e-3)
    if dtype == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=2.0**10)
    _, losses = trained(embedder, optimizer=optimizer, chunk_size=3)
    assert losses[-1] < 0.7 * losses[0]


def test_another_backend_is_refused(monkeypatch):
    embedder = small_embedder()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match=r"needs Keras' TensorFlow backend.*backend='jax'"):
        EmbeddingTrainer(embedder, MultipleNegativesRankingLoss())


def test_texts_that_are_too_long_for_the_body_are_refused():
    embedder = small_embedder(max_sequence_length=13)
    trainer = EmbeddingTrainer(embedder, MultipleNegativesRankingLoss())
    trainer.compile(keras.optimizers.SGD(0.1))
    # The third column may have 14 tokens.
    batch = (random_columns(3, 8),)
    for call in (trainer.fit, trainer.evaluate):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=r"at most 13 tokens, the body.*smaller `sequence"
        ):
            call(tf.data.Dataset.from_tensors(batch), verbose=0)
