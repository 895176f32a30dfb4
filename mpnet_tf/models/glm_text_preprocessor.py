"""Raw text into the inputs of GLM."""

import keras

from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.text_preprocessor import TransformerTextPreprocessor
from mpnet_tf.models.wordpiece_tokenizer import TransformerTokenizer


@keras.saving.register_keras_serializable(package="mpnet_tf")
class GLMTextPreprocessor(TransformerTextPreprocessor):
    """Turns texts, or pairs of texts, into what a `GLMBackbone` takes.

    Arguments and outputs are those of `TransformerTextPreprocessor`, with any tokenizer.

    References:
        [GLM](https://arxiv.org/abs/2103.10360), section 2.1 (Part A without a blank).
    """

    backbone_cls = GLMBackbone
    # Of presets: keras_hub loads whatever tokenizer is there.
    tokenizer_cls = TransformerTokenizer
