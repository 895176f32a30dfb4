"""Raw text into the inputs of BERT."""

import keras

from mpnet_tf.models.bert_backbone import BertBackbone
from mpnet_tf.models.bert_tokenizer import BertTokenizer
from mpnet_tf.models.text_preprocessor import TransformerTextPreprocessor


@keras.saving.register_keras_serializable(package="mpnet_tf")
class BertTextPreprocessor(TransformerTextPreprocessor):
    """Turns texts, or pairs of texts, into what a `BertBackbone` takes.

    Arguments and outputs are those of `TransformerTextPreprocessor`, with a `BertTokenizer`.

    Example:

    >>> tokenizer = BertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "be", "##rt"])
    >>> preprocessor = BertTextPreprocessor(tokenizer, sequence_length=7)
    >>> preprocessor((["BERT"], ["be"]))["segment_ids"].numpy().tolist()
    [[0, 0, 0, 0, 1, 1, 0]]

    References:
        [BERT](https://arxiv.org/abs/1810.04805), section 3 (input).
    """

    backbone_cls = BertBackbone
    tokenizer_cls = BertTokenizer
