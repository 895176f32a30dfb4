"""GLM as a masked language model."""

import keras

from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.glm_text_preprocessor import GLMTextPreprocessor
from mpnet_tf.models.masked_lm import TransformerMaskedLM


@keras.saving.register_keras_serializable(package="mpnet_tf")
class GLMMaskedLM(TransformerMaskedLM):
    """A GLM backbone and language-model head that predict masked tokens.

    It fills each blank with one token, without the words before it that GLM would write there: the
    model's encoder as such, for comparisons with the other bodies.

    Arguments, inputs and outputs are those of `TransformerMaskedLM`, with a `GLMBackbone`.

    References:
        GLM (https://arxiv.org/abs/2103.10360).
    """

    backbone_cls = GLMBackbone
    preprocessor_cls = GLMTextPreprocessor
