"""A tiny masked language model with random weights and its vocabulary."""

import keras
import numpy as np

from mpnet_tf.models import make_backbone, make_masked_lm

WORDS = "the a cat dog sat on mat house ran to big small red blue"
SPECIAL_TOKENS = ["<s>", "<pad>", "</s>", "[UNK]"]
VOCABULARY = [*SPECIAL_TOKENS, *WORDS.split(), "##s", "##ing", ".", ",", "été", "猫", "<mask>"]


def random_masked_lm(body):
    """Makes a masked language model that does not find every token as likely as the next."""
    keras.utils.set_random_seed(7)
    backbone = make_backbone(
        body,
        vocabulary_size=len(VOCABULARY),
        num_layers=2,
        num_heads=2,
        hidden_dim=12,
        intermediate_dim=20,
        max_sequence_length=14,
    )
    model = make_masked_lm(backbone)
    generator = np.random.default_rng(11)
    for weight in model.weights:
        if not weight.name.startswith(("gamma", "beta")):
            weight.assign(generator.normal(scale=0.5, size=weight.shape))
    return model
