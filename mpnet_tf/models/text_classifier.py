"""A body that tells the class of a text."""

import keras
import keras_hub

from mpnet_tf.models.argument_checks import check_dropout, positive_integer
from mpnet_tf.models.named_classes import NamedClasses, check_class_ids, checked_class_names
from mpnet_tf.models.raw_text_task import RawTextTask
from mpnet_tf.models.transformer_task import TransformerTask, make_head_dense, make_head_dropout


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TransformerTextClassifier(
    TransformerTask, RawTextTask, NamedClasses, keras_hub.models.TextClassifier
):
    """A backbone and a head on each text's first token.

    The head is dropout, a dense layer with tanh, dropout and a linear layer, as in RoBERTa.

    Args:
        backbone: `TransformerBackbone`, or in a subclass its `backbone_cls`.
        num_classes: int. Classes; 1 for a regression.
        preprocessor: `TransformerTextPreprocessor`, or in a subclass its `preprocessor_cls`, for
            raw text in `fit`, `evaluate` and `predict`; None to feed token ids. Default None.
        activation: activation of the outputs, a name or a callable. Default None: logits.
        dropout: float in [0, 1). Dropped share of the head's inputs in training. Default 0.1.
        class_names: sequence of str, or None. What the classes are called, in the order of their
            ids; kept with the model. Default None.

    Call arguments:
        token_ids, padding_mask: what the backbone takes, with `segment_ids` where it has them.

    Returns:
        float32 tensor `(batch_size, num_classes)`.

    Raises:
        ValueError: if `num_classes` is no positive integer, `dropout` is out of its range, or the
            names are not as many as the classes.

    References:
        [RoBERTa](https://arxiv.org/abs/1907.11692), the classification head of its released code;
        [BERT](https://arxiv.org/abs/1810.04805), section 4.1.
    """

    # Whether dropout also comes before the dense layer.
    drops_first_token = True

    def __init__(
        self,
        backbone,
        num_classes,
        preprocessor=None,
        activation=None,
        dropout=0.1,
        class_names=None,
        **kwargs,
    ):
        num_classes = positive_integer("num_classes", num_classes)
        check_dropout(dropout)
        class_names = checked_class_names(class_names, num_classes)
        activation = keras.activations.get(activation)
        # === Layers ===
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.head_dropout = make_head_dropout(backbone, dropout)
        self.pooled_dense = make_head_dense(
            backbone,
            backbone.hidden_dim,
            activation="tanh",
            dtype=backbone.dtype_policy,
            name="pooled_dense",
        )
        self.output_dense = make_head_dense(
            backbone, num_classes, activation=activation, name="logits"
        )

        # === Functional model ===
        # (batch_size, hidden_dim)
        first = backbone(backbone.input)[:, 0]
        if self.drops_first_token:
            first = self.head_dropout(first)
        pooled = self.head_dropout(self.pooled_dense(first))
        super().__init__(inputs=backbone.input, outputs=self.output_dense(pooled), **kwargs)

        # === Config ===
        self.num_classes = num_classes
        self.activation = activation
        self.dropout = dropout
        self.class_names = class_names

    def check_labels(self, labels):
        """Checks that labels that are no vectors are ids of the classes.

        Args:
            labels: array `(num_texts,)` of class ids, or anything else for another loss.

        Raises:
            ValueError: if one is no id of a class.
        """
        if self.num_classes > 1:
            check_class_ids(labels, self.num_classes, self.class_names)

    @property
    def head_settings(self):
        return {
            "num_classes": self.num_classes,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout,
            "class_names": self.class_names,
        }
