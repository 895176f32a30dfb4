"""Models of ours from what another library's files held, and the other way."""

import dataclasses
import inspect

from absl import logging
from keras import ops

from mpnet_tf.conversion.pretrained_model import PretrainedModel
from mpnet_tf.models.bodies import BODIES
from mpnet_tf.models.task_models import make_task, task_of
from mpnet_tf.models.text_preprocessor import fitting_arguments
from mpnet_tf.models.tokenizers import tokenizer_of_body
from mpnet_tf.models.transformer_backbone import TransformerBackbone

_TASKS_WITH_CLASSES = ("text_classifier", "token_classifier")


def model_from(pretrained, *, task=None, load_weights=True, expect_new_head=False, **settings):
    """Makes the model that a conversion read.

    Args:
        pretrained: `PretrainedModel`.
        task: str or None. One of `mpnet_tf.models.TASKS`; None for the source's own. A head that
            the source lacks, or has for another number of classes, starts with random weights, and
            a warning says so.
        load_weights: bool. Whether to give the model the weights; it starts anew otherwise.
        expect_new_head: bool. Whether a head with random weights is what is wanted, of which no
            warning tells. Default False.
        **settings: arguments of the body or of the head in place of the source's, and
            `preprocessor`; without the last, a task of raw text gets one from the source's
            tokenizer.

    Returns:
        The model, of the body's own class.

    Raises:
        ValueError: if the body has no such task, a setting changes the shape of a weight, or the
            number of classes is not known.
    """
    task = pretrained.task if task is None else task
    body_cls = BODIES[pretrained.body]
    names = {*inspect.signature(TransformerBackbone).parameters, "name"}
    body_settings = {name: value for name, value in settings.items() if name in names}
    head_settings = {name: value for name, value in settings.items() if name not in names}
    # "dropout" and such are of both; a fresh head gets its body's.
    keeps_head = task == pretrained.task
    if keeps_head:
        theirs = dict(pretrained.head_settings)
        keeps_head = head_settings.get("num_classes") in (None, theirs.get("num_classes"))
        if not keeps_head:
            theirs.pop("class_names", None)
        head_settings = {**theirs, **head_settings}
    elif task in _TASKS_WITH_CLASSES and "num_classes" not in head_settings:
        raise ValueError(
            f"`num_classes` must be given for a {task} whose source has none (mpnet-convert: "
            "--num_classes). Received: none"
        )
    pretrained = dataclasses.replace(pretrained, settings={**pretrained.settings, **body_settings})
    has_preprocessor = "preprocessor" in head_settings
    preprocessor = head_settings.pop("preprocessor", None)
    model = make_task(task, body_cls(**pretrained.settings), **head_settings)
    preprocessor_cls = getattr(model, "preprocessor_cls", None)
    if preprocessor_cls is not None and not has_preprocessor:
        preprocessor = preprocessor_from(pretrained, preprocessor_cls)
    if preprocessor is not None:
        model.preprocessor = preprocessor
    if load_weights:
        if not keeps_head:
            body = {variable.path for variable in getattr(model, "backbone", model).weights}
            shared = {path: array for path, array in pretrained.weights.items() if path in body}
            pretrained = dataclasses.replace(pretrained, weights=shared)
        _set_weights(model, pretrained, warns=not expect_new_head)
    return model


def preprocessor_from(pretrained, preprocessor_cls, **arguments):
    """Makes the preprocessor for a model that a conversion read.

    Args:
        pretrained: `PretrainedModel`.
        preprocessor_cls: `TransformerTextPreprocessor` or a subclass of it.
        **arguments: arguments of this class in place of those that follow from the source.

    Returns:
        The preprocessor, or None where the source has no tokenizer.

    Raises:
        ValueError: if the class is of another body.
    """
    body_cls = BODIES[pretrained.body]
    if not issubclass(body_cls, preprocessor_cls.backbone_cls):
        raise ValueError(
            f"`preprocessor_cls` must be for a `{body_cls.__name__}`. "
            f"Received: {preprocessor_cls.__name__}"
        )
    if pretrained.tokenizer is None:
        return None
    embedder = pretrained.carried_embedder
    fitting = fitting_arguments(
        {**pretrained.settings, **body_cls.fixed_choices},
        pretrained.tokenizer,
        longest=embedder.get("max_sequence_length"),
    )
    prompt = (embedder.get("prompts") or {}).get(embedder.get("default_prompt_name"), "")
    tokenizer = tokenizer_of_body(pretrained.body, pretrained.tokenizer)
    return preprocessor_cls(tokenizer, **{**fitting, "prompt": prompt, **arguments})


def _set_weights(model, pretrained, *, warns):
    missing, differing = [], []
    for variable in model.weights:
        array = pretrained.weights.get(variable.path)
        if array is None:
            missing.append(variable.path)
        elif tuple(variable.shape) != array.shape:
            differing.append(
                f"{variable.path} has shape {array.shape} in the source and "
                f"{tuple(variable.shape)} in the model"
            )
    if differing:
        raise ValueError(
            f"The settings must not change the shapes of weights that are loaded: "
            f"{'; '.join(differing)}."
        )
    if missing and warns:
        logging.warning(
            "The source has no weights for %s; they are random until they are trained.",
            ", ".join(missing),
        )
    for variable in model.weights:
        if variable.path in pretrained.weights:
            variable.assign(pretrained.weights[variable.path].astype(variable.dtype))


def pretrained_from(model, tokenizer=None, **carried):
    """Describes a model for a converter that writes it.

    Args:
        model: what `mpnet_tf.models.make_task` returns.
        tokenizer: `TokenizerSettings`, as `TransformerTokenizer.settings` gives, or None.
        **carried: the `carried_` arguments of `PretrainedModel`.

    Returns:
        `PretrainedModel`.

    Raises:
        ValueError: if the model is of none of the tasks.
    """
    task, head_settings = task_of(model)
    backbone = model if task == "backbone" else model.backbone
    bodies = {body_cls: body for body, body_cls in BODIES.items()}
    settings = backbone.get_config()
    return PretrainedModel(
        body=bodies[type(backbone)],
        task=task,
        settings=settings,
        head_settings=head_settings,
        weights={variable.path: ops.convert_to_numpy(variable) for variable in model.weights},
        tokenizer=tokenizer,
        **carried,
    )
