"""What a converter must know of a model family that another library has too."""

import abc
import dataclasses
from collections.abc import Callable, Mapping

from mpnet_tf.conversion.weight_rules import dense, norm, table

# Hugging Face's names of what `TransformerBackbone` takes.
_SETTINGS = {
    "vocab_size": "vocabulary_size",
    "num_hidden_layers": "num_layers",
    "num_attention_heads": "num_heads",
    "hidden_size": "hidden_dim",
    "intermediate_size": "intermediate_dim",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
    "layer_norm_eps": "layer_norm_epsilon",
    "initializer_range": "initializer_stddev",
}


@dataclasses.dataclass(frozen=True)
class Head:
    """What a task adds to a body, in Hugging Face's library and here.

    Args:
        class_name: str. The class in `transformers`.
        rules: function of the body's settings and the head's that returns the `WeightRule`s of
            the head.
        body_prefix: str. What the names of the body's tensors begin with.
        copies: mapping from tensors that repeat others to those.
        carried: tuple of str. Tensors that the checkpoint may hold and the task has no use for;
            they are kept for the way back. `PREFIX.` stands for all that begin so.
    """

    class_name: str
    rules: Callable
    body_prefix: str
    copies: Mapping[str, str] = dataclasses.field(default_factory=dict)
    carried: tuple[str, ...] = ()

    def is_carried(self, name):
        """Whether a tensor is kept without use."""
        return any(
            name.startswith(one) if one.endswith(".") else name == one for one in self.carried
        )


class Architecture(abc.ABC):
    """A model family: its settings, the names of its tensors, and its heads.

    Attributes:
        model_type: str. As in Hugging Face's `config.json`.
        body: str. The body's name in `mpnet_tf.models.BODIES`.
        heads: mapping from tasks to `Head`: "backbone", "masked_lm", "text_classifier",
            "token_classifier", "question_answering".
    """

    model_type: str
    body: str
    heads: Mapping[str, Head]
    # Rows of the position table before the first position's.
    position_offset = 0
    default_epsilon = 1e-12

    def task_of_class(self, class_name):
        """Returns the task of a class of `transformers`, or None."""
        return next(
            (task for task, head in self.heads.items() if head.class_name == class_name), None
        )

    def settings(self, config):
        """Returns what `TransformerBackbone` takes, given the contents of a `config.json`.

        Raises:
            ValueError: if the model computes something that the body does not.
        """
        self._check_config(config)
        defaults = {"layer_norm_eps": self.default_epsilon, "initializer_range": 0.02}
        missing = [name for name in _SETTINGS if name not in config and name not in defaults]
        missing += [name for name in ("max_position_embeddings",) if name not in config]
        if missing:
            raise ValueError(f"config.json lacks {', '.join(missing)}")
        settings = {ours: config.get(name, defaults.get(name)) for name, ours in _SETTINGS.items()}
        settings["max_sequence_length"] = config["max_position_embeddings"] - self.position_offset
        return settings

    def _check_config(self, config):
        wanted = {"hidden_act": ("gelu",), "tie_word_embeddings": (True,)}
        for name, allowed in wanted.items():
            value = config.get(name, allowed[0])
            if value not in allowed:
                raise ValueError(
                    f"config.json has {name}={value!r}, where {' or '.join(map(repr, allowed))} "
                    "can be converted"
                )

    def config(self, settings):
        """Returns the entries of a `config.json`, given the settings of a body."""
        return {
            "model_type": self.model_type,
            **{name: settings[ours] for name, ours in _SETTINGS.items()},
            "max_position_embeddings": settings["max_sequence_length"] + self.position_offset,
            "hidden_act": "gelu",
        }

    def rules(self, task, settings, head_settings):
        """Returns the `WeightRule`s of a whole model.

        Args:
            task: str. One of `heads`.
            settings: dict. The settings of the body.
            head_settings: dict. Those of the head.
        """
        head = self.heads[task]
        return [
            *self._body_rules(head.body_prefix, settings),
            *head.rules(settings, head_settings),
        ]

    def _body_rules(self, prefix, settings):
        width = settings["hidden_dim"]
        positions = settings["max_sequence_length"] + self.position_offset
        embeddings = f"{prefix}embeddings"
        rules = [
            *table(
                "embeddings/token_embedding/embeddings",
                f"{embeddings}.word_embeddings.weight",
                (settings["vocabulary_size"], width),
            ),
            *table(
                "embeddings/position_embedding/embeddings",
                f"{embeddings}.position_embeddings.weight",
                (positions, width),
            ),
            *norm("embeddings/norm", f"{embeddings}.LayerNorm", width),
            *self._own_rules(prefix, settings),
        ]
        for index in range(settings["num_layers"]):
            ours, theirs = f"transformer_layer_{index}", f"{prefix}encoder.layer.{index}"
            rules += self._attention_rules(ours, theirs, width)
            rules += dense(
                {f"{ours}/intermediate": settings["intermediate_dim"]},
                {f"{theirs}.intermediate.dense": settings["intermediate_dim"]},
                width,
            )
            rules += dense(
                {f"{ours}/feedforward_output": width},
                {f"{theirs}.output.dense": width},
                settings["intermediate_dim"],
            )
            rules += norm(f"{ours}/feedforward_norm", f"{theirs}.output.LayerNorm", width)
        return rules

    @abc.abstractmethod
    def _own_rules(self, prefix, settings):
        """Returns the rules of what this family alone has besides its layers."""

    def _attention_rules(self, ours, theirs, width):
        names = self._attention_names(theirs)
        return [
            *dense({f"{ours}/attention/query": width}, {names["query"]: width}, width),
            *dense(
                {f"{ours}/attention/key_value": 2 * width},
                {names["key"]: width, names["value"]: width},
                width,
            ),
            *dense({f"{ours}/attention/output_projection": width}, {names["output"]: width}, width),
            *norm(f"{ours}/attention_norm", names["norm"], width),
        ]

    @abc.abstractmethod
    def _attention_names(self, layer):
        """Returns the names of a layer's `query`, `key`, `value`, `output` and `norm`."""


def no_rules(settings, head_settings):
    """Returns the rules of a body without a head: none."""
    del settings, head_settings
    return []


def lm_head_rules(dense_name, norm_name, bias_name):
    """Makes the function that returns the rules of a language-model head, by its tensors' names."""

    def rules(settings, head_settings):
        del head_settings
        width = settings["hidden_dim"]
        return [
            *dense({"lm_head/dense": width}, {dense_name: width}, width),
            *norm("lm_head/norm", norm_name, width),
            *table("lm_head/bias", bias_name, (settings["vocabulary_size"],)),
        ]

    return rules


def projection_rules(name, num_outputs=None):
    """Makes the function that returns the rules of a linear layer, by its tensors' name.

    Args:
        name: str.
        num_outputs: int or None for the number of classes.
    """

    def rules(settings, head_settings):
        outputs = head_settings["num_classes"] if num_outputs is None else num_outputs
        return dense({"logits": outputs}, {name: outputs}, settings["hidden_dim"])

    return rules


def common_heads(name, prefix):
    """Returns the heads that are alike in all families, by task.

    Args:
        name: str. What the names of the classes in `transformers` begin with.
        prefix: str. What the names of the body's tensors begin with under a head.
    """
    pooler = (f"{prefix}pooler.",)
    return {
        "backbone": Head(f"{name}Model", no_rules, body_prefix="", carried=("pooler.",)),
        "token_classifier": Head(
            f"{name}ForTokenClassification",
            projection_rules("classifier"),
            body_prefix=prefix,
            carried=pooler,
        ),
        "question_answering": Head(
            f"{name}ForQuestionAnswering",
            projection_rules("qa_outputs", 2),
            body_prefix=prefix,
            carried=pooler,
        ),
    }
