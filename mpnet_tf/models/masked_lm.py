"""A body as a masked language model: what fills blanks after pretraining."""

import keras
import keras_hub
from keras import ops

from mpnet_tf.layers.lm_head import LMHead
from mpnet_tf.models.mask_filling import MaskFilling
from mpnet_tf.models.pseudo_likelihood import PseudoLikelihood
from mpnet_tf.models.raw_text_task import RawTextTask
from mpnet_tf.models.transformer_backbone import TransformerBackbone, weight_initializer
from mpnet_tf.models.transformer_task import TransformerTask


def make_lm_head(backbone):
    """Makes a language-model head tied to a backbone's token embedding."""
    return LMHead(
        token_embedding=backbone.token_embedding,
        transform=backbone.lm_head_transform,
        layer_norm_epsilon=backbone.layer_norm_epsilon,
        kernel_initializer=weight_initializer(backbone.initializer_stddev),
        dtype=backbone.dtype_policy,
        name="lm_head",
    )


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TransformerMaskedLM(
    MaskFilling, PseudoLikelihood, TransformerTask, RawTextTask, keras_hub.models.MaskedLM
):
    """A backbone and language-model head that predict masked tokens.

    A mask here sees what a query of masked language modelling, and the query slot of MPNet's first
    prediction, see in pretraining (every other token and all masks), so the weights of both serve
    as they are.

    `fill_mask`, `fill`, `pseudo_log_likelihood` and `pseudo_perplexity` take raw text; `fit` and
    `predict` take rows.

    Args:
        backbone: `TransformerBackbone`, or in a subclass its `backbone_cls`.
        preprocessor: `TransformerTextPreprocessor`, or in a subclass its `preprocessor_cls`, for
            raw text; None to feed token ids. Default None.
        lm_head: `LMHead` tied to the backbone's token embedding, or None for a fresh one.

    Call arguments:
        token_ids, padding_mask: what the backbone takes, with `segment_ids` where it has them.
        mask_positions: int tensor `(batch_size, num_predictions)`. Places to predict.

    Returns:
        float32 tensor `(batch_size, num_predictions, vocabulary_size)`: logits.

    References:
        BERT (https://arxiv.org/abs/1810.04805), section 3.1.
    """

    backbone_cls = TransformerBackbone

    def __init__(self, backbone, preprocessor=None, lm_head=None, **kwargs):
        # === Layers ===
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.lm_head = make_lm_head(backbone) if lm_head is None else lm_head

        # === Functional model ===
        mask_positions = keras.Input(shape=(None,), dtype="int32", name="mask_positions")
        inputs = {**backbone.input, "mask_positions": mask_positions}
        hidden = ops.take_along_axis(
            backbone(backbone.input), ops.expand_dims(mask_positions, 2), axis=1
        )
        super().__init__(inputs=inputs, outputs=self.lm_head(hidden), **kwargs)

    def preprocess_samples(self, x, y=None, sample_weight=None):
        """Passes rows and labels on, as keras_hub asks for; what is to be masked is in them."""
        if not isinstance(x, dict):
            raise ValueError(
                "`x` must be a dict of token_ids, padding_mask and mask_positions. "
                f"Received: x={x!r}. For raw text call `fill_mask`, `fill` or "
                "`pseudo_log_likelihood`."
            )
        return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)
