"""The models that fine-tuning begins with and ends with."""

import dataclasses

import keras

from mpnet_tf.models.converted_model import model_from, pretrained_from
from mpnet_tf.models.preset_conversion import read_pretrained
from mpnet_tf.models.tokenizers import tokenizer_of_body

_BLANK_BODY = "glm"


def make_tuned_model(pretrained, task, settings, *, seed, load_weights=True, **head):
    """Makes a model with a head for fine-tuning.

    Args:
        pretrained: `PretrainedModel` of any task, with a tokenizer.
        task: str. The task of the model, as `model_from` takes it.
        settings: `FinetuningSettings`.
        seed: int. Of the head's weights, and of all dropout in training.
        load_weights: bool. Whether the body has the weights of `pretrained`; it starts anew
            otherwise, for comparisons.
        **head: arguments of the head.

    Returns:
        The model, whose preprocessor pads to the longest text of a batch. Its head is that of
        `pretrained` where that is of the same task with the same arguments, and new otherwise.

    Raises:
        ValueError: if there is no tokenizer, the body has no such task, or the sequence length is
            more than the body takes.
    """
    _require_tokenizer(pretrained)
    keras.utils.set_random_seed(seed)
    kept_settings = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in pretrained.head_settings.items()
    }
    if pretrained.task != task or any(kept_settings.get(name) != head[name] for name in head):
        pretrained = _body_of(pretrained)
    model = model_from(
        pretrained,
        task=task,
        load_weights=load_weights,
        expect_new_head=True,
        dropout=settings.dropout,
        attention_dropout=settings.dropout,
        **head,
    )
    pad_to_longest(model, settings.sequence_length)
    return model


def make_blank_filler(pretrained, settings, *, seed, load_weights=True):
    """Makes what fine-tuning takes of a GLM model for a task that fills blanks.

    Args:
        pretrained, settings, load_weights: as of `make_tuned_model`.
        seed: int. Of all dropout in training.

    Returns:
        `GLMMaskedLM`, for its backbone and head, and its tokenizer.

    Raises:
        ValueError: if the body is another, or there is no tokenizer.
    """
    if pretrained.body != _BLANK_BODY:
        raise ValueError(
            f"`pretrained` must have the body {_BLANK_BODY!r}, which alone fills blanks of any "
            f"length. Received: body={pretrained.body!r}"
        )
    _require_tokenizer(pretrained)
    keras.utils.set_random_seed(seed)
    masked_lm = model_from(
        pretrained,
        task="masked_lm",
        load_weights=load_weights,
        preprocessor=None,
        dropout=settings.dropout,
        attention_dropout=settings.dropout,
    )
    return masked_lm, tokenizer_of_body(_BLANK_BODY, pretrained.tokenizer)


def _require_tokenizer(pretrained):
    if pretrained.tokenizer is None:
        raise ValueError(
            "`pretrained` must come with a tokenizer, to be trained on text. Convert it with "
            "--vocab."
        )


def open_tuned_model(path, task):
    """Opens a tuned model for its evaluation.

    Args:
        path: str. A preset of a model, or a directory of another library with one.
        task: str. The task that it must be of, as `make_task` names it.

    Returns:
        The model, whose preprocessor pads to the longest text of a batch.

    Raises:
        ValueError: if there is a model of another task, or no tokenizer.
    """
    pretrained = read_pretrained(path)
    if pretrained.task != task:
        raise ValueError(
            f"The model at {path} must be a {task.replace('_', ' ')}. It is of the task "
            f"{pretrained.task!r}. Fine-tune it with mpnet-finetune."
        )
    model = model_from(pretrained)
    if model.preprocessor is None:
        raise ValueError(f"The model at {path} must come with a tokenizer.")
    pad_to_longest(model, None)
    return model


def pad_to_longest(model, sequence_length):
    """Has a model's rows be as long as the longest text of their batch.

    Args:
        model: a task with a `TransformerTextPreprocessor`, which gets another one.
        sequence_length: int or None. Most tokens of an example; None for what the model says.

    Raises:
        ValueError: if the sequence length is more than the body takes.
    """
    model.preprocessor = model.preprocessor.padded_to_longest(sequence_length)
    model.preprocessor.check_fits(model.backbone)


def _body_of(pretrained):
    if pretrained.task == "backbone":
        return pretrained
    model = model_from(pretrained, preprocessor=None)
    return dataclasses.replace(
        pretrained_from(model.backbone, pretrained.tokenizer),
        carried_embedder=pretrained.carried_embedder,
    )
