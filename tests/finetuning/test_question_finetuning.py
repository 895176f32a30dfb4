"""Fine-tuning of question answering, from questions to a written model."""

import dataclasses
import json

import pytest

from mpnet_tf.finetuning.finetuning_run import run_finetuning
from mpnet_tf.finetuning.finetuning_settings import FinetuningSettings
from mpnet_tf.finetuning.question_finetuning import QuestionFinetuning
from mpnet_tf.finetuning.squad import Question
from mpnet_tf.finetuning.squad_metrics import compute_squad_metrics
from mpnet_tf.finetuning.tuned_model import open_tuned_model
from mpnet_tf.models import MPNetQuestionAnswerer
from tests.tiny_run import NOUNS, VERBS

SETTINGS = FinetuningSettings(learning_rate=0.01, epochs=12, batch_size=8, dropout=0.0)


def questions(*, with_none=False):
    """Asks of every noun which one ran, and of a text without it."""
    found = []
    for noun in NOUNS:
        for verb in VERBS:
            context = f"the {noun} {verb}"
            found.append(
                Question(f"{noun}{verb}", "the", context, (noun,), (context.index(noun),), False)
            )
    if with_none:
        found += [
            Question(f"none {verb}", "the", f"the the {verb}", (), (), True) for verb in VERBS
        ]
    return found


def test_a_reader_learns_and_is_written_with_its_answers(preset, tmp_path):
    dev = questions()
    test = [dataclasses.replace(dev[0], answers=(), answer_starts=())]
    task = QuestionFinetuning(questions(), dev, test)
    output = str(tmp_path / "tuned")
    results = run_finetuning(task, SETTINGS, preset=preset, output=output, seeds=[1])
    assert results["metrics"]["exact"]["mean"] == 100.0
    written = json.loads((tmp_path / "tuned" / "predictions" / "dev_seed_1.json").read_text())
    assert written == {question.id: question.answers[0] for question in dev}
    test = json.loads((tmp_path / "tuned" / "predictions" / "test.json").read_text())
    assert list(test) == [dev[0].id]

    model = open_tuned_model(results["preset"], "question_answering")
    assert type(model) is MPNetQuestionAnswerer
    assert task.evaluate(model, batch_size=4).metrics["f1"] == 100.0
    assert "finds the answer" in (tmp_path / "tuned" / "preset" / "README.md").read_text()


def test_a_threshold_leaves_questions_unanswered(preset, tmp_path):
    dev = questions(with_none=True)
    settings = dataclasses.replace(SETTINGS, epochs=1)
    task = QuestionFinetuning(dev, dev, no_answer_threshold=-1e9)
    model = task.make_model(open_preset(preset), settings, seed=1)
    evaluation = task.evaluate(model, batch_size=8)
    # Nothing is answered, so those without an answer are right.
    assert evaluation.metrics["NoAns_exact"] == 100.0 and evaluation.metrics["HasAns_exact"] == 0.0
    task.write_predictions(str(tmp_path), evaluation, name="dev")
    assert set(json.loads((tmp_path / "dev.json").read_text()).values()) == {""}
    predictions, scores = evaluation.answers
    expected = compute_squad_metrics(dev, predictions, no_answer_scores=scores)
    assert evaluation.metrics["best_exact"] == expected["best_exact"]


def open_preset(preset):
    from mpnet_tf.models.preset_conversion import read_pretrained

    return read_pretrained(preset)


def test_a_model_of_another_task_is_refused(preset):
    with pytest.raises(ValueError, match=r"must be a question answering\. It is of the task"):
        open_tuned_model(preset, "question_answering")
