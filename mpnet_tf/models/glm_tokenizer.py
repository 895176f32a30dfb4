"""GLM's tokenizer, for the sizes that use BERT's vocabulary."""

import keras

from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.wordpiece_tokenizer import TransformerTokenizer


@keras.saving.register_keras_serializable(package="mpnet_tf")
class GLMTokenizer(TransformerTokenizer):
    """The tokenizer of a `GLMBackbone`.

    GLM's base and large sizes cut text as BERT does, and add to its vocabulary what blank infilling
    needs: `<|startofpiece|>`, `<|endofpiece|>`, `[gMASK]` and `[sMASK]`, those of which it holds.
    Arguments are those of `TransformerTokenizer`.

    Example:

    >>> tokenizer = GLMTokenizer(
    ...     ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "gl", "##m", "<|startofpiece|>"]
    ... )
    >>> tokenizer(["GLM [MASK]", "<|startofpiece|> GLM"]).to_list()
    [[5, 6, 4], [7, 5, 6]]

    References:
        - [Du et al., 2022](https://arxiv.org/abs/2103.10360), section 3.1 (vocabulary).
    """

    backbone_cls = GLMBackbone
