"""Fine-tuning of a tagger, from CoNLL's sentences to a written model."""

import pytest

from mpnet_tf.finetuning.conll import TaggedSentence, read_conll
from mpnet_tf.finetuning.entity_metrics import compute_entity_metrics
from mpnet_tf.finetuning.finetuning_run import run_finetuning
from mpnet_tf.finetuning.finetuning_settings import FinetuningSettings
from mpnet_tf.finetuning.tag_finetuning import TagFinetuning
from mpnet_tf.finetuning.tuned_model import open_tuned_model
from mpnet_tf.models import MPNetTokenClassifier
from tests.tiny_run import NOUNS, VERBS

SETTINGS = FinetuningSettings(learning_rate=0.01, epochs=8, batch_size=8, dropout=0.0)


def sentences():
    """Every noun is an animal where it follows `the`, and nothing elsewhere."""
    rows = [
        row
        for noun in NOUNS
        for verb in VERBS
        for row in (
            (("the", noun, verb), ("O", "B-ANIMAL", "O")),
            ((verb, noun), ("O", "O")),
        )
    ]
    return [TaggedSentence(words, labels, 1) for words, labels in rows]


def test_a_tagger_learns_and_is_written_with_its_tags(preset, tmp_path):
    task = TagFinetuning(sentences(), sentences())
    assert task.class_names == ("B-ANIMAL", "O")
    output = str(tmp_path / "tuned")
    results = run_finetuning(task, SETTINGS, preset=preset, output=output, seeds=[1])
    assert results["metrics"]["f1"]["mean"] == results["metrics"]["f1_ANIMAL"]["mean"] == 1.0
    # Words and right and predicted labels, as CoNLL's script reads them.
    path = tmp_path / "tuned" / "predictions" / "dev_seed_1.conll"
    predicted = [sentence.labels for sentence in read_conll(path)]
    right = [sentence.labels for sentence in read_conll(path, label_column=1)]
    assert right == [sentence.labels for sentence in sentences()]
    assert compute_entity_metrics(right, predicted).overall.f1 == 1.0

    model = open_tuned_model(results["preset"], "token_classifier")
    assert type(model) is MPNetTokenClassifier and model.class_names == task.class_names
    again = TagFinetuning(None, sentences(), model.class_names)
    assert again.evaluate(model, batch_size=4).metrics["f1"] == 1.0


def test_a_label_that_training_lacks_is_refused():
    other = [TaggedSentence(("the",), ("B-PLACE",), 1)]
    with pytest.raises(ValueError, match=r"must be among B-ANIMAL, O\. Received: 'B-PLACE'"):
        TagFinetuning(sentences(), other)
