"""MPNet as a masked language model: what fills blanks after pretraining."""

import keras
import keras_hub
from keras import ops

from mpnet_tf.layers.lm_head import LMHead
from mpnet_tf.models.mpnet_backbone import MPNetBackbone, mpnet_initializer


def mpnet_lm_head(backbone):
    """Makes a language-model head tied to a backbone's token embedding."""
    return LMHead(
        token_embedding=backbone.token_embedding,
        layer_norm_epsilon=backbone.layer_norm_epsilon,
        kernel_initializer=mpnet_initializer(backbone.initializer_stddev),
        dtype=backbone.dtype_policy,
        name="lm_head",
    )


@keras.saving.register_keras_serializable(package="mpnet_tf")
class MPNetMaskedLM(keras_hub.models.MaskedLM):
    """An MPNet backbone and language-model head that predict masked tokens.

    A mask here sees what the query slot of a first prediction sees in pretraining (every other
    token and all masks), so the pretrained weights serve as they are.

    Args:
        backbone: `MPNetBackbone`.
        preprocessor: preprocessing layer, or None to feed token ids.
        lm_head: `LMHead` tied to the backbone's token embedding, or None for a fresh one.

    Call arguments:
        token_ids: int tensor `(batch_size, sequence_length)`.
        padding_mask: int tensor `(batch_size, sequence_length)`: 1 for a real token.
        mask_positions: int tensor `(batch_size, num_predictions)`. Places to predict.

    Returns:
        float32 tensor `(batch_size, num_predictions, vocabulary_size)`: logits.

    References:
        MPNet (https://arxiv.org/abs/2004.09297).
    """

    backbone_cls = MPNetBackbone

    def __init__(self, backbone, preprocessor=None, lm_head=None, **kwargs):
        # === Layers ===
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.lm_head = mpnet_lm_head(backbone) if lm_head is None else lm_head

        # === Functional model ===
        mask_positions = keras.Input(shape=(None,), dtype="int32", name="mask_positions")
        inputs = {**backbone.input, "mask_positions": mask_positions}
        hidden = ops.take_along_axis(
            backbone(backbone.input), ops.expand_dims(mask_positions, 2), axis=1
        )
        super().__init__(inputs=inputs, outputs=self.lm_head(hidden), **kwargs)

    def save_to_preset(self, preset_dir, max_shard_size=10):
        """Saves the task to a preset directory.

        Args:
            preset_dir: str. The directory.
            max_shard_size: int or float. Largest weights file in GB; None for no limit.
        """
        try:
            super().save_to_preset(preset_dir, max_shard_size=max_shard_size)
        except AttributeError:
            # keras_hub 0.25, the newest for Python 3.10, fails for want of a preprocessor when
            # all else is saved.
            if self.preprocessor is not None:
                raise
