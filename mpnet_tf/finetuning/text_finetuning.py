"""Fine-tuning of a text classifier or a regression, and its evaluation."""

import dataclasses
import time

import keras
import numpy as np

from mpnet_tf.finetuning.classification_metrics import compute_metrics
from mpnet_tf.finetuning.encoded_texts import encode_texts
from mpnet_tf.finetuning.layer_rates import LayerwiseAdamW, layer_rates
from mpnet_tf.finetuning.text_batches import evaluation_batches, training_batches
from mpnet_tf.models.converted_model import model_from, pretrained_from
from mpnet_tf.models.preset_conversion import read_pretrained
from mpnet_tf.training.parameter_roles import parameter_roles
from mpnet_tf.training.schedules import LinearWarmupDecay

_NO_DECAY = ("bias", "norm")
_TASK = "text_classifier"


def make_text_model(pretrained, task, settings, *, seed, load_weights=True):
    """Makes the model that a fine-tuning run begins with.

    Args:
        pretrained: `PretrainedModel` of any task, with a tokenizer.
        task: `TextTask`.
        settings: `FinetuningSettings`.
        seed: int. Of the head's weights, and of all dropout in training.
        load_weights: bool. Whether the body has the weights of `pretrained`; it starts anew
            otherwise, for comparisons.

    Returns:
        `TransformerTextClassifier` with a preprocessor. Its head is that of `pretrained` where that
        does the same task with the same classes, and new otherwise.

    Raises:
        ValueError: if there is no tokenizer, the body has no text classifier, or the sequence
            length is more than the body takes.
    """
    if pretrained.tokenizer is None:
        raise ValueError(
            "`pretrained` must come with a tokenizer, to be trained on text. Convert it with "
            "--vocab."
        )
    keras.utils.set_random_seed(seed)
    head = {"num_classes": task.num_outputs, "class_names": task.class_names or None}
    names = pretrained.head_settings.get("class_names")
    kept = pretrained.task == _TASK and (names and tuple(names)) == head["class_names"]
    if not kept or pretrained.head_settings["num_classes"] != head["num_classes"]:
        pretrained = _body_of(pretrained)
    model = model_from(
        pretrained,
        task=_TASK,
        load_weights=load_weights,
        expect_new_head=True,
        dropout=settings.dropout,
        attention_dropout=settings.dropout,
        **head,
    )
    _pad_to_longest(model, settings.sequence_length)
    return model


def open_text_model(path):
    """Opens a tuned model for its evaluation.

    Args:
        path: str. A preset of a text classifier, or a directory of transformers with one.

    Returns:
        `TransformerTextClassifier` with a preprocessor that pads to the longest text of a batch.

    Raises:
        ValueError: if there is another model, or no tokenizer.
    """
    pretrained = read_pretrained(path)
    if pretrained.task != _TASK:
        raise ValueError(
            f"The model at {path} must be a text classifier. It is of the task "
            f"{pretrained.task!r}. Fine-tune it with mpnet-finetune."
        )
    model = model_from(pretrained)
    if model.preprocessor is None:
        raise ValueError(f"The model at {path} must come with a tokenizer.")
    _pad_to_longest(model, None)
    return model


def _pad_to_longest(model, sequence_length):
    preprocessor = model.preprocessor
    model.preprocessor = type(preprocessor)(
        preprocessor.tokenizer,
        sequence_length=sequence_length or preprocessor.sequence_length,
        has_segment_ids=preprocessor.has_segment_ids,
        pad_to="longest",
        prompt=preprocessor.prompt,
    )
    model.preprocessor.check_fits(model.backbone)


def _body_of(pretrained):
    if pretrained.task == "backbone":
        return pretrained
    model = model_from(pretrained, preprocessor=None)
    return dataclasses.replace(
        pretrained_from(model.backbone, pretrained.tokenizer),
        carried_embedder=pretrained.carried_embedder,
    )


def finetune_text_model(model, task, train, dev, settings, *, seed, on_epoch=None):
    """Trains a model on a task.

    Args:
        model: as `make_text_model` makes it.
        task: `TextTask`.
        train, dev: `LabelledTexts` or `EncodedTexts` with labels. `dev` is evaluated after each
            epoch.
        settings: `FinetuningSettings`.
        seed: int. Of the order of the examples.
        on_epoch: callable given each epoch's record, or None.

    Returns:
        List of a dict for each epoch: `epoch`, `loss`, `seconds` and the metrics on `dev`. The
        model has the weights of the epoch that `settings.keep` says.

    Raises:
        ValueError: if a label is none of the task's, or a loss is no finite number.
    """
    examples = encode_texts(train, task, model.preprocessor)
    heldout = encode_texts(dev, task, model.preprocessor)
    batches, num_steps = training_batches(
        examples,
        model.preprocessor,
        batch_size=settings.batch_size,
        seed=seed,
        num_epochs=settings.epochs,
        weights=_sample_weights(examples.targets, task, settings),
    )
    _compile(model, task, settings, total_steps=num_steps * settings.epochs)
    evaluation = _EpochEvaluation(task, heldout, settings, on_epoch)
    model.fit(
        batches,
        epochs=settings.epochs,
        steps_per_epoch=num_steps,
        callbacks=[evaluation],
        shuffle=False,
        verbose=0,
    )
    if evaluation.best_weights is not None:
        model.set_weights(evaluation.best_weights)
    return evaluation.history


class _EpochEvaluation(keras.callbacks.Callback):
    """Evaluates after each epoch and remembers the best weights where they are wanted."""

    def __init__(self, task, heldout, settings, on_epoch):
        super().__init__()
        self.history, self.best_weights = [], None
        self._task, self._heldout, self._settings = task, heldout, settings
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
        evaluation = evaluate_text_model(
            self.model, self._task, self._heldout, batch_size=self._settings.batch_size
        )
        record = {"epoch": epoch + 1, "loss": logs["loss"], "seconds": seconds}
        record |= evaluation.metrics
        self.history.append(record)
        if self._on_epoch is not None:
            self._on_epoch(record)
        score = record[self._task.headline_metric]
        if self._settings.keep == "best" and score > self._best_score:
            self._best_score, self.best_weights = score, self.model.get_weights()


@dataclasses.dataclass(frozen=True)
class TextEvaluation:
    """How well a model does a task.

    Args:
        metrics: dict from names to floats; empty where the labels are not known.
        answers: list of str or float. The label or score given to each example.
        outputs: float array `(num_examples, num_outputs)`. Logits, or scores.
    """

    metrics: dict[str, float]
    answers: list
    outputs: np.ndarray


def evaluate_text_model(model, task, examples, *, batch_size=32):
    """Lets a model do a task and computes its metrics.

    Args:
        model: `TransformerTextClassifier` with a preprocessor.
        task: `TextTask`.
        examples: `LabelledTexts` or `EncodedTexts`.
        batch_size: int.

    Returns:
        `TextEvaluation`.
    """
    examples = encode_texts(examples, task, model.preprocessor)
    batches, order = evaluation_batches(examples, model.preprocessor, batch_size=batch_size)
    outputs = np.empty((len(order), task.num_outputs), np.float32)
    outputs[order] = np.concatenate([model.predict_on_batch(inputs) for inputs in batches])
    metrics = {}
    if examples.targets is not None:
        predictions = outputs[:, 0] if task.kind == "regression" else outputs.argmax(axis=-1)
        metrics = compute_metrics(task.metrics, examples.targets, predictions)
    return TextEvaluation(metrics, task.answers(outputs), outputs)


def _compile(model, task, settings, *, total_steps):
    roles = parameter_roles(model)
    optimizer = LayerwiseAdamW(
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
    loss = keras.losses.MeanSquaredError()
    if task.kind == "classification":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # XLA would compile anew for each length of a batch.
    model.compile(optimizer=optimizer, loss=loss, jit_compile=False)


def _sample_weights(targets, task, settings):
    if settings.class_weights == "none" or task.kind == "regression":
        return None
    counts = np.bincount(targets, minlength=task.num_outputs)
    return (len(targets) / (task.num_outputs * np.maximum(counts, 1)))[targets]
