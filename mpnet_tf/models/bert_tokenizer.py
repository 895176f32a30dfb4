"""BERT's tokenizer."""

import keras

from mpnet_tf.models.bert_backbone import BertBackbone
from mpnet_tf.models.wordpiece_tokenizer import TransformerTokenizer


@keras.saving.register_keras_serializable(package="mpnet_tf")
class BertTokenizer(TransformerTokenizer):
    """The tokenizer of a `BertBackbone`.

    The ids are those of Hugging Face's `BertTokenizerFast` without its template: the layer adds no
    `[CLS]` and `[SEP]`, as `TextPacker` does. Arguments are those of `TransformerTokenizer`.

    Example:

    >>> tokenizer = BertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "be", "##rt"])
    >>> tokenizer(["BERT", "be [MASK]"]).to_list()
    [[5, 6], [5, 4]]

    References:
        - [Devlin et al., 2018](https://arxiv.org/abs/1810.04805), section 3 (input).
    """

    backbone_cls = BertBackbone
