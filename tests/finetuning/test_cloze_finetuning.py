"""Fine-tuning of a GLM model that classifies texts by filling a blank."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from mpnet_tf.finetuning.cloze_finetuning import ClozeFinetuning
from mpnet_tf.finetuning.few_shot import sample_few_shot
from mpnet_tf.finetuning.finetuning_run import run_finetuning
from mpnet_tf.finetuning.finetuning_settings import FinetuningSettings
from mpnet_tf.finetuning.labelled_texts import LabelledTexts
from mpnet_tf.finetuning.text_task import TextTask
from mpnet_tf.models import ClozePattern, GLMClozeClassifier, make_backbone, make_masked_lm
from mpnet_tf.models.converted_model import pretrained_from
from mpnet_tf.models.preset_conversion import read_pretrained
from tests.models.writing_model import VOCABULARY_SIZE, tokenizer

SETTINGS = FinetuningSettings(learning_rate=0.01, epochs=3, batch_size=8, dropout=0.0)
TASK = TextTask.of_labels(["here", "there"])
# In another order than that of the task.
PATTERN = ClozePattern("w1 {text} w2 [MASK] w3", {"there": "w4", "here": "w5"})


def examples(count, *, seed):
    """Texts whose first word tells the class."""
    generator = np.random.default_rng(seed)
    first = generator.integers(10, 12, count)
    texts = tuple(f"w{one} w{other}" for one, other in zip(first, first + 10, strict=True))
    labels = tuple("here" if one == 10 else "there" for one in first)
    return LabelledTexts(texts, None, labels, None, "made up")


@pytest.fixture(scope="module")
def masked_lm():
    keras.utils.set_random_seed(1)
    backbone = make_backbone(
        "glm",
        VOCABULARY_SIZE,
        num_layers=1,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=24,
        max_sequence_length=20,
        initializer_stddev=0.3,
    )
    return make_masked_lm(backbone)


@pytest.fixture(scope="module")
def preset(masked_lm, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("pretrained"))
    masked_lm.save_to_preset(path)
    tokenizer().save_to_preset(path)
    return path


def test_a_run_learns_from_few_examples(preset, tmp_path):
    train = sample_few_shot(examples(96, seed=1), 16, seed=1)
    dev = examples(20, seed=2)
    test = dataclasses.replace(examples(7, seed=3), labels=None)
    task = ClozeFinetuning(TASK, PATTERN, train, dev, test)
    output = tmp_path / "tuned"
    run_finetuning(task, SETTINGS, preset=preset, output=str(output), seeds=[1])
    results = json.loads((output / "results.json").read_text())
    assert results["metrics"]["accuracy"]["mean"] == 1 and results["num_train"] == 32
    history = results["runs"][0]["history"]
    assert history[-1]["loss"] < history[0]["loss"] / 2
    assert "`w1 {text} w2 [MASK] w3`" in (output / "preset" / "README.md").read_text()
    assert len((output / "predictions" / "test.tsv").read_text().splitlines()) == 8

    model = GLMClozeClassifier.from_preset(str(output / "preset"))
    assert model.class_names == ("there", "here") and model.preprocessor.pattern == PATTERN
    again = ClozeFinetuning(TASK, model.preprocessor.pattern, None, dev)
    evaluation = again.evaluate(model, batch_size=6)
    assert evaluation.metrics == results["runs"][0]["metrics"]
    assert evaluation.answers == list(dev.labels)
    # What was tuned can be tuned further, with any pattern.
    pretrained = read_pretrained(str(output / "preset"))
    further = again.make_model(pretrained, SETTINGS, seed=2)
    assert again.evaluate(further, batch_size=6).metrics == evaluation.metrics


def test_without_training_the_likelier_verbalizer_answers(masked_lm):
    dev = examples(9, seed=4)
    task = ClozeFinetuning(TASK, PATTERN, None, dev)
    pretrained = pretrained_from(masked_lm, tokenizer().settings())
    settings = dataclasses.replace(SETTINGS, dropout=0.1)
    model = task.make_model(pretrained, settings, seed=1)
    assert model.backbone.dropout == model.backbone.attention_dropout == 0.1
    weights = zip(model.trainable_weights, masked_lm.trainable_weights, strict=True)
    for found, expected in weights:
        np.testing.assert_array_equal(found, expected)
    scores = np.asarray(model(model.preprocessor(list(dev.texts)), training=False))
    answers = [PATTERN.class_names[index] for index in scores.argmax(axis=1)]
    assert task.evaluate(model, batch_size=4).answers == answers
    anew = task.make_model(pretrained, settings, seed=2, load_weights=False)
    kernels = (np.asarray(one.backbone.token_embedding.embeddings) for one in (anew, model))
    assert np.abs(np.subtract(*kernels)).max() > 0.1


def test_texts_that_are_cut_are_counted(masked_lm, caplog):
    task = ClozeFinetuning(TASK, PATTERN, None, examples(5, seed=1))
    settings = dataclasses.replace(SETTINGS, sequence_length=7)
    pretrained = pretrained_from(masked_lm, tokenizer().settings())
    model = task.make_model(pretrained, settings, seed=1)
    for _ in range(2):
        task.evaluate(model, batch_size=4)
    (told,) = [record.getMessage() for record in caplog.records if "longer than" in record.msg]
    assert "5 of the 5 texts of made up are longer than 7 tokens" in told


def test_what_does_not_go_together_is_refused(masked_lm):
    dev = examples(5, seed=1)
    with pytest.raises(ValueError, match=r"`pattern` must have verbalizers .*: here, there\."):
        ClozeFinetuning(TASK, ClozePattern("{text} [MASK]", {"0": "a", "1": "b"}), None, dev)
    with pytest.raises(ValueError, match=r"`pattern` must have verbalizers .*: none\."):
        ClozeFinetuning(TextTask.of_scores(), PATTERN, None, dev)
    of_pairs = dataclasses.replace(PATTERN, pattern="{text} [MASK] {pair}")
    with pytest.raises(ValueError, match=r"made up must have pairs .* Received: texts"):
        ClozeFinetuning(TASK, of_pairs, None, dev)
    pairs = dataclasses.replace(dev, pairs=dev.texts)
    with pytest.raises(ValueError, match=r"made up must have texts .* Received: pairs"):
        ClozeFinetuning(TASK, PATTERN, pairs, dev)
    task = ClozeFinetuning(TASK, PATTERN, None, dev)
    with pytest.raises(ValueError, match="`pretrained` must come with a tokenizer"):
        task.make_model(pretrained_from(masked_lm), SETTINGS, seed=1)
    other = make_backbone("bert", 20, num_layers=1, num_heads=1, hidden_dim=4, intermediate_dim=4)
    with pytest.raises(ValueError, match=r"must have the body 'glm'.* Received: body='bert'"):
        task.make_model(pretrained_from(other), SETTINGS, seed=1)
