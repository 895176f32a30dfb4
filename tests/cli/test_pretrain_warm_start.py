"""mpnet-pretrain --init_from as a user runs it: one run's weights begin another on other text."""

import json
import re

import numpy as np
import pytest

from mpnet_tf.data.manifest import read_manifest
from mpnet_tf.training.checkpoints import Checkpoints
from mpnet_tf.training.config import PretrainingConfig
from mpnet_tf.training.pretraining import build_model, build_trainer
from mpnet_tf.training.trained_weights import read_trained_weights
from tests.cli.forked_binary import run_cases
from tests.tiny_run import VOCABULARY, prepare_tiny_shards, tiny_config, write_corpus

DONE, FAILED = 0, 1
# At this rate the weights stay where they began.
NEW = ["--run_dir=new", "--config.training.seed=9", "--config.optimizer.learning_rate=1e-12"]
RECIPE = """
import ml_collections

def get_config():
    return ml_collections.ConfigDict({settings!r})
"""

# In this order, each from the folder of all runs: what is given besides recipe and text, the exit
# status, and what is told.
CASES = {
    "first": (["--run_dir=old", "--input=old.txt"], DONE, "training a vocabulary"),
    "new": (
        [*NEW, "--init_from=old/preset"],
        DONE,
        "beginning from the weights of old/preset",
    ),
    "new again": (
        [*NEW, "--init_from=old/preset"],
        DONE,
        "held-out perplexity",
    ),
    "new again with its vocabulary": (
        [*NEW, "--init_from=old/preset", "--vocab=old/vocab.txt"],
        DONE,
        "held-out perplexity",
    ),
    "new again with another vocabulary": (
        [*NEW, "--init_from=old/preset", "--vocab=other.vocab"],
        FAILED,
        "--vocab must be the vocabulary that the run was begun with. Received: --vocab=",
    ),
    "first again with its vocabulary": (
        ["--run_dir=old", "--input=old.txt", "--vocab=old/preset"],
        DONE,
        "held-out perplexity",
    ),
    "first again with another vocabulary": (
        ["--run_dir=old", "--input=old.txt", "--vocab=other.vocab"],
        FAILED,
        "Leave --vocab out to go on with the run's own, or choose another run directory.",
    ),
    "given vocabulary": (
        ["--run_dir=given", "--input=old.txt", "--vocab=other.vocab"],
        DONE,
        "preparing shards",
    ),
    "given vocabulary left out": (
        ["--run_dir=given", "--input=old.txt"],
        DONE,
        "holds these shards already",
    ),
    "given another vocabulary": (
        ["--run_dir=given", "--input=old.txt", "--vocab=old/vocab.txt"],
        FAILED,
        "whose tokenizer is another than the run's own in",
    ),
    "new from another": (
        [*NEW, "--init_from=old"],
        FAILED,
        "begun from other weights, once in",
    ),
    "no such place": (
        ["--run_dir=none", "--init_from=nothing"],
        FAILED,
        "`init_from` must be a preset directory",
    ),
    "other settings": (
        ["--run_dir=none", "--init_from=old/preset", "--config.model.num_layers=2"],
        FAILED,
        "model.num_layers: 2 in the config, 1 in the preset",
    ),
    "other casing": (
        ["--run_dir=none", "--init_from=old/preset", "--config.data.lowercase=False"],
        FAILED,
        "lowercase: False in the new run, True in the preset",
    ),
    "other vocabulary": (
        ["--run_dir=none", "--init_from=old/preset", "--vocab=other.vocab"],
        FAILED,
        "tokens: 7 in the new run",
    ),
    "other shards": (
        ["--run_dir=none", "--init_from=old/preset", "--input=other/shards"],
        FAILED,
        f"tokens: {len(VOCABULARY)} in the new run, ",
    ),
    "unknown vocabulary": (
        ["--run_dir=none", "--init_from=alone"],
        FAILED,
        "--vocab must be given with weights that do not tell their vocabulary",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warm")
    settings = tiny_config(
        # Masks are not trained, so that no SavedModel is exported.
        objective={"name": "plm"},
        data={"vocabulary_size": 90, "heldout_share": 0.2},
        optimizer={"warmup_steps": 0},
        training={"steps": 2, "evaluate_every": 2},
    ).to_dict()
    (folder / "recipe.py").write_text(RECIPE.format(settings=settings))
    write_corpus(folder / "old.txt")
    write_corpus(folder / "text.txt", num_documents=60)
    (folder / "other.vocab").write_text("<s>\n<pad>\n</s>\n[UNK]\nthe\ncat\n<mask>\n")
    (folder / "other").mkdir()
    prepare_tiny_shards(folder / "other")
    # A checkpoint whose vocabulary nothing tells.
    config = PretrainingConfig.from_dict(settings)
    checkpoints = Checkpoints(folder / "alone" / "checkpoints", num_to_keep=1, config=settings)
    trainer = build_trainer(config, build_model(config, vocabulary_size=90))
    checkpoints.save(trainer.checkpoint_variables(), 2)
    checkpoints.wait()
    return folder


@pytest.fixture(scope="module")
def answers(folder):
    def arguments_of(name):
        given = [f"--config={folder}/recipe.py"]
        if not any(argument.startswith("--input") for argument in CASES[name][0]):
            given.append(f"--input={folder}/text.txt")
        for argument in CASES[name][0]:
            flag, value = argument.split("=", 1)
            is_path = flag in ("--run_dir", "--init_from", "--input", "--vocab")
            given.append(f"{flag}={folder}/{value}" if is_path else argument)
        return given

    return run_cases(
        "mpnet_tf.cli.pretrain", "mpnet-pretrain", {name: arguments_of(name) for name in CASES}
    )


@pytest.mark.parametrize("name", CASES)
def test_each_start_tells_what_it_did(answers, folder, name):
    status, output = answers[name]
    _, expected_status, told = CASES[name]
    assert status == expected_status, output
    assert told.replace("old/preset", f"{folder}/old/preset") in output
    assert "Traceback" not in output


def test_the_new_run_is_the_old_model_on_other_text(answers, folder):
    old, new = folder / "old", folder / "new"
    before, after = (read_trained_weights(str(run / "preset")) for run in (old, new))
    assert before.weights.keys() == after.weights.keys()
    for path, weights in before.weights.items():
        np.testing.assert_allclose(after.weights[path], weights, atol=1e-9)
    kept = new / "tokenizer" / "assets" / "tokenizer" / "vocabulary.txt"
    assert kept.read_bytes() == (old / "vocab.txt").read_bytes()
    assert read_manifest(new).sources != read_manifest(old).sources
    assert json.loads((new / "warm_start.json").read_text()) == {
        "path": f"{old}/preset",
        "kind": "preset",
        "weights": before.hashes,
    }
    _, output = answers["new"]
    assert f"using the vocabulary of {old}/preset" in output


def test_started_again_it_neither_trains_nor_reads_the_weights(answers):
    _, output = answers["new again"]
    assert not re.search(r"^step |beginning from|using the vocabulary", output, re.M)


def test_a_run_keeps_the_vocabulary_that_it_was_given(answers, folder):
    _, output = answers["given vocabulary left out"]
    assert not re.search(r"^step |training a vocabulary", output, re.M)
    assert not (folder / "given" / "vocab.txt").exists()


def test_bad_sources_leave_nothing_behind(answers, folder):
    assert not (folder / "none").exists()
    assert not (folder / "old" / "warm_start.json").exists()
