"""Fine-tuning of a model that writes texts, by the frame of all tasks."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from mpnet_tf.finetuning.finetuning_run import run_finetuning
from mpnet_tf.finetuning.finetuning_settings import FinetuningSettings
from mpnet_tf.finetuning.sequence_finetuning import SequenceFinetuning, open_sequence_model
from mpnet_tf.finetuning.sequence_layout import SequenceLayout
from mpnet_tf.models import MPNetTokenizer, make_backbone, make_masked_lm
from mpnet_tf.models.preset_conversion import read_pretrained
from tests.finetuning.sequence_examples import examples, last_words
from tests.models.small_models import small_backbone
from tests.models.writing_model import VOCABULARY_SIZE, tokenizer
from tests.tiny_run import VOCABULARY

pytest.importorskip("sacrebleu")
pytest.importorskip("rouge_score")

LAYOUT = SequenceLayout("{source} w9: [MASK]", target_length=5)
SETTINGS = FinetuningSettings(learning_rate=0.01, epochs=5, batch_size=10, dropout=0.0)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("pretrained"))
    keras.utils.set_random_seed(1)
    backbone = small_backbone(
        "glm",
        vocabulary_size=VOCABULARY_SIZE,
        max_sequence_length=16,
        num_layers=2,
        initializer_stddev=0.2,
    )
    make_masked_lm(backbone).save_to_preset(path)
    tokenizer().save_to_preset(path)
    return path


def task(**settings):
    train, dev = last_words(200, seed=1), last_words(40, seed=2)
    return SequenceFinetuning(train, dev, **{"layout": LAYOUT, **settings})


def test_a_run_writes_the_model_and_its_texts(preset, tmp_path):
    output, told = tmp_path / "tuned", []
    test = dataclasses.replace(last_words(20, seed=3), pairs=None)
    run = task(test=test, label_smoothing=0.05, max_new_tokens=4)
    results = run_finetuning(
        run, SETTINGS, preset=preset, output=str(output), seeds=[1], tell=told.append
    )
    epochs = [line for line in told if "epoch" in line]
    assert len(epochs) == 5 and all("rougeL" in line for line in epochs)
    assert results["num_train"] == 200 and results["headline_metric"] == "rougeL"
    (metrics,) = (run["metrics"] for run in results["runs"])
    assert metrics["exact_match"] == metrics["ended"] == 100
    assert set(run.metrics) < set(metrics)
    rows = (output / "predictions" / "dev_seed_1.jsonl").read_text().splitlines()
    dev = last_words(40, seed=2)
    assert [json.loads(row) for row in rows] == [
        {"source": source, "target": target, "prediction": target}
        for source, target in zip(dev.texts, dev.pairs, strict=True)
    ]
    rows = (output / "predictions" / "test.jsonl").read_text().splitlines()
    targets = last_words(20, seed=3).pairs
    assert [json.loads(row)["prediction"] for row in rows] == list(targets)
    assert json.loads(rows[0])["target"] is None
    assert "It reads `{source} w9: [MASK]`." in (output / "preset" / "README.md").read_text()
    # The tuned model comes back, to be judged and to be tuned further.
    model = open_sequence_model(str(output / "preset"))
    evaluation = task(max_new_tokens=4).evaluate(model, batch_size=10)
    assert evaluation.answers == dev.pairs
    assert evaluation.metrics == pytest.approx(metrics, rel=1e-5)
    again = task().make_model(read_pretrained(str(output)), SETTINGS, seed=2)
    for found, expected in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_model_may_begin_anew(preset):
    models = [
        task().make_model(read_pretrained(preset), SETTINGS, seed=2, load_weights=load_weights)
        for load_weights in (True, False)
    ]
    loaded, fresh = (model.backbone.token_embedding.get_weights()[0] for model in models)
    assert models[0].backbone.dropout == 0 and abs(loaded - fresh).min() > 0


def test_texts_are_cut_at_the_length_of_the_run_and_told_once(preset, caplog):
    long = SequenceFinetuning(examples(20), examples(20, seed=5))
    settings = dataclasses.replace(SETTINGS, sequence_length=10)
    for seed in (1, 2):
        model = long.make_model(read_pretrained(preset), settings, seed=seed)
        training = long.make_training(model, settings, seed=seed)
    assert training.steps_per_epoch == 2 and training.trainer is model
    assert long.layout.source_length == 10
    for slots, _, _ in training.batches.take(1):
        assert slots["position_ids"].numpy().max() == 9
    told = [record for record in caplog.records if "are cut at the end" in record.getMessage()]
    # Texts and targets to train on and to evaluate on; only texts are too long.
    assert len(told) == 2


def test_what_cannot_be_tuned_is_refused(preset, tmp_path):
    with pytest.raises(ValueError, match=r"`headline_metric` must be one of 'rouge1'"):
        task(headline_metric="accuracy")
    without_targets = dataclasses.replace(examples(5), pairs=None)
    with pytest.raises(ValueError, match=r"must have targets.*none with the texts of made up"):
        SequenceFinetuning(None, without_targets)
    pretrained = dataclasses.replace(read_pretrained(preset), tokenizer=None)
    with pytest.raises(ValueError, match=r"`pretrained` must come with a tokenizer"):
        task().make_model(pretrained, SETTINGS, seed=1)
    sizes = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 8}
    path = str(tmp_path)
    make_backbone("mpnet", len(VOCABULARY), **sizes).save_to_preset(path)
    MPNetTokenizer(VOCABULARY).save_to_preset(path)
    with pytest.raises(ValueError, match=r"must have the body 'glm'.* Received: body='mpnet'"):
        task().make_model(read_pretrained(path), SETTINGS, seed=1)
    with pytest.raises(ValueError, match=r"compatible with MPNetBackbone"):
        open_sequence_model(path)
    glm = str(tmp_path / "glm")
    make_masked_lm(make_backbone("glm", 20, **sizes)).save_to_preset(glm)
    with pytest.raises(ValueError, match=r"The model at .*glm must come with a tokenizer"):
        open_sequence_model(glm)
