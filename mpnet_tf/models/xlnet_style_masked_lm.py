"""A body after XLNet's as a masked language model."""

import keras

from mpnet_tf.models.masked_lm import TransformerMaskedLM
from mpnet_tf.models.xlnet_style_backbone import XLNetStyleBackbone
from mpnet_tf.models.xlnet_style_text_preprocessor import XLNetStyleTextPreprocessor


@keras.saving.register_keras_serializable(package="mpnet_tf")
class XLNetStyleMaskedLM(TransformerMaskedLM):
    """An XLNet-style backbone and language-model head that predict masked tokens.

    Arguments, inputs and outputs are those of `TransformerMaskedLM`, with a `XLNetStyleBackbone`.

    References:
        XLNet (https://arxiv.org/abs/1906.08237).
    """

    backbone_cls = XLNetStyleBackbone
    preprocessor_cls = XLNetStyleTextPreprocessor
