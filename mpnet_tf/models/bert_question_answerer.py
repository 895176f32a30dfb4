"""BERT as a finder of answers."""

import keras

from mpnet_tf.models.bert_backbone import BertBackbone
from mpnet_tf.models.bert_text_preprocessor import BertTextPreprocessor
from mpnet_tf.models.question_answerer import TransformerQuestionAnswerer


@keras.saving.register_keras_serializable(package="mpnet_tf")
class BertQuestionAnswerer(TransformerQuestionAnswerer):
    """A BERT backbone and a head that finds answers in texts.

    Arguments, inputs and outputs are those of `TransformerQuestionAnswerer`, with a
    `BertBackbone`.

    Example:

    ```python
    backbone = BertBackbone(
        vocabulary_size=30522, num_layers=2, num_heads=2, hidden_dim=64, intermediate_dim=128
    )
    reader = BertQuestionAnswerer(backbone)
    token_ids = np.array([[101, 2023, 2003, 102]])
    reader(
        {
            "token_ids": token_ids,
            "padding_mask": np.ones_like(token_ids),
            "segment_ids": np.zeros_like(token_ids),
        }
    )
    ```

    References:
        [BERT](https://arxiv.org/abs/1810.04805).
    """

    backbone_cls = BertBackbone
    preprocessor_cls = BertTextPreprocessor
