"""What a task on texts asks for, a class or a score, and how it is judged."""

import dataclasses

import numpy as np

from mpnet_tf.finetuning.glue_tasks import GLUE_TASKS

KINDS = ("classification", "regression")


@dataclasses.dataclass(frozen=True)
class TextTask:
    """A task that gives each text, or each pair of texts, a class or a score.

    Args:
        name: str.
        kind: "classification" or "regression".
        class_names: tuple of str. The classes in the order of their ids; empty for a regression.
        metrics: tuple of str. As `compute_metrics` takes them.
        headline_metric: str. The one of them that models are compared by.

    Raises:
        ValueError: if the kind is another, or classes and kind do not go together.
    """

    name: str
    kind: str
    class_names: tuple[str, ...]
    metrics: tuple[str, ...]
    headline_metric: str

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: {self.kind!r}")
        is_classification = self.kind == "classification"
        if is_classification and len(self.class_names) < 2:
            raise ValueError(
                "A classification must have at least two classes. Received: "
                f"{', '.join(self.class_names) or 'none'}. Does the label column hold the labels?"
            )

    @property
    def num_outputs(self):
        """int. Outputs of the model's head."""
        return len(self.class_names) or 1

    @classmethod
    def of_glue(cls, name):
        """Makes the task that GLUE has by a name."""
        task = GLUE_TASKS[name]
        return cls(name, task.kind, tuple(task.labels), task.metrics, task.headline_metric)

    @classmethod
    def of_labels(cls, labels, *, name="text_classification"):
        """Makes the classification that a column of labels asks for, by accuracy.

        Args:
            labels: iterable of str. Each class must occur; they are numbered in sorted order.
            name: str.
        """
        class_names = tuple(sorted(set(labels)))
        metrics = ("accuracy", "macro_f1", "matthews_correlation")
        return cls(name, "classification", class_names, metrics, "accuracy")

    @classmethod
    def of_scores(cls, *, name="text_regression"):
        """Makes a regression, by Spearman's correlation."""
        return cls(name, "regression", (), ("pearson", "spearman"), "spearman")

    def in_order_of(self, class_names):
        """Returns the task with its classes in the order in which a model has them.

        Args:
            class_names: sequence of str, or None where the model does not name its classes.

        Raises:
            ValueError: if the model has other classes.
        """
        if class_names is None:
            return self
        if set(class_names) != set(self.class_names):
            raise ValueError(
                f"The model must have the classes of the task {self.name}: "
                f"{', '.join(self.class_names) or 'none'}. Received: {', '.join(class_names)}"
            )
        return dataclasses.replace(self, class_names=tuple(class_names))

    def targets(self, labels, source="the labels"):
        """Turns labels into what a model is trained on.

        Args:
            labels: sequence of str or float, as `LabelledTexts` has them.
            source: str. Where they come from, for errors.

        Returns:
            int32 array of class ids, or float32 array of scores.

        Raises:
            ValueError: if a label is none of the classes.
        """
        if self.kind == "regression":
            return np.array(labels, np.float32)
        ids = {name: index for index, name in enumerate(self.class_names)}
        unknown = sorted({label for label in labels if label not in ids})
        if unknown:
            raise ValueError(
                f"Labels must be among {', '.join(self.class_names)}. Received: "
                f"{', '.join(map(repr, unknown[:5]))} in {source}"
            )
        return np.array([ids[label] for label in labels], np.int32)

    def answers(self, outputs):
        """Turns a model's outputs into labels or scores.

        Args:
            outputs: float array `(num_examples, num_outputs)`.

        Returns:
            List of str, or of float.
        """
        if self.kind == "regression":
            return outputs[:, 0].astype(float).tolist()
        return [self.class_names[index] for index in outputs.argmax(axis=-1)]
