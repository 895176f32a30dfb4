"""Fine-tuning of a model on a task."""

import time

import keras
import numpy as np

from mpnet_tf.finetuning.layer_rates import layer_rates
from mpnet_tf.training.adamw_with_rates import AdamWWithRates
from mpnet_tf.training.parameter_roles import parameter_roles
from mpnet_tf.training.schedules import LinearWarmupDecay

_NO_DECAY = ("bias", "norm")


def finetune(model, task, settings, *, seed, on_epoch=None):
    """Trains a model on a task.

    Args:
        model: as `task.make_model` makes it.
        task: `FinetuningTask`.
        settings: `FinetuningSettings`.
        seed: int. Of the order of the examples.
        on_epoch: callable given each epoch's record, or None.

    Returns:
        List of a dict for each epoch: `epoch`, `loss`, `seconds` and the figures of
        `task.evaluate`. The model has the weights of the epoch that `settings.keep` says.

    Raises:
        ValueError: if a label is none of the task's, or a loss is no finite number.
    """
    training = task.make_training(model, settings, seed=seed)
    training.trainer.compile(
        optimizer=_make_optimizer(model, training, settings),
        **training.compile_settings,
    )
    evaluation = _EpochEvaluation(model, task, settings, on_epoch)
    training.trainer.fit(
        training.batches,
        epochs=settings.epochs,
        steps_per_epoch=training.steps_per_epoch,
        callbacks=[evaluation],
        shuffle=False,
        verbose=0,
    )
    if evaluation.best_weights is not None:
        model.set_weights(evaluation.best_weights)
    return evaluation.history


class _EpochEvaluation(keras.callbacks.Callback):
    """Evaluates after each epoch and remembers the best weights where they are wanted."""

    def __init__(self, model, task, settings, on_epoch):
        super().__init__()
        self.history, self.best_weights = [], None
        self._tuned, self._task, self._settings = model, task, settings
        self._on_epoch = on_epoch
        self._best_score = -np.inf

    def on_epoch_begin(self, epoch, logs=None):
        self._begin = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        if not np.isfinite(logs["loss"]):
            raise ValueError(
                "The training loss is no finite number: the weights have grown out of all bounds. "
                "Lower `learning_rate`."
            )
        seconds = time.perf_counter() - self._begin
        evaluation = self._task.evaluate(self._tuned, batch_size=self._settings.batch_size)
        record = {"epoch": epoch + 1, "loss": float(logs["loss"]), "seconds": seconds}
        record |= evaluation.metrics
        self.history.append(record)
        if self._on_epoch is not None:
            self._on_epoch(record)
        score = record[self._task.headline_metric]
        if self._settings.keep == "best" and score > self._best_score:
            self._best_score, self.best_weights = score, self._tuned.get_weights()


def _make_optimizer(model, training, settings):
    total_steps = settings.epochs * training.steps_per_epoch
    # What trains the model may have weights of its own.
    roles = parameter_roles(training.trainer)
    return AdamWWithRates(
        LinearWarmupDecay(
            settings.learning_rate, int(settings.warmup_share * total_steps), total_steps
        ),
        rates=layer_rates(model, settings.layer_decay),
        decay_rate=settings.weight_decay,
        no_decay=[path for path, role in roles.items() if role in _NO_DECAY],
        beta_2=0.98,
        epsilon=1e-6,
        global_clipnorm=settings.global_clipnorm or None,
    )
