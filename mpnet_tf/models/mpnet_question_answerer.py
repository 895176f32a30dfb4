"""MPNet as a finder of answers."""

import keras

from mpnet_tf.models.mpnet_backbone import MPNetBackbone
from mpnet_tf.models.mpnet_text_preprocessor import MPNetTextPreprocessor
from mpnet_tf.models.question_answerer import TransformerQuestionAnswerer


@keras.saving.register_keras_serializable(package="mpnet_tf")
class MPNetQuestionAnswerer(TransformerQuestionAnswerer):
    """An MPNet backbone and a head that finds answers in texts.

    Arguments, inputs and outputs are those of `TransformerQuestionAnswerer`, with a
    `MPNetBackbone`.

    Example:

    ```python
    backbone = MPNetBackbone(
        vocabulary_size=30527, num_layers=2, num_heads=2, hidden_dim=64, intermediate_dim=128
    )
    reader = MPNetQuestionAnswerer(backbone)
    token_ids = np.array([[0, 2023, 2003, 2]])
    reader({"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)})
    ```

    References:
        [MPNet](https://arxiv.org/abs/2004.09297).
    """

    backbone_cls = MPNetBackbone
    preprocessor_cls = MPNetTextPreprocessor
