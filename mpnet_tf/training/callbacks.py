"""What happens beside the training steps: evaluation, records, the progress bar."""

import contextlib
import json
import math
import os
import time

import keras
import tensorflow as tf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mpnet_tf.data.output_directory import explained_write_errors
from mpnet_tf.training.evaluation import perplexity
from mpnet_tf.training.schedule_free_adamw import averaged_weights


class PeriodicEvaluation(keras.callbacks.Callback):
    """Evaluates at the end of each epoch and adds the figures to its logs.

    Put it before the callbacks that record the logs. An epoch of `fit` is one stretch between
    evaluations here.

    Args:
        evaluator: `Evaluator`.
        tokens_per_step: float. Text tokens in a batch, on average.
        flops_per_step: float. Operations of a step, as `training_flops_per_batch` counts them.
        peak_flops: float. Operations in a second that all devices together are able to do.

    Raises:
        ValueError: at the end of an epoch without a finite loss, or if the held-out loss is none.
    """

    def __init__(self, evaluator, *, tokens_per_step, flops_per_step, peak_flops):
        super().__init__()
        self._evaluator = evaluator
        self._tokens_per_step = tokens_per_step
        self._peak_share_per_step = flops_per_step / peak_flops
        self._begin = None

    def on_epoch_begin(self, epoch, logs=None):
        self._begin = (time.perf_counter(), int(self.model.batch_number.numpy()))

    def on_epoch_end(self, epoch, logs=None):
        begin, first_step = self._begin
        seconds, num_steps = time.perf_counter() - begin, int(logs["step"]) - first_step
        if not math.isfinite(logs["loss"]):
            raise ValueError(
                f"No step between {first_step} and {int(logs['step'])} had a finite loss. Lower "
                "`optimizer.learning_rate` or lengthen `optimizer.warmup_steps`."
            )
        # An objective of a mixture that no row of the interval was given has no figures.
        for name in [name for name, value in logs.items() if math.isnan(value)]:
            del logs[name]
        del logs["stop"]
        for name in ("step", "bad_steps"):
            logs[name] = int(logs[name])
        with averaged_weights(self.model.optimizer, self.model.pretrainer):
            evaluation = self._evaluator.evaluate()
        if not math.isfinite(evaluation.loss):
            # Weights that a checkpoint had better not hold.
            raise ValueError(
                f"The held-out loss is no finite number at step {logs['step']}: the weights have "
                "grown out of all bounds. Lower `optimizer.learning_rate` or lengthen "
                "`optimizer.warmup_steps`."
            )
        logs["perplexity"] = perplexity(logs["loss"])
        logs["heldout_loss"] = evaluation.loss
        logs["heldout_accuracy"] = evaluation.accuracy
        for name, own in evaluation.by_objective.items():
            logs[f"heldout_{name}_loss"] = own.loss
            logs[f"heldout_{name}_accuracy"] = own.accuracy
        logs["learning_rate"] = float(self.model.optimizer.learning_rate.numpy())
        logs["seconds"] = seconds
        logs["tokens_per_second"] = self._tokens_per_step * num_steps / seconds
        logs["share_of_peak_flops"] = self._peak_share_per_step * num_steps / seconds


class MetricsFile(keras.callbacks.Callback):
    """Appends each epoch's logs to `metrics.jsonl` and to TensorBoard's event files.

    Args:
        path: str. The JSON-lines file. Records of steps that a resumed run takes again go first.
        tensorboard_directory: str.
        first_step: int. Steps taken before.
    """

    def __init__(self, path, tensorboard_directory, *, first_step):
        super().__init__()
        self._path = path
        self._tensorboard_directory = tensorboard_directory
        kept = [record for record in read_metrics(path) if record["step"] <= first_step]
        with explained_write_errors(path):
            with open(f"{path}.tmp", "w", encoding="utf-8") as file:
                file.writelines(json.dumps(record) + "\n" for record in kept)
            os.replace(f"{path}.tmp", path)
        with self._event_errors():
            self._writer = tf.summary.create_file_writer(tensorboard_directory)

    def on_epoch_end(self, epoch, logs=None):
        with explained_write_errors(self._path), open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(logs) + "\n")
        with self._event_errors():
            with self._writer.as_default(step=logs["step"]):
                for name, value in logs.items():
                    if name != "step":
                        tf.summary.scalar(name, value)
            self._writer.flush()

    @contextlib.contextmanager
    def _event_errors(self):
        """Turns what TensorFlow raises for a full disk and the like into an `OSError`."""
        try:
            yield
        except tf.errors.OpError as error:
            # The message begins with the op's name in double braces.
            reason = error.message.rpartition("}} ")[2]
            raise OSError(f"Cannot write {self._tensorboard_directory}: {reason}") from error


def read_metrics(path):
    """Reads the records of a `metrics.jsonl`, oldest first; none where there is no file.

    A last line without an end was cut off while it was written, as on a full disk, and is left out.
    """
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


class ProgressDisplay(keras.callbacks.Callback):
    """Shows loss, accuracy, tokens per second and time left on stderr.

    On a terminal a bar that moves with every step; elsewhere, as on it, a line an evaluation.

    Args:
        first_step: int. Steps taken before.
        total_steps: int. Steps of the whole run.
        tokens_per_step: float. Text tokens in a batch, on average.
    """

    def __init__(self, *, first_step, total_steps, tokens_per_step):
        super().__init__()
        console = Console(stderr=True)
        self._progress = Progress(
            # Narrow, so that the figures have room in 80 columns.
            BarColumn(bar_width=10),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task(
            "steps", total=total_steps, completed=first_step, figures=""
        )
        self._tokens_per_step = tokens_per_step
        self._total_steps = total_steps
        self._last = None

    def on_train_begin(self, logs=None):
        self._progress.start()

    def on_train_batch_begin(self, batch, logs=None):
        if self._last is None:
            self._last = (time.perf_counter(), int(self.model.batch_number.numpy()))

    def on_train_batch_end(self, batch, logs=None):
        now, step = time.perf_counter(), int(logs["step"])
        before, step_before = self._last
        self._last = (now, step)
        speed = self._tokens_per_step * (step - step_before) / (now - before)
        self._progress.update(
            self._task,
            completed=step,
            figures=f"loss {logs['loss']:.3f}  accuracy {logs['accuracy']:.1%}  {speed:,.0f} tok/s",
        )

    def on_epoch_begin(self, epoch, logs=None):
        # Evaluations are no part of a step's time.
        self._last = None

    def on_epoch_end(self, epoch, logs=None):
        self._progress.console.print(
            f"step {logs['step']:,}/{self._total_steps:,}  loss {logs['loss']:.3f}  "
            f"accuracy {logs['accuracy']:.1%}  held-out loss {logs['heldout_loss']:.3f}  "
            f"held-out accuracy {logs['heldout_accuracy']:.1%}  "
            f"{logs['tokens_per_second']:,.0f} tok/s",
            highlight=False,
            soft_wrap=True,
        )

    def on_train_end(self, logs=None):
        self._progress.stop()
