"""MPNet as a masked language model."""

import keras

from mpnet_tf.models.masked_lm import TransformerMaskedLM
from mpnet_tf.models.mpnet_backbone import MPNetBackbone
from mpnet_tf.models.mpnet_text_preprocessor import MPNetTextPreprocessor


@keras.saving.register_keras_serializable(package="mpnet_tf")
class MPNetMaskedLM(TransformerMaskedLM):
    """An MPNet backbone and language-model head that predict masked tokens.

    Arguments, inputs and outputs are those of `TransformerMaskedLM`, with a `MPNetBackbone`.

    References:
        MPNet (https://arxiv.org/abs/2004.09297).
    """

    backbone_cls = MPNetBackbone
    preprocessor_cls = MPNetTextPreprocessor
