"""What a task is to the code that fine-tunes models and judges them."""

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import keras
import tensorflow as tf

from mpnet_tf.conversion.pretrained_model import PretrainedModel
from mpnet_tf.finetuning.finetuning_settings import FinetuningSettings


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """How well a model does a task.

    Args:
        metrics: the figures by their names; empty where the right answers are not known.
        answers: what the model says of each example, in the order of the examples.
    """

    metrics: dict[str, float]
    answers: Sequence


@dataclasses.dataclass(frozen=True)
class Training:
    """What a model is trained with.

    Args:
        trainer: what `fit` is called on: the model, or what trains it.
        batches: what `fit` takes. Passed over once for each epoch, or endless.
        steps_per_epoch: batches of an epoch.
        compile_settings: arguments of the trainer's `compile` besides the optimizer.
    """

    trainer: keras.Model
    batches: tf.data.Dataset
    steps_per_epoch: int
    compile_settings: Mapping


class FinetuningTask(abc.ABC):
    """A task with its examples: how a model for it is made, trained and judged.

    `finetune` trains by it, and `run_finetuning` over several seeds.

    Attributes:
        name: str. What the task is called.
        description: str. What a tuned model is, for its card, such as "A text classifier."
        metrics: tuple of str. The figures that are told after each epoch, which `evaluate` has
            among its own.
        headline_metric: str. The one of them that models are compared by; the higher the better.
        num_train, num_dev: int. Examples to train on and to evaluate on.
        choices: mapping from str to what JSON has. What the task is asked for besides the settings
            of the run: told with the figures, and kept with the model for its evaluation.
        weighs_classes: bool. Whether the setting `class_weights` means anything to it.
    """

    name: str
    description: str
    metrics: tuple[str, ...]
    headline_metric: str
    num_train: int
    num_dev: int
    choices: Mapping = MappingProxyType({})
    weighs_classes: bool = False

    @abc.abstractmethod
    def make_model(
        self, pretrained: PretrainedModel, settings: FinetuningSettings, *, seed: int, **kwargs
    ) -> keras.Model:
        """Makes the model that a run begins with.

        Args:
            pretrained: of any task, with a tokenizer.
            settings: how it is to be trained.
            seed: of the head's weights.
            **kwargs: `load_weights`, False for a body with random weights.

        Raises:
            ValueError: if there is no such task on the body, or no tokenizer.
        """

    @abc.abstractmethod
    def make_training(
        self, model: keras.Model, settings: FinetuningSettings, *, seed: int
    ) -> Training:
        """Makes the batches of all epochs.

        Args:
            model: what `make_model` returns.
            settings: how it is to be trained.
            seed: of the order of the examples.
        """

    @abc.abstractmethod
    def evaluate(self, model: keras.Model, *, batch_size: int) -> Evaluation:
        """Lets a model do the task on the examples to evaluate on."""

    @abc.abstractmethod
    def write_predictions(self, directory: str, evaluation: Evaluation, *, name: str) -> None:
        """Writes what a model said of the examples to evaluate on.

        Args:
            directory: a folder that is there.
            evaluation: what `evaluate` returned.
            name: of the file, without its ending.
        """

    # Nothing is to be done where there are none.
    def write_test(  # noqa: B027
        self, directory: str, model: keras.Model, *, batch_size: int
    ) -> None:
        """Writes what a model says of the examples whose answers are not known, if there are any.

        Args:
            directory: the output's folder, which has a folder `predictions`.
            model: a tuned model.
            batch_size: examples at once.
        """

    def make_pictures(self, evaluation: Evaluation) -> list:
        """Draws what the best model said, for the report.

        Args:
            evaluation: what `evaluate` returned.

        Returns:
            List of pairs of a matplotlib figure and a line of text on it.
        """
        del evaluation
        return []
