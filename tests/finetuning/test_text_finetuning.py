"""Fine-tuning of text classifiers and regressions."""

import dataclasses
import json

import numpy as np
import pytest

from mpnet_tf.finetuning.finetuning import finetune
from mpnet_tf.finetuning.finetuning_run import run_finetuning
from mpnet_tf.finetuning.finetuning_settings import FinetuningSettings
from mpnet_tf.finetuning.labelled_texts import LabelledTexts
from mpnet_tf.finetuning.text_finetuning import TextFinetuning, text_outputs
from mpnet_tf.finetuning.text_task import TextTask
from mpnet_tf.finetuning.tuned_model import open_tuned_model
from mpnet_tf.models.preset_conversion import read_pretrained
from tests.tiny_run import NOUNS, VERBS

SETTINGS = FinetuningSettings(learning_rate=0.01, epochs=4, batch_size=8, dropout=0.0)
TASK = TextTask.of_labels(["here", "there"])


def examples(count, *, seed, pairs=False, scores=False):
    """Texts whose noun tells the class; pairs whose nouns tell the score."""
    generator = np.random.default_rng(seed)
    nouns, others = generator.choice(NOUNS, count), generator.choice(NOUNS, count)
    texts = tuple(f"the {noun} {generator.choice(VERBS)}" for noun in nouns)
    seconds = tuple(f"a {noun} {generator.choice(VERBS)} near" for noun in others)
    labels = tuple("here" if noun == "cat" else "there" for noun in nouns)
    if scores:
        labels = tuple(2.0 * (nouns == "cat") + 3.0 * (others == "cat"))
    return LabelledTexts(texts, seconds if pairs else None, labels, None, "made up")


def tuned(preset, task=TASK, settings=SETTINGS, *, seed=1, **kinds):
    task = TextFinetuning(task, examples(96, seed=1, **kinds), examples(40, seed=2, **kinds))
    model = task.make_model(read_pretrained(preset), settings, seed=seed)
    return model, finetune(model, task, settings, seed=seed)


def evaluated(model, dev):
    return TextFinetuning(TASK, None, dev).evaluate(model, batch_size=8)


def test_a_classifier_learns_and_tells_classes_by_name(preset):
    model, history = tuned(preset)
    assert [record["epoch"] for record in history] == [1, 2, 3, 4]
    assert history[-1]["accuracy"] == 1 and history[-1]["loss"] < history[0]["loss"] / 5
    dev = examples(40, seed=3)
    assert evaluated(model, dev).answers == list(dev.labels)
    # In the order of the examples, whatever the order of the batches.
    outputs = text_outputs(model, TASK, dev)
    np.testing.assert_allclose(outputs, model.predict(list(dev.texts)), atol=1e-5)
    assert model.class_names == ("here", "there")


def test_a_regression_of_pairs_learns(preset):
    settings = dataclasses.replace(SETTINGS, epochs=20, learning_rate=0.003)
    _, history = tuned(preset, TextTask.of_scores(), settings, pairs=True, scores=True)
    # Both texts of a pair count: the first alone would give 0.55, the second 0.83.
    assert history[-1]["pearson"] > 0.9


def test_the_same_seed_gives_the_same_model(preset):
    settings = dataclasses.replace(SETTINGS, epochs=1, dropout=0.1)
    (first, _), (again, _), (other, _) = (
        tuned(preset, settings=settings, seed=seed) for seed in (1, 1, 2)
    )
    for ours, same, differing in zip(first.weights, again.weights, other.weights, strict=True):
        if "seed_generator" not in ours.path:
            np.testing.assert_array_equal(ours, same)
        if ours.path == "logits/kernel":
            assert not np.array_equal(ours, differing)


def test_the_body_begins_with_its_weights_or_without(preset):
    pretrained = read_pretrained(preset)
    for load_weights in (True, False):
        task = TextFinetuning(TASK, None, examples(8, seed=1))
        model = task.make_model(pretrained, SETTINGS, seed=1, load_weights=load_weights)
        path = "transformer_layer_0/attention/query/kernel"
        kernel = next(variable for variable in model.weights if variable.path == path)
        assert np.array_equal(kernel, pretrained.weights[path]) == load_weights


def test_the_best_epoch_is_kept(preset):
    settings = dataclasses.replace(SETTINGS, learning_rate=0.3, keep="best", epochs=3)
    model, history = tuned(preset, settings=settings)
    evaluation = evaluated(model, examples(40, seed=2))
    assert evaluation.metrics["accuracy"] == max(record["accuracy"] for record in history)


def test_balanced_weights_make_the_rare_class_count(preset):
    rare = examples(96, seed=1)
    kept = [i for i, label in enumerate(rare.labels) if label == "there" or i % 12 == 0]
    texts, labels = (tuple(values[i] for i in kept) for values in (rare.texts, rare.labels))
    train = LabelledTexts(texts, None, labels, None, "made up")
    shares = {}
    for class_weights in ("none", "balanced"):
        settings = dataclasses.replace(
            SETTINGS, epochs=1, learning_rate=1e-9, class_weights=class_weights
        )
        task = TextFinetuning(TASK, train, train)
        model = task.make_model(read_pretrained(preset), settings, seed=1)
        history = finetune(model, task, settings, seed=1)
        outputs = text_outputs(model, TASK, train)
        losses = (
            np.log(np.exp(outputs).sum(1)) - outputs[np.arange(len(train)), TASK.targets(labels)]
        )
        counts = np.bincount(TASK.targets(labels))
        weights = (len(labels) / (2 * counts))[TASK.targets(labels)]
        shares[class_weights] = np.mean(losses * (weights if class_weights == "balanced" else 1))
        # Batches of fewer examples than the others count as much as these.
        assert history[0]["loss"] == pytest.approx(shares[class_weights], rel=0.05)


def test_a_run_writes_all_that_it_says(preset, tmp_path):
    told = []
    settings = dataclasses.replace(SETTINGS, epochs=2)
    test = dataclasses.replace(examples(7, seed=5), labels=None)
    task = TextFinetuning(TASK, examples(64, seed=1), examples(40, seed=2), test)
    where = {"preset": preset, "output": str(tmp_path / "tuned")}
    results = run_finetuning(task, settings, **where, seeds=[3, 4], tell=told.append)
    assert len(told) == 7 and told[0].startswith("seed 3  epoch 1/2  loss ")
    written = json.loads((tmp_path / "tuned" / "results.json").read_text())
    accuracy = written["metrics"]["accuracy"]
    assert told[4] == f"accuracy  {accuracy['mean']:.4f} \u00b1 {accuracy['deviation']:.4f}"
    values = [run["metrics"]["accuracy"] for run in written["runs"]]
    assert accuracy["values"] == values and accuracy["mean"] == np.mean(values)
    assert accuracy["deviation"] == pytest.approx(np.std(values, ddof=1))
    assert results["preset"] == str(tmp_path / "tuned" / "preset")
    page = (tmp_path / "tuned" / "report.html").read_text()
    assert "Which class is taken for which" in page and "<script" not in page
    card = (tmp_path / "tuned" / "preset" / "README.md").read_text()
    assert "fine-tuned for text_classification" in card and "here, there" in card
    rows = (tmp_path / "tuned" / "predictions" / "test.tsv").read_text().splitlines()
    assert rows[0] == "id\tlabel\tprediction" and len(rows) == 8

    model = open_tuned_model(str(tmp_path / "tuned" / "preset"), "text_classifier")
    best = max(written["runs"], key=lambda run: run["metrics"]["accuracy"])
    again = evaluated(model, examples(40, seed=2))
    assert again.metrics == best["metrics"]
    with pytest.raises(ValueError, match="is there already"):
        run_finetuning(task, settings, **where, seeds=[1])


def test_a_failed_run_leaves_nothing(preset, tmp_path):
    bad = dataclasses.replace(examples(8, seed=2), labels=("here", "nowhere") * 4)
    with pytest.raises(ValueError, match=r"must be among here, there\. Received: 'nowhere'"):
        task = TextFinetuning(TASK, examples(8, seed=1), bad)
        run_finetuning(task, SETTINGS, preset=preset, output=str(tmp_path / "tuned"), seeds=[1])
    assert not list(tmp_path.iterdir())


def test_texts_that_are_too_long_are_counted_once(preset, tmp_path, caplog):
    settings = dataclasses.replace(SETTINGS, epochs=1, sequence_length=4)
    task = TextFinetuning(TASK, examples(8, seed=1), examples(6, seed=2))
    run_finetuning(task, settings, preset=preset, output=str(tmp_path / "tuned"), seeds=[1, 2])
    told = [record.getMessage() for record in caplog.records if "longer than" in record.msg]
    assert len(told) == 2 and "8 of the 8 texts of made up are longer than 4 tokens" in told[0]


def test_classes_count_by_name_in_whatever_order_a_model_has_them():
    task = TextTask.of_labels(["good", "bad"])
    of_model = task.in_order_of(("good", "bad"))
    assert task.class_names == ("bad", "good")
    assert of_model.answers(np.array([[2.0, 1.0], [0.0, 3.0]])) == ["good", "bad"]
    assert of_model.targets(["good", "bad"]).tolist() == [0, 1]
    assert task.in_order_of(None) is task
    with pytest.raises(ValueError, match=r"must have the classes .*: bad, good\. Received: 0, 1"):
        task.in_order_of(("0", "1"))


def test_what_cannot_be_is_refused(preset, tmp_path):
    with pytest.raises(ValueError, match="at least two classes"):
        TextTask.of_labels(["same", "same"])
    with pytest.raises(
        ValueError, match=r"must be a text classifier\. It is of the task 'masked_lm'"
    ):
        open_tuned_model(preset, "text_classifier")
    for name, value in (("epochs", 0), ("layer_decay", 0), ("dropout", 1), ("keep", "worst")):
        with pytest.raises(ValueError, match=f"`{name}` must"):
            FinetuningSettings(**{name: value})
    with pytest.raises(
        ValueError, match=r"`seeds` must be different numbers\. Received: seeds=\[1"
    ):
        task = TextFinetuning(TASK, examples(8, seed=1), examples(8, seed=2))
        run_finetuning(task, SETTINGS, preset=preset, output=str(tmp_path / "tuned"), seeds=[1, 1])
