"""What the tests of fine-tuning share."""

import keras
import pytest

from mpnet_tf.models import MPNetTokenizer, make_backbone, make_masked_lm
from tests.tiny_run import VOCABULARY


@pytest.fixture(scope="session")
def preset(tmp_path_factory):
    """A preset of a tiny MPNet, with its tokenizer."""
    path = str(tmp_path_factory.mktemp("pretrained"))
    keras.utils.set_random_seed(1)
    backbone = make_backbone(
        "mpnet",
        len(VOCABULARY),
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=24,
        max_sequence_length=20,
        initializer_stddev=0.2,
    )
    make_masked_lm(backbone).save_to_preset(path)
    MPNetTokenizer(VOCABULARY).save_to_preset(path)
    return path
