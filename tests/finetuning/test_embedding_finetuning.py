"""Fine-tuning of embedders by each objective, from texts to a written model."""

import dataclasses

import numpy as np
import pytest

from mpnet_tf.finetuning.embedding_finetuning import EmbeddingFinetuning
from mpnet_tf.finetuning.embedding_settings import OBJECTIVES, EmbeddingSettings
from mpnet_tf.finetuning.finetuning import finetune
from mpnet_tf.finetuning.finetuning_run import run_finetuning
from mpnet_tf.finetuning.finetuning_settings import FinetuningSettings
from mpnet_tf.finetuning.labelled_texts import LabelledTexts
from mpnet_tf.finetuning.tuned_model import open_tuned_model
from mpnet_tf.models.preset_conversion import read_pretrained
from tests.tiny_run import NOUNS, VERBS

SETTINGS = FinetuningSettings(learning_rate=0.005, epochs=8, batch_size=3, dropout=0.1)
# Two texts of one noun belong together.
TITLES = tuple(f"the {noun}" for noun in NOUNS)
TEXTS = tuple(f"{noun} {VERBS[0]}" for noun in NOUNS)
RETRIEVAL = LabelledTexts(TITLES, TEXTS, None, None, "made up")


def scored_pairs():
    rows = [
        (title, text, 5.0 * (title.split()[-1] == text.split()[0]))
        for title in TITLES
        for text in TEXTS
    ]
    titles, texts, scores = zip(*rows, strict=True)
    return LabelledTexts(titles, texts, scores, None, "made up")


def training_examples(objective):
    if objective in ("cosent", "cosine"):
        return scored_pairs()
    return (TITLES, TEXTS) if objective == "contrastive" else [*TITLES, *TEXTS]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_objective_trains_and_is_written(objective, preset, tmp_path):
    embedding = EmbeddingSettings(objective=objective, pooling="cls")
    task = EmbeddingFinetuning(training_examples(objective), scored_pairs(), embedding)
    output = str(tmp_path / "tuned")
    # Of so few texts, the losses under dropout tell more of the masks than of the training; SimCSE
    # has nothing else to tell a text from itself.
    settings = dataclasses.replace(SETTINGS, dropout=0.1 if objective == "simcse" else 0.0)
    results = run_finetuning(task, settings, preset=preset, output=output, seeds=[1])
    losses = [record["loss"] for record in results["runs"][0]["history"]]
    assert np.mean(losses[-3:]) < losses[0]
    model = open_tuned_model(results["preset"], "text_embedder")
    assert model.pooling == "cls"
    again = task.evaluate(model, batch_size=3)
    assert again.metrics["spearman"] == pytest.approx(results["metrics"]["spearman"]["mean"])
    # Cosines of the pairs, as the model's own raw-text predictions give them.
    first, second = (model.predict(list(texts)) for texts in (task_texts(0), task_texts(1)))
    np.testing.assert_allclose(again.answers, (first * second).sum(axis=1), atol=1e-5)
    rows = (tmp_path / "tuned" / "predictions" / "dev_seed_1.tsv").read_text().splitlines()
    assert len(rows) == 1 + len(NOUNS) ** 2


def task_texts(column):
    pairs = scored_pairs()
    return (pairs.texts, pairs.pairs)[column]


def test_what_belongs_together_is_found(preset, tmp_path):
    embedding = EmbeddingSettings(chunk_size=2, dimensions=(16, 8))
    settings = dataclasses.replace(SETTINGS, epochs=40, dropout=0.0)
    task = EmbeddingFinetuning((TITLES, TEXTS), RETRIEVAL, embedding)
    assert task.headline_metric == "mrr@10"
    model = task.make_model(read_pretrained(preset), settings, seed=1)
    history = finetune(model, task, settings, seed=1)
    assert history[-1]["recall@1"] == history[-1]["mrr@10"] == 1.0
    evaluation = task.evaluate(model, batch_size=8)
    assert evaluation.answers == list(TEXTS)
    task.write_predictions(str(tmp_path), evaluation, name="dev")
    rows = (tmp_path / "dev.tsv").read_text().splitlines()[1:]
    assert rows == [f"{title}\t{text}\t{text}" for title, text in zip(TITLES, TEXTS, strict=True)]


def test_what_does_not_go_together_is_refused():
    for name, value in (("objective", "triplet"), ("scale", 0.0)):
        with pytest.raises(ValueError, match=f"`{name}` must"):
            EmbeddingSettings(**{name: value})
    with pytest.raises(ValueError, match="must be left out with the objective 'denoising'"):
        EmbeddingSettings(objective="denoising", chunk_size=4)
    single = LabelledTexts(TITLES, None, None, None, "titles.tsv")
    with pytest.raises(ValueError, match=r"`dev` must be pairs.* single texts of titles\.tsv"):
        EmbeddingFinetuning(None, single, EmbeddingSettings())
