"""A tiny masked language model and its tokenizer."""

import keras
import numpy as np
import pytest

from mpnet_tf.models import MPNetBackbone, MPNetMaskedLM, MPNetTokenizer

WORDS = "the a cat dog sat on mat house ran to big small red blue"
SPECIAL_TOKENS = ["<s>", "<pad>", "</s>", "[UNK]"]
VOCABULARY = [*SPECIAL_TOKENS, *WORDS.split(), "##s", "##ing", ".", ",", "été", "猫", "<mask>"]


@pytest.fixture(scope="session")
def tokenizer():
    return MPNetTokenizer(VOCABULARY, lowercase=False)


@pytest.fixture(scope="session")
def masked_lm():
    keras.utils.set_random_seed(7)
    backbone = MPNetBackbone(
        vocabulary_size=len(VOCABULARY),
        num_layers=2,
        num_heads=2,
        hidden_dim=12,
        intermediate_dim=20,
        max_sequence_length=14,
    )
    model = MPNetMaskedLM(backbone)
    # Fresh weights are so small that every token is as likely as the next.
    generator = np.random.default_rng(11)
    for weight in model.weights:
        if not weight.name.startswith(("gamma", "beta")):
            weight.assign(generator.normal(scale=0.5, size=weight.shape))
    return model
