"""Runs of every objective and of a mixture: what they learn from and what they record."""

import json
import math

import pytest

from mpnet_tf.cli.pretraining_run import run_pretraining
from mpnet_tf.models import GLMMaskedLM, MPNetTokenizer
from mpnet_tf.training.pretraining import pretrain
from mpnet_tf.training.pretraining_data import make_objective, open_data
from mpnet_tf.training.run_directory import RunDirectory
from tests.tiny_run import VOCABULARY, prepare_tiny_shards, tiny_config

MIXTURE = "mpnet:0.4,glm:0.3,glm_document:0.3"


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return prepare_tiny_shards(tmp_path_factory.mktemp("data"))


def run(shards, directory, *, objective, body="mpnet", **training):
    config = tiny_config(
        objective=objective,
        model={"body": body},
        training=training,
        # A process that is cut off would wait for its writing thread.
        execution={"asynchronous_checkpoints": False},
    )
    return pretrain(config, open_data(config, shards), RunDirectory(str(directory), config))


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("mpnet", "mpnet"),
        ("glm", "glm"),
        *(
            pytest.param(name, body, marks=pytest.mark.slow)
            for name, body in (
                ("mlm", "bert"),
                ("plm", "xlnet_style"),
                ("clm", "glm"),
                ("glm_document", "glm"),
                ("glm_sentence", "glm"),
            )
        ),
    ],
)
def test_every_objective_learns(shards, tmp_path, name, body):
    _, results = run(
        shards,
        tmp_path / "run",
        objective={"name": name},
        body=body,
        steps=100,
        evaluate_every=50,
        batch_size=16,
    )
    # Sentences of a small grammar: a model that learns anything is far below frequencies.
    assert results["heldout_loss"] < results["unigram_loss"] - 0.1
    # One objective has no figures beside the run's own.
    assert f"heldout_{name}_loss" not in results


@pytest.fixture(scope="module")
def mixed(shards, tmp_path_factory):
    directory = tmp_path_factory.mktemp("run") / "mixed"
    model, results = run(shards, directory, objective={"name": MIXTURE}, body="glm", batch_size=8)
    records = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    return model, results, records


def test_a_mixture_records_each_objective(mixed):
    _, results, records = mixed
    for record in records:
        for name in ("mpnet", "glm", "glm_document"):
            assert math.isfinite(record[f"{name}_loss"]) and 0 <= record[f"{name}_accuracy"] <= 1
    assert records[-1]["glm_loss"] < records[0]["glm_loss"]
    names = [name for name in ("mpnet", "glm", "glm_document") if f"heldout_{name}_loss" in results]
    assert len(names) >= 2
    counts = {name: results[f"heldout_{name}_predictions"] for name in names}
    assert sum(counts.values()) == results["heldout_predictions"]
    for kind in ("heldout", "unigram"):
        mean = sum(results[f"{kind}_{name}_loss"] * count for name, count in counts.items())
        assert results[f"{kind}_loss"] == pytest.approx(mean / sum(counts.values()), rel=1e-6)


@pytest.mark.slow
def test_a_mixture_resumes_to_the_bit(mixed, shards, tmp_path, monkeypatch):
    expected, _, _ = mixed
    training = {"objective": {"name": MIXTURE}, "body": "glm", "batch_size": 8}

    def interrupt(callback, batch, logs=None):
        if logs["step"] == 8:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("mpnet_tf.training.pretraining.ProgressDisplay.on_train_batch_end", interrupt)
        run(shards, tmp_path / "cut", **training)
    model, _ = run(shards, tmp_path / "cut", **training)
    for found, variable in zip(model.variables, expected.variables, strict=True):
        assert (found.numpy() == variable.numpy()).all(), variable.path


def test_settings_in_tokens_fit_the_sentence_of_a_report():
    settings = {"num_predictions": 30, "max_span_length": 30, "mean_span_length": 14.0}
    config = tiny_config(objective={"name": "glm", **settings})
    assert make_objective(config, None, 32).max_span_length == 30
    objective = make_objective(config, None, 12)
    assert objective.max_span_length == 10 and objective.num_predictions <= 12


def test_an_objective_without_masks_leaves_a_preset_and_no_fill_mask(shards, tmp_path):
    config = tiny_config(objective={"name": "glm"}, model={"body": "glm"})
    paths = run_pretraining(
        config, patterns=[shards], vocabulary_path=None, run_directory=str(tmp_path / "run")
    )
    assert "saved_model" not in paths and not (tmp_path / "run" / "saved_model").exists()
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Who sees whom" in page and "Filling blanks" not in page
    masked_lm = GLMMaskedLM.from_preset(paths["preset"])
    assert masked_lm.backbone.block_positions
    assert MPNetTokenizer.from_preset(paths["preset"]).get_vocabulary() == VOCABULARY
