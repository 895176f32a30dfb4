"""A body that tells the class of every token of a text."""

import keras
import keras_hub

from mpnet_tf.models.argument_checks import check_dropout, positive_integer
from mpnet_tf.models.transformer_task import TransformerTask, make_head_dense, make_head_dropout


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TransformerTokenClassifier(TransformerTask, keras_hub.models.Task):
    """A backbone, dropout and a linear layer on every token.

    Args:
        backbone: `TransformerBackbone`, or in a subclass its `backbone_cls`.
        num_classes: int. Classes.
        preprocessor: preprocessing layer, or None to feed token ids.
        dropout: float in [0, 1). Dropped share of the head's inputs in training. Default 0.1.

    Call arguments:
        token_ids, padding_mask: what the backbone takes, with `segment_ids` where it has them.

    Returns:
        float32 tensor `(batch_size, sequence_length, num_classes)`: logits. Those of padding mean
        nothing: give padding a sample weight of 0.

    Raises:
        ValueError: if `num_classes` is no positive integer or `dropout` is out of its range.

    References:
        [BERT](https://arxiv.org/abs/1810.04805), section 5.3.
    """

    def __init__(self, backbone, num_classes, preprocessor=None, dropout=0.1, **kwargs):
        num_classes = positive_integer("num_classes", num_classes)
        check_dropout(dropout)
        # === Layers ===
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.head_dropout = make_head_dropout(backbone, dropout)
        self.output_dense = make_head_dense(backbone, num_classes, name="logits")

        # === Functional model ===
        hidden = self.head_dropout(backbone(backbone.input))
        super().__init__(inputs=backbone.input, outputs=self.output_dense(hidden), **kwargs)

        # === Config ===
        self.num_classes = num_classes
        self.dropout = dropout

    @property
    def head_settings(self):
        return {"num_classes": self.num_classes, "dropout": self.dropout}
