"""Pretraining that goes on from a model of `transformers`, and comes back to it."""

import numpy as np
import pytest

from mpnet_tf.data.batches import evaluation_batches
from mpnet_tf.models import make_masked_lm
from mpnet_tf.models.preset_conversion import convert
from mpnet_tf.models.tokenizers import open_tokenizer
from mpnet_tf.training.evaluation import Evaluator
from mpnet_tf.training.pretraining import build_model, pretrain
from mpnet_tf.training.pretraining_data import open_data
from mpnet_tf.training.run_directory import RunDirectory
from mpnet_tf.training.warm_start import open_warm_start
from tests.conversion import peer_models
from tests.conversion.peer_models import torch, transformers
from tests.tiny_run import VOCABULARY, prepare_tiny_shards, tiny_config


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A masked language model of `transformers` for the tiny corpus, with its tokenizer."""
    path = str(tmp_path_factory.mktemp("source"))
    model = peer_models.make_model(
        "MPNetForMaskedLM",
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=34,
    )
    model.save_pretrained(path)
    vocabulary = {token: index for index, token in enumerate(VOCABULARY)}
    transformers.MPNetTokenizer(vocabulary).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def shards(source, tmp_path_factory):
    tokenizer = open_tokenizer(source, lowercase=True)
    return prepare_tiny_shards(tmp_path_factory.mktemp("data"), tokenizer)


def config_of(objective):
    return tiny_config(objective={"name": objective}, training={"steps": 30, "evaluate_every": 15})


def heldout_batches(config, data):
    return evaluation_batches(
        data.heldout_rows,
        data.objective,
        config.training.seed,
        batch_size=config.training.batch_size,
        max_batches=config.training.evaluation_batches,
    )


def peer_loss(model, batches):
    """Returns the mean loss that a model of `transformers` has on slots of masked modelling.

    A row holds several documents, which do not see each other: here each is a text of its own.
    """
    total, count = 0.0, 0
    for slots, target_ids, target_weights in batches.as_numpy_iterator():
        for row in range(len(target_ids)):
            places = slots["prediction_slots"][row]
            for segment in set(slots["segment_ids"][row]) - {0}:
                members = np.flatnonzero(slots["segment_ids"][row] == segment)
                assert (np.diff(slots["position_ids"][row][members]) == 1).all()
                wanted = np.isin(places, members) & (target_weights[row] > 0)
                with torch.no_grad():
                    logits = model(torch.tensor(slots["token_ids"][row][members])[None]).logits[0]
                losses = torch.nn.functional.cross_entropy(
                    logits[np.searchsorted(members, places[wanted])],
                    torch.tensor(target_ids[row][wanted]).long(),
                    reduction="sum",
                )
                total, count = total + losses.item(), count + wanted.sum()
    return total / count


def test_training_starts_at_the_loss_of_its_source_and_falls(source, shards, tmp_path):
    config = config_of("mlm")
    data = open_data(config, shards)
    warm_start = open_warm_start(source)
    warm_start.check_model(config.model)
    warm_start.check_tokenizer(data.tokenizer)
    model = build_model(config, len(VOCABULARY))
    warm_start.set_weights(model)
    batches = heldout_batches(config, data)
    first = Evaluator(model, batches, data.objective.names).evaluate().loss
    peer = transformers.MPNetForMaskedLM.from_pretrained(source).eval()
    assert first == pytest.approx(peer_loss(peer, batches), abs=1e-3)

    run = RunDirectory(str(tmp_path / "run"), config)
    model, results = pretrain(config, data, run, warm_start=warm_start.set_weights)
    assert results["heldout_loss"] < first - 0.5

    # And what was trained here has its loss there.
    preset = str(tmp_path / "preset")
    make_masked_lm(model.backbone, lm_head=model.lm_head).save_to_preset(preset)
    data.tokenizer.save_to_preset(preset)
    convert(preset, str(tmp_path / "theirs"), to="huggingface")
    trained = transformers.MPNetForMaskedLM.from_pretrained(tmp_path / "theirs").eval()
    assert peer_loss(trained, batches) == pytest.approx(results["heldout_loss"], abs=1e-4)
