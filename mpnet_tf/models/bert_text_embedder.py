"""BERT as a text embedder."""

import keras

from mpnet_tf.models.bert_backbone import BertBackbone
from mpnet_tf.models.bert_text_preprocessor import BertTextPreprocessor
from mpnet_tf.models.text_embedder import TransformerTextEmbedder


@keras.saving.register_keras_serializable(package="mpnet_tf")
class BertTextEmbedder(TransformerTextEmbedder):
    """A BERT backbone that gives each text a vector.

    Arguments, inputs and outputs are those of `TransformerTextEmbedder`, with a `BertBackbone`.

    Example:

    ```python
    backbone = BertBackbone(
        vocabulary_size=30522, num_layers=2, num_heads=2, hidden_dim=64, intermediate_dim=128
    )
    embedder = BertTextEmbedder(backbone, pooling="mean")
    token_ids = np.array([[101, 2023, 2003, 102]])
    embedder(
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
