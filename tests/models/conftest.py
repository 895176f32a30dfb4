"""Fixtures of the models' tests."""

import pytest

from mpnet_tf.conversion.huggingface_tokenizer import write_tokenizer
from mpnet_tf.models import BertTokenizer, MPNetTokenizer
from tests.models.wordpiece_reference import berts_vocabulary, mpnets_vocabulary


@pytest.fixture(scope="module", params=["mpnet", "bert"])
def tokenizers_of_kind(request, shared_data, tmp_path_factory):
    """Our tokenizer with a published vocabulary, and that of `transformers`."""
    transformers = pytest.importorskip("transformers")
    path = tmp_path_factory.mktemp(request.param)
    if request.param == "mpnet":
        tokenizer = MPNetTokenizer(mpnets_vocabulary(shared_data))
    else:
        tokenizer = BertTokenizer(berts_vocabulary(shared_data))
    write_tokenizer(tokenizer.settings(), str(path), model_type=request.param)
    return tokenizer, transformers.AutoTokenizer.from_pretrained(path)
