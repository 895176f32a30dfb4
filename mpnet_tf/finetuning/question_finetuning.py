"""Fine-tuning of models that answer questions, and their evaluation."""

import os

import keras

from mpnet_tf.conversion.json_files import write_json
from mpnet_tf.finetuning.finetuning_task import Evaluation, FinetuningTask, Training
from mpnet_tf.finetuning.question_answers import answer_questions, question_batches
from mpnet_tf.finetuning.squad_metrics import compute_squad_metrics
from mpnet_tf.finetuning.tuned_model import make_tuned_model
from mpnet_tf.finetuning.window_batches import count_batches, without_row_padding
from mpnet_tf.models.question_windows import QuestionWindows, window_sizes
from mpnet_tf.models.token_windows import packer_arguments


class QuestionFinetuning(FinetuningTask):
    """The fine-tuning of a model that finds answers in texts, on SQuAD's files.

    Args:
        train: sequence of `Question`, or None to evaluate alone.
        dev: sequence of `Question` with their answers.
        test: sequence of `Question` without answers, or None.
        no_answer_threshold: float or None. As `TransformerQuestionAnswerer.answer` takes it; None
            has every question answered, as in SQuAD 1.1.
        stride, max_question_length: int or None. As `QuestionWindows` takes them; None for what
            fits the length of rows.
        max_answer_length: int. Most tokens in an answer. Default 30.
    """

    name = "question_answering"
    description = "A model that finds the answer to a question in a text."
    metrics = ("exact", "f1")
    headline_metric = "f1"

    def __init__(
        self,
        train,
        dev,
        test=None,
        *,
        no_answer_threshold=None,
        stride=None,
        max_question_length=None,
        max_answer_length=30,
    ):
        self.num_train, self.num_dev = len(train or ()), len(dev)
        self._train, self._dev, self._test = train, dev, test
        self._no_answer_threshold = no_answer_threshold
        self._sizes = {"stride": stride, "max_question_length": max_question_length}
        self._max_answer_length = max_answer_length
        self.choices = {
            "no_answer_threshold": no_answer_threshold,
            "max_answer_length": max_answer_length,
        }

    def make_model(self, pretrained, settings, *, seed, **kwargs):
        return make_tuned_model(pretrained, "question_answering", settings, seed=seed, **kwargs)

    def make_training(self, model, settings, *, seed):
        arguments = packer_arguments(model)
        windows = QuestionWindows(
            **arguments, **window_sizes(arguments["sequence_length"], **self._sizes)
        )
        batches = question_batches(self._train, windows, batch_size=settings.batch_size, seed=seed)
        loss = {
            name: keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            for name in ("start_logits", "end_logits")
        }
        compile_settings = {"loss": loss, "loss_weights": dict.fromkeys(loss, 0.5)}
        return Training(
            model,
            batches.map(without_row_padding).repeat(),
            count_batches(batches),
            {**compile_settings, "jit_compile": False},
        )

    def evaluate(self, model, *, batch_size):
        predictions, no_answer_scores = self._answers(model, self._dev, batch_size)
        has_none = any(not question.answers for question in self._dev)
        metrics = compute_squad_metrics(
            self._dev,
            predictions,
            no_answer_scores=no_answer_scores if has_none else None,
        )
        if self._no_answer_threshold is not None:
            metrics |= compute_squad_metrics(
                self._dev,
                predictions,
                no_answer_scores=no_answer_scores,
                no_answer_threshold=self._no_answer_threshold,
            )
        metrics = {name: float(value) for name, value in metrics.items() if "total" not in name}
        return Evaluation(metrics, [predictions, no_answer_scores])

    def write_predictions(self, directory, evaluation, *, name):
        """Writes the answers, as SQuAD's evaluation script takes them, and the scores of none."""
        self._write(directory, name, *evaluation.answers)

    def write_test(self, directory, model, *, batch_size):
        if self._test is not None:
            answers = self._answers(model, self._test, batch_size)
            self._write(os.path.join(directory, "predictions"), "test", *answers)

    def _write(self, directory, name, predictions, no_answer_scores):
        threshold = self._no_answer_threshold
        if threshold is not None:
            predictions = {
                id: "" if no_answer_scores[id] > threshold else text
                for id, text in predictions.items()
            }
        write_json(predictions, os.path.join(directory, f"{name}.json"))
        write_json(no_answer_scores, os.path.join(directory, f"{name}_no_answer_scores.json"))

    def _answers(self, model, questions, batch_size):
        return answer_questions(
            model,
            questions,
            batch_size=batch_size,
            max_answer_length=self._max_answer_length,
            **self._sizes,
        )
