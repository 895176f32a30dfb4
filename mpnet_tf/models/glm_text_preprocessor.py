"""Raw text into the inputs of GLM's encoder."""

import keras

from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.glm_tokenizer import GLMTokenizer
from mpnet_tf.models.text_preprocessor import TransformerTextPreprocessor


@keras.saving.register_keras_serializable(package="mpnet_tf")
class GLMTextPreprocessor(TransformerTextPreprocessor):
    """Turns texts, or pairs of texts, into what a `GLMBackbone` takes.

    Arguments and outputs are those of `TransformerTextPreprocessor`, with a `GLMTokenizer` or a
    tokenizer of GLM's larger sizes. `GLMCausalLMPreprocessor` is for texts with blanks to write in.

    References:
        [GLM](https://arxiv.org/abs/2103.10360).
    """

    backbone_cls = GLMBackbone
    tokenizer_cls = GLMTokenizer
