"""MPNet's tokenizer."""

import keras

from mpnet_tf.models.mpnet_backbone import MPNetBackbone
from mpnet_tf.models.wordpiece_tokenizer import TransformerTokenizer


@keras.saving.register_keras_serializable(package="mpnet_tf")
class MPNetTokenizer(TransformerTokenizer):
    """The tokenizer of an `MPNetBackbone`.

    The ids are those of Hugging Face's `MPNetTokenizerFast` without its template: the layer adds no
    `<s>` and `</s>`, as `TextPacker` does. Arguments are those of `TransformerTokenizer`.

    Example:

    >>> tokenizer = MPNetTokenizer(["<s>", "<pad>", "</s>", "[UNK]", "mp", "##net", "<mask>"])
    >>> tokenizer(["MPNet", "mp <mask>"]).to_list()
    [[4, 5], [4, 6]]

    References:
        - [Song et al., 2020](https://arxiv.org/abs/2004.09297), section 3.1 (vocabulary).
    """

    backbone_cls = MPNetBackbone
