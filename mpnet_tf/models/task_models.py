"""The tasks by name, and the models that do them on each body."""

from mpnet_tf.models.bert_question_answerer import BertQuestionAnswerer
from mpnet_tf.models.bert_text_classifier import BertTextClassifier
from mpnet_tf.models.bert_text_embedder import BertTextEmbedder
from mpnet_tf.models.bert_token_classifier import BertTokenClassifier
from mpnet_tf.models.bodies import BODIES, make_masked_lm
from mpnet_tf.models.glm_causal_lm import GLMCausalLM
from mpnet_tf.models.glm_cloze_classifier import GLMClozeClassifier
from mpnet_tf.models.glm_text_classifier import GLMTextClassifier
from mpnet_tf.models.masked_lm import TransformerMaskedLM
from mpnet_tf.models.mpnet_question_answerer import MPNetQuestionAnswerer
from mpnet_tf.models.mpnet_text_classifier import MPNetTextClassifier
from mpnet_tf.models.mpnet_text_embedder import MPNetTextEmbedder
from mpnet_tf.models.mpnet_token_classifier import MPNetTokenClassifier
from mpnet_tf.models.question_answerer import TransformerQuestionAnswerer
from mpnet_tf.models.text_classifier import TransformerTextClassifier
from mpnet_tf.models.text_embedder import TransformerTextEmbedder
from mpnet_tf.models.token_classifier import TransformerTokenClassifier
from mpnet_tf.models.transformer_backbone import TransformerBackbone

# The base class of each task with a head of its own, and what serves which body.
_HEADS = {
    TransformerTextClassifier: (MPNetTextClassifier, BertTextClassifier, GLMTextClassifier),
    TransformerTokenClassifier: (MPNetTokenClassifier, BertTokenClassifier),
    TransformerQuestionAnswerer: (MPNetQuestionAnswerer, BertQuestionAnswerer),
    TransformerTextEmbedder: (MPNetTextEmbedder, BertTextEmbedder),
}
_TASK_CLASSES = {
    "backbone": TransformerBackbone,
    "masked_lm": TransformerMaskedLM,
    "text_classifier": TransformerTextClassifier,
    "token_classifier": TransformerTokenClassifier,
    "question_answering": TransformerQuestionAnswerer,
    "text_embedder": TransformerTextEmbedder,
}
TASKS = tuple(_TASK_CLASSES)


def make_task(task, backbone, **head_settings):
    """Makes the model of a task on a body.

    Args:
        task: str. One of `TASKS`.
        backbone: `TransformerBackbone`.
        **head_settings: what the task's class takes besides: `num_classes`, `activation` and
            `dropout` for "text_classifier"; `num_classes` and `dropout` for "token_classifier";
            `pooling`, `dense_dim`, `dense_activation`, `dense_use_bias` and `normalize` for
            "text_embedder"; nothing for the others.

    Returns:
        The model, of the body's own class; for "backbone" the backbone itself.

    Raises:
        ValueError: if there is no such task, the body has no class for it, or a setting is out of
            its range.
        TypeError: if a setting is missing or none of the task's.

    Example:

    ```python
    model = make_task("text_classifier", make_backbone("mpnet", 30527), num_classes=2)
    task_of(model)  # ("text_classifier", {"num_classes": 2, "activation": "linear", ...})
    ```
    """
    if task not in _TASK_CLASSES:
        raise ValueError(f"`task` must be one of {', '.join(TASKS)}. Received: task={task!r}")
    base = _TASK_CLASSES[task]
    if base in _HEADS:
        return _class_of_body(task, type(backbone))(backbone, **head_settings)
    if head_settings:
        raise TypeError(
            f"`head_settings` must be empty for the task {task!r}. "
            f"Received: head_settings={head_settings}"
        )
    return backbone if task == "backbone" else make_masked_lm(backbone)


def _class_of_body(task, backbone_cls):
    base = _TASK_CLASSES[task]
    classes = {cls.backbone_cls: cls for cls in (*_HEADS[base], base)}
    if backbone_cls not in classes:
        bodies = [body for body, cls in BODIES.items() if cls in classes]
        raise ValueError(
            f"`backbone` must be of a body that has the task {task!r}: {', '.join(bodies)}. "
            f"Received: a {backbone_cls.__name__}"
        )
    return classes[backbone_cls]


def task_of_class(model_cls):
    """Tells the task that a class of models does.

    Args:
        model_cls: class of what `make_task` returns, or a base of such; or `GLMCausalLM` or
            `GLMClozeClassifier`, which have all that a masked language model has.

    Returns:
        str, one of `TASKS`.

    Raises:
        ValueError: if it is of none of the tasks.
    """
    if issubclass(model_cls, (GLMCausalLM, GLMClozeClassifier)):
        return "masked_lm"
    for task, base in _TASK_CLASSES.items():
        if issubclass(model_cls, base):
            return task
    raise ValueError(
        f"`model_cls` must be a class of one of the tasks {', '.join(TASKS)}. "
        f"Received: {model_cls.__name__}"
    )


def task_of(model):
    """Tells what `make_task` was given to make a model.

    Args:
        model: what `make_task` returns, a `GLMCausalLM`, or a `GLMClozeClassifier`.

    Returns:
        str, one of `TASKS`, and a dict of all settings of the head.

    Raises:
        ValueError: if the model is of none of the tasks.
    """
    task = task_of_class(type(model))
    return task, model.head_settings if _TASK_CLASSES[task] in _HEADS else {}
