"""How a model is fine-tuned."""

import dataclasses

from mpnet_tf.training.setting_rules import require, require_choice

CLASS_WEIGHTS = ("none", "balanced")
KEPT_EPOCHS = ("last", "best")


@dataclasses.dataclass(frozen=True)
class FinetuningSettings:
    """The settings of a fine-tuning run; the defaults are near those of MPNet's paper for GLUE.

    Args:
        learning_rate: float. The highest, of the head.
        layer_decay: float in (0, 1]. Multiplies the learning rate from each layer to the next lower
            one, as `layer_rates` has it; 1 for one rate for all.
        epochs: int. Times that each example is seen.
        batch_size: int.
        warmup_share: float in [0, 1). Share of the steps over which the learning rate rises; it
            falls linearly to 0 over the rest.
        weight_decay: float. Of all weights but biases and those of layer norms.
        global_clipnorm: float. Bound on the norm of all gradients together; 0 for none.
        dropout: float in [0, 1). Of the body and the head.
        sequence_length: int or None. Most tokens of an example; None for what the model says.
        class_weights: "none", or "balanced" to give each class the same weight in the loss.
        keep: "last", or "best" for the weights of the epoch with the best headline metric.

    Raises:
        ValueError: if a setting is out of its range.

    References:
        [MPNet](https://arxiv.org/abs/2004.09297), appendix A.
    """

    learning_rate: float = 2e-5
    layer_decay: float = 1.0
    epochs: int = 3
    batch_size: int = 32
    warmup_share: float = 0.06
    weight_decay: float = 0.01
    global_clipnorm: float = 1.0
    dropout: float = 0.1
    sequence_length: int | None = None
    class_weights: str = "none"
    keep: str = "last"

    def __post_init__(self):
        require(
            self.learning_rate > 0,
            "`learning_rate` must be positive",
            learning_rate=self.learning_rate,
        )
        require(
            0 < self.layer_decay <= 1,
            "`layer_decay` must be above 0 and at most 1",
            layer_decay=self.layer_decay,
        )
        for name in ("epochs", "batch_size"):
            require(
                getattr(self, name) >= 1,
                f"`{name}` must be positive",
                **{name: getattr(self, name)},
            )
        for name in ("warmup_share", "dropout"):
            value = getattr(self, name)
            require(0 <= value < 1, f"`{name}` must be at least 0 and below 1", **{name: value})
        for name in ("weight_decay", "global_clipnorm"):
            value = getattr(self, name)
            require(value >= 0, f"`{name}` must not be negative", **{name: value})
        require_choice("class_weights", self.class_weights, CLASS_WEIGHTS)
        require_choice("keep", self.keep, KEPT_EPOCHS)
