"""Raw text into the inputs of a body after XLNet's."""

import keras

from mpnet_tf.models.text_preprocessor import TransformerTextPreprocessor
from mpnet_tf.models.xlnet_style_backbone import XLNetStyleBackbone


@keras.saving.register_keras_serializable(package="mpnet_tf")
class XLNetStyleTextPreprocessor(TransformerTextPreprocessor):
    """Turns texts, or pairs of texts, into what an `XLNetStyleBackbone` takes.

    Arguments and outputs are those of `TransformerTextPreprocessor`.

    References:
        [XLNet](https://arxiv.org/abs/1906.08237).
    """

    backbone_cls = XLNetStyleBackbone
