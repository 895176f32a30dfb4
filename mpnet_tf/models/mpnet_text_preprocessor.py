"""Raw text into the inputs of MPNet."""

import keras

from mpnet_tf.models.mpnet_backbone import MPNetBackbone
from mpnet_tf.models.mpnet_tokenizer import MPNetTokenizer
from mpnet_tf.models.text_preprocessor import TransformerTextPreprocessor


@keras.saving.register_keras_serializable(package="mpnet_tf")
class MPNetTextPreprocessor(TransformerTextPreprocessor):
    """Turns texts, or pairs of texts, into what an `MPNetBackbone` takes.

    Arguments and outputs are those of `TransformerTextPreprocessor`, with a `MPNetTokenizer`.

    Example:

    >>> tokenizer = MPNetTokenizer(["<s>", "<pad>", "</s>", "[UNK]", "mp", "##net", "<mask>"])
    >>> MPNetTextPreprocessor(tokenizer, sequence_length=5)(["MPNet"])["token_ids"].numpy().tolist()
    [[0, 4, 5, 2, 1]]

    References:
        [MPNet](https://arxiv.org/abs/2004.09297).
    """

    backbone_cls = MPNetBackbone
    tokenizer_cls = MPNetTokenizer
