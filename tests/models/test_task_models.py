"""Tasks by name."""

import keras
import keras_hub
import pytest

from mpnet_tf.models import (
    TASKS,
    BertMaskedLM,
    BertQuestionAnswerer,
    BertTextClassifier,
    BertTextEmbedder,
    BertTokenClassifier,
    MPNetMaskedLM,
    MPNetQuestionAnswerer,
    MPNetTextClassifier,
    MPNetTextEmbedder,
    MPNetTokenClassifier,
    TransformerBackbone,
    TransformerQuestionAnswerer,
    TransformerTextClassifier,
    TransformerTextEmbedder,
    TransformerTokenClassifier,
    make_backbone,
    make_task,
    task_of,
)
from mpnet_tf.models.task_models import task_of_class
from tests.models.small_models import BODY_NAMES, small_backbone

HEAD_CLASSES = {
    "text_classifier": (MPNetTextClassifier, BertTextClassifier, TransformerTextClassifier),
    "token_classifier": (MPNetTokenClassifier, BertTokenClassifier, TransformerTokenClassifier),
    "question_answering": (
        MPNetQuestionAnswerer,
        BertQuestionAnswerer,
        TransformerQuestionAnswerer,
    ),
    "text_embedder": (MPNetTextEmbedder, BertTextEmbedder, TransformerTextEmbedder),
}
SETTINGS = {
    "text_classifier": {
        "num_classes": 3,
        "activation": "softmax",
        "dropout": 0.2,
        "class_names": ("bad", "so so", "good"),
    },
    "token_classifier": {"num_classes": 4, "dropout": 0.0, "class_names": None},
    "text_embedder": {
        "pooling": "cls",
        "dense_dim": 7,
        "dense_activation": "tanh",
        "dense_use_bias": False,
        "normalize": False,
    },
}

each_head = pytest.mark.parametrize("task", HEAD_CLASSES)


def own_body():
    """A body that nobody published."""
    sizes = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 12}
    return TransformerBackbone(50, **sizes, max_sequence_length=20, num_segments=3)


def test_the_tasks():
    assert TASKS == (
        "backbone",
        "masked_lm",
        "text_classifier",
        "token_classifier",
        "question_answering",
        "text_embedder",
    )


@each_head
def test_each_body_gets_its_own_class_and_the_way_back_tells_all(task):
    settings = SETTINGS.get(task, {})
    backbones = (*(small_backbone(body, num_layers=1) for body in ("mpnet", "bert")), own_body())
    for backbone, cls in zip(backbones, HEAD_CLASSES[task], strict=True):
        model = make_task(task, backbone, **settings)
        assert type(model) is cls and model.backbone is backbone
        assert task_of(model) == (task, settings)
        assert cls.backbone_cls is type(backbone)
        assert task_of_class(cls) == task
        name = f"mpnet_tf>{cls.__name__}"
        assert keras.saving.get_registered_name(cls) == name


@pytest.mark.parametrize(("body", "cls"), [("mpnet", MPNetMaskedLM), ("bert", BertMaskedLM)])
def test_the_tasks_without_settings(body, cls):
    backbone = small_backbone(body, num_layers=1)
    assert make_task("backbone", backbone) is backbone
    assert task_of(backbone) == ("backbone", {})
    masked_lm = make_task("masked_lm", backbone)
    assert type(masked_lm) is cls and masked_lm.backbone is backbone
    assert task_of(masked_lm) == ("masked_lm", {})
    for task in ("backbone", "masked_lm"):
        with pytest.raises(
            TypeError, match=f"must be empty for the task '{task}'.*'num_classes': 2"
        ):
            make_task(task, backbone, num_classes=2)


@each_head
def test_bodies_without_a_task_are_refused_with_those_that_have_it(task):
    having = ["mpnet", "bert", *(["glm"] if task == "text_classifier" else [])]
    for body in set(BODY_NAMES) - set(having):
        backbone = small_backbone(body, num_layers=1)
        with pytest.raises(
            ValueError,
            match=f"has the task '{task}': {', '.join(having)}. "
            f"Received: a {type(backbone).__name__}",
        ):
            make_task(task, backbone, **SETTINGS.get(task, {}))


def test_unknown_tasks_settings_and_models_are_refused():
    backbone = make_backbone("mpnet", 10, num_layers=1, num_heads=1, hidden_dim=4)
    with pytest.raises(ValueError, match=r"`task` must be one of backbone, .*task='translate'"):
        make_task("translate", backbone)
    with pytest.raises(TypeError, match="num_classes"):
        make_task("question_answering", backbone, num_classes=2)
    with pytest.raises(TypeError, match="num_classes"):
        make_task("text_classifier", backbone)
    for look_up, value in ((task_of, keras.layers.Dense(1)), (task_of_class, keras.layers.Dense)):
        with pytest.raises(ValueError, match=r"must be a class of one of.*Received: Dense"):
            look_up(value)


def test_a_preprocessor_goes_with_the_preset(tmp_path):
    backbone = small_backbone("bert", num_layers=1)
    preprocessor = keras.layers.Identity(name="mine")
    model = BertTextClassifier(backbone, num_classes=2, preprocessor=preprocessor)
    model.save_to_preset(str(tmp_path))
    restored = BertTextClassifier.from_preset(str(tmp_path))
    assert restored.preprocessor.name == "mine"
    assert BertTextClassifier.from_preset(str(tmp_path), preprocessor=None).preprocessor is None


def test_errors_in_saving_are_told(monkeypatch, tmp_path):
    def fail(*args, **kwargs):
        return tmp_path.nothing

    monkeypatch.setattr(keras_hub.models.Task, "save_to_preset", fail)
    model = make_task("question_answering", small_backbone("mpnet", num_layers=1))
    with pytest.raises(AttributeError, match="nothing"):
        model.save_to_preset(str(tmp_path))
