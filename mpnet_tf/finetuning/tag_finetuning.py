"""Fine-tuning of models that tell the class of every word, and their evaluation."""

import os

import keras

from mpnet_tf.finetuning.entity_metrics import compute_entity_metrics
from mpnet_tf.finetuning.finetuning_task import Evaluation, FinetuningTask, Training
from mpnet_tf.finetuning.tagged_batches import tagged_batches
from mpnet_tf.finetuning.tuned_model import make_tuned_model
from mpnet_tf.finetuning.window_batches import count_batches, without_row_padding
from mpnet_tf.models.token_windows import packer_arguments
from mpnet_tf.models.word_packer import WordPacker


class TagFinetuning(FinetuningTask):
    """The fine-tuning of a model that marks entities, on CoNLL's files.

    Args:
        train: sequence of `TaggedSentence`, or None to evaluate alone.
        dev: sequence of `TaggedSentence`.
        class_names: sequence of str, or None. The labels in the order of the model's classes; None
            for those of `train`, sorted.

    Raises:
        ValueError: if a label of `dev` is none of the classes.
    """

    name = "token_classification"
    metrics = ("f1", "precision", "recall")
    headline_metric = "f1"

    def __init__(self, train, dev, class_names=None):
        if class_names is None:
            class_names = sorted({label for sentence in train for label in sentence.labels})
        self.class_names = tuple(class_names)
        self.description = f"A tagger of words. Its classes are {', '.join(self.class_names)}."
        self.num_train, self.num_dev = len(train or ()), len(dev)
        self._train, self._dev = train, dev
        unknown = {label for sentence in dev for label in sentence.labels} - set(self.class_names)
        if unknown:
            raise ValueError(
                f"Labels must be among {', '.join(self.class_names)}. Received: "
                f"{', '.join(map(repr, sorted(unknown)[:5]))}"
            )

    def make_model(self, pretrained, settings, *, seed, **kwargs):
        return make_tuned_model(
            pretrained,
            "token_classifier",
            settings,
            seed=seed,
            num_classes=len(self.class_names),
            class_names=self.class_names,
            **kwargs,
        )

    def make_training(self, model, settings, *, seed):
        batches = tagged_batches(
            self._train,
            WordPacker(**packer_arguments(model)),
            self.class_names,
            batch_size=settings.batch_size,
            seed=seed,
        )
        loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        )
        return Training(
            model,
            batches.map(without_row_padding).repeat(),
            count_batches(batches),
            {"loss": loss, "jit_compile": False},
        )

    def evaluate(self, model, *, batch_size):
        answers = model.tag([sentence.words for sentence in self._dev], batch_size=batch_size)
        scores = compute_entity_metrics([sentence.labels for sentence in self._dev], answers)
        figures = {
            "f1": scores.overall.f1,
            "precision": scores.overall.precision,
            "recall": scores.overall.recall,
        }
        figures |= {f"f1_{type}": of_type.f1 for type, of_type in scores.by_type.items()}
        return Evaluation(figures, answers)

    def write_predictions(self, directory, evaluation, *, name):
        """Writes a word, its label and the predicted label a line, as `conlleval` takes them."""
        with open(os.path.join(directory, f"{name}.conll"), "w", encoding="utf-8") as file:
            for sentence, labels in zip(self._dev, evaluation.answers, strict=True):
                rows = zip(sentence.words, sentence.labels, labels, strict=True)
                file.writelines("\t".join(row) + "\n" for row in rows)
                file.write("\n")
