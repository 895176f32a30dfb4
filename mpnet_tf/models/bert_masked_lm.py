"""BERT as a masked language model."""

import keras

from mpnet_tf.models.bert_backbone import BertBackbone
from mpnet_tf.models.bert_text_preprocessor import BertTextPreprocessor
from mpnet_tf.models.masked_lm import TransformerMaskedLM


@keras.saving.register_keras_serializable(package="mpnet_tf")
class BertMaskedLM(TransformerMaskedLM):
    """A BERT backbone and language-model head that predict masked tokens.

    Arguments, inputs and outputs are those of `TransformerMaskedLM`, with a `BertBackbone`.

    References:
        BERT (https://arxiv.org/abs/1810.04805).
    """

    backbone_cls = BertBackbone
    preprocessor_cls = BertTextPreprocessor
