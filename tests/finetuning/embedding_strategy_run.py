"""Trains small embedders on one device and on two, and prints the weights' differences as JSON.

Run by `test_embedding_trainer`, as a process of its own: how many devices TensorFlow has is settled
once in a process.
"""

import json

import keras
import numpy as np
import tensorflow as tf

from mpnet_tf.finetuning.contrastive_loss import MultipleNegativesRankingLoss
from mpnet_tf.finetuning.embedding_trainer import EmbeddingTrainer
from mpnet_tf.finetuning.scored_pair_losses import CosentLoss
from tests.finetuning.small_embedders import random_columns, small_embedder, weights_of

# In the second step the replicas have different numbers of rows.
BATCH_SIZES = (8, 5)
CASES = {
    "contrastive": (MultipleNegativesRankingLoss(symmetric=True), 3),
    "scored": (CosentLoss(), None),
}


def batches(is_scored):
    """Returns a dataset of batches of different sizes."""

    def generate():
        for number, batch_size in enumerate(BATCH_SIZES):
            columns = random_columns(2, batch_size, seed=number)
            # Contrastive rows 0 and 1 share their anchor.
            numbers = np.arange(2 * batch_size).reshape(batch_size, 2)
            numbers[1, 0] = 0
            labels = np.linspace(0, 1, batch_size, dtype=np.float32) if is_scored else numbers
            yield columns, labels

    signature = tf.nest.map_structure(
        lambda value: tf.TensorSpec((None, *value.shape[1:]), value.dtype), next(generate())
    )
    return tf.data.Dataset.from_generator(generate, output_signature=signature)


def train(strategy, case):
    """Returns the loss of evaluation before and that of training, and the weights after it."""
    loss, chunk_size = CASES[case]
    with strategy.scope():
        embedder = small_embedder(dropout=0.0, attention_dropout=0.0)
        trainer = EmbeddingTrainer(embedder, loss, chunk_size=chunk_size)
        # The change of the weights is the gradient itself.
        trainer.compile(keras.optimizers.SGD(1e-2))
    data = batches(case == "scored")
    before = trainer.evaluate(data, verbose=0)
    history = trainer.fit(data, verbose=0)
    return [before, history.history["loss"][0]], weights_of(embedder)


def refusal(strategy):
    """Returns the message about an optimizer that scales the loss."""
    with strategy.scope():
        trainer = EmbeddingTrainer(small_embedder(), CosentLoss())
    try:
        trainer.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()))
    except ValueError as error:
        return str(error)


def main():
    """Returns what the test checks, for each case of one device and of two."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    mirrored = tf.distribute.MirroredStrategy(devices)
    results = {"num_replicas": mirrored.num_replicas_in_sync}
    results["refusal"] = refusal(mirrored)
    for case in CASES:
        start = weights_of(small_embedder(dropout=0.0, attention_dropout=0.0))
        losses, weights = train(tf.distribute.get_strategy(), case)
        other_losses, other_weights = train(mirrored, case)
        results[case] = {
            "losses": [losses, other_losses],
            "change": float(max(np.abs(a - b).max() for a, b in zip(weights, start, strict=True))),
            "difference": float(
                max(np.abs(a - b).max() for a, b in zip(weights, other_weights, strict=True))
            ),
        }
    return results


if __name__ == "__main__":
    print(json.dumps(main()))
