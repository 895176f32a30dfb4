"""A body that finds the answer to a question in a text."""

import keras
import keras_hub

from mpnet_tf.models.transformer_task import TransformerTask, make_head_dense


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TransformerQuestionAnswering(TransformerTask, keras_hub.models.Task):
    """A backbone and a linear layer that scores each token as an answer's first and as its last.

    Args:
        backbone: `TransformerBackbone`, or in a subclass its `backbone_cls`.
        preprocessor: preprocessing layer, or None to feed token ids.

    Call arguments:
        token_ids, padding_mask: what the backbone takes, with `segment_ids` where it has them.

    Returns:
        A dict of float32 tensors `(batch_size, sequence_length)`, `start_logits` and `end_logits`.
        Padding has logits as well, as in `transformers`: leave it out when you look for the
        highest.

    References:
        [BERT](https://arxiv.org/abs/1810.04805), section 4.2.
    """

    def __init__(self, backbone, preprocessor=None, **kwargs):
        # === Layers ===
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.output_dense = make_head_dense(backbone, 2, name="logits")

        # === Functional model ===
        # (batch_size, sequence_length, 2)
        logits = self.output_dense(backbone(backbone.input))
        outputs = {"start_logits": logits[:, :, 0], "end_logits": logits[:, :, 1]}
        super().__init__(inputs=backbone.input, outputs=outputs, **kwargs)
