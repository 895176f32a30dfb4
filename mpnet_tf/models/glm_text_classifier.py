"""GLM as a text classifier."""

import keras

from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.glm_text_preprocessor import GLMTextPreprocessor
from mpnet_tf.models.text_classifier import TransformerTextClassifier


@keras.saving.register_keras_serializable(package="mpnet_tf")
class GLMTextClassifier(TransformerTextClassifier):
    """A GLM backbone and a head that tells the class of a text.

    Arguments, inputs and outputs are those of `TransformerTextClassifier`, with a `GLMBackbone`,
    which reads the text outside of any blank. `GLMClozeClassifier` classifies by filling a blank,
    as GLM was trained to.

    Example:

    ```python
    backbone = GLMBackbone(
        vocabulary_size=30527, num_layers=2, num_heads=2, hidden_dim=64, intermediate_dim=128
    )
    classifier = GLMTextClassifier(backbone, num_classes=3)
    token_ids = np.array([[0, 2023, 2003, 2]])
    classifier({"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)})
    ```

    References:
        [GLM](https://arxiv.org/abs/2103.10360), section 3.3 (the linear classifier compared with
        filling blanks).
    """

    backbone_cls = GLMBackbone
    preprocessor_cls = GLMTextPreprocessor
