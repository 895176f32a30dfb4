"""Fine-tuning of text classifiers and regressions, and their evaluation."""

import os

import keras
import numpy as np

from mpnet_tf.finetuning.classification_metrics import compute_metrics, confusion_matrix
from mpnet_tf.finetuning.encoded_texts import encode_texts
from mpnet_tf.finetuning.finetuning_task import Evaluation, FinetuningTask, Training
from mpnet_tf.finetuning.glue import GLUE_TASKS, write_submission
from mpnet_tf.finetuning.prediction_file import write_predictions
from mpnet_tf.finetuning.text_batches import evaluation_batches, training_batches
from mpnet_tf.finetuning.tuned_model import make_tuned_model
from mpnet_tf.visualization.task_pictures import draw_confusion, draw_scores

_TASK = "text_classifier"


class TextFinetuning(FinetuningTask):
    """The fine-tuning of a text classifier or a regression.

    Args:
        task: `TextTask`.
        train: `LabelledTexts` with labels, or None to evaluate alone.
        dev: `LabelledTexts` with labels.
        test: `LabelledTexts` without labels, or None.
    """

    def __init__(self, task, train, dev, test=None):
        self.task = task
        self.name = task.name
        self.metrics, self.headline_metric = task.metrics, task.headline_metric
        classes = f" Its classes are {', '.join(task.class_names)}." if task.class_names else ""
        self.description = f"A text {task.kind}.{classes}"
        self.num_train, self.num_dev = len(train or ()), len(dev)
        self.choices = {"pairs": dev.pairs is not None}
        self.weighs_classes = task.kind == "classification"
        self._train, self._dev, self._test = train, dev, test
        self._dev_texts = dev

    def make_model(self, pretrained, settings, *, seed, **kwargs):
        return make_tuned_model(
            pretrained,
            _TASK,
            settings,
            seed=seed,
            num_classes=self.task.num_outputs,
            class_names=self.task.class_names or None,
            **kwargs,
        )

    def make_training(self, model, settings, *, seed):
        # Once for all seeds, so that what is too long is told once.
        self._train = encode_texts(self._train, self.task, model.preprocessor)
        self._dev = encode_texts(self._dev, self.task, model.preprocessor)
        targets = self._train.targets
        batches, steps_per_epoch = training_batches(
            self._train,
            model.preprocessor,
            batch_size=settings.batch_size,
            seed=seed,
            num_epochs=settings.epochs,
            weights=_sample_weights(targets, self.task, settings),
        )
        loss = keras.losses.MeanSquaredError()
        if self.task.kind == "classification":
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        # XLA would compile anew for each length of a batch.
        return Training(model, batches, steps_per_epoch, {"loss": loss, "jit_compile": False})

    def evaluate(self, model, *, batch_size):
        self._dev = encode_texts(self._dev, self.task, model.preprocessor)
        outputs = text_outputs(model, self.task, self._dev, batch_size=batch_size)
        answers = self.task.answers(outputs)
        if self._dev.targets is None:
            return Evaluation({}, answers)
        predictions = outputs[:, 0] if self.task.kind == "regression" else outputs.argmax(axis=-1)
        metrics = compute_metrics(self.metrics, self._dev.targets, predictions)
        return Evaluation(metrics, answers)

    def write_predictions(self, directory, evaluation, *, name):
        write_predictions(
            os.path.join(directory, f"{name}.tsv"), self._dev_texts, evaluation.answers
        )

    def write_test(self, directory, model, *, batch_size):
        if self._test is None:
            return
        outputs = text_outputs(model, self.task, self._test, batch_size=batch_size)
        answers = self.task.answers(outputs)
        write_predictions(os.path.join(directory, "predictions", "test.tsv"), self._test, answers)
        if self.name in GLUE_TASKS:
            write_submission(self.name, answers, os.path.join(directory, "submission"))

    def make_pictures(self, evaluation):
        if self.task.kind == "regression":
            return [draw_scores(self._dev_texts.labels, evaluation.answers)]
        names = self.task.class_names
        return [
            draw_confusion(
                confusion_matrix(self._dev_texts.labels, evaluation.answers, names), names
            )
        ]


def text_outputs(model, task, examples, *, batch_size=32):
    """Lets a model do a task on texts.

    Args:
        model: `TransformerTextClassifier` with a preprocessor.
        task: `TextTask`.
        examples: `LabelledTexts` or `EncodedTexts`.
        batch_size: int.

    Returns:
        float32 array `(num_examples, num_outputs)`. Logits, or scores.
    """
    examples = encode_texts(examples, task, model.preprocessor)
    batches, order = evaluation_batches(examples, model.preprocessor, batch_size=batch_size)
    outputs = np.empty((len(order), task.num_outputs), np.float32)
    outputs[order] = np.concatenate([model.predict_on_batch(inputs) for inputs in batches])
    return outputs


def _sample_weights(targets, task, settings):
    if settings.class_weights == "none" or task.kind == "regression":
        return None
    counts = np.bincount(targets, minlength=task.num_outputs)
    return (len(targets) / (task.num_outputs * np.maximum(counts, 1)))[targets]
