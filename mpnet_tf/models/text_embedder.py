"""A body that gives each text a vector."""

import keras
import keras_hub
from keras import ops

from mpnet_tf.layers.pooling import Pooling
from mpnet_tf.models.argument_checks import positive_integer
from mpnet_tf.models.raw_text_task import RawTextTask
from mpnet_tf.models.transformer_task import TransformerTask, make_head_dense

_DENSE_ACTIVATIONS = (None, "tanh")

# keras_hub 0.25, the newest for Python 3.10, has no base class of this task.
_TextEmbedder = getattr(keras_hub.models, "TextEmbedder", keras_hub.models.Task)


def _unit_length(vectors):
    """Divides each row by its length, or by 1e-12 where it is shorter."""
    # The bound before the root, whose gradient at zero JAX would take for NaN.
    squared = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors / ops.sqrt(ops.maximum(squared, 1e-12**2))


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TransformerTextEmbedder(TransformerTask, RawTextTask, _TextEmbedder):
    """A backbone whose hidden states are pooled into one vector a text.

    What sentence-transformers has as the modules `Pooling`, `Dense` and `Normalize`, with its
    numbers. All after the backbone is in float32, whatever the dtype policy.

    Args:
        backbone: `TransformerBackbone`, or in a subclass its `backbone_cls`.
        preprocessor: `TransformerTextPreprocessor`, or in a subclass its `preprocessor_cls`, for
            raw text in `predict` and the like; None to feed token ids. Default None.
        pooling: str. "mean", "cls", "max" or "mean_sqrt_len_tokens", as in
            `mpnet_tf.layers.pooling.Pooling`. Default "mean".
        dense_dim: int. Width of a dense layer after the pooling. Default None: no such layer.
        dense_activation: None or "tanh". Its activation. Default None.
        dense_use_bias: bool. Whether it has a bias. Default True.
        normalize: bool. Whether the vectors are brought to length 1. Default True.

    Call arguments:
        token_ids, padding_mask: what the backbone takes, with `segment_ids` where it has them.

    Returns:
        float32 tensor `(batch_size, embedding_dim)`.

    Raises:
        ValueError: if an argument is none of its choices, or one of the dense layer is given
            without `dense_dim`.

    References:
        [Sentence-BERT](https://arxiv.org/abs/1908.10084), section 3.
    """

    def __init__(
        self,
        backbone,
        preprocessor=None,
        pooling="mean",
        dense_dim=None,
        dense_activation=None,
        dense_use_bias=True,
        normalize=True,
        **kwargs,
    ):
        dense_settings = {"dense_activation": dense_activation, "dense_use_bias": dense_use_bias}
        _check_dense_settings(dense_dim, **dense_settings)
        # === Layers ===
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.pooling_layer = Pooling(pooling, dtype="float32", name="pooling")
        self.embedding_dense = None
        if dense_dim is not None:
            dense_dim = positive_integer("dense_dim", dense_dim)
            self.embedding_dense = make_head_dense(
                backbone,
                dense_dim,
                activation=dense_activation,
                use_bias=dense_use_bias,
                name="embedding_dense",
            )

        # === Functional model ===
        inputs = backbone.input
        # (batch_size, hidden_dim)
        embeddings = self.pooling_layer(backbone(inputs), inputs["padding_mask"])
        if self.embedding_dense is not None:
            embeddings = self.embedding_dense(embeddings)
        if normalize:
            embeddings = _unit_length(embeddings)
        super().__init__(inputs=inputs, outputs=embeddings, **kwargs)

        # === Config ===
        self.pooling = pooling
        self.dense_dim = dense_dim
        self.dense_activation = dense_activation
        self.dense_use_bias = dense_use_bias
        self.normalize = normalize

    @property
    def embedding_dim(self):
        """int. Width of the vectors."""
        return self.backbone.hidden_dim if self.dense_dim is None else self.dense_dim

    @property
    def head_settings(self):
        return {
            "pooling": self.pooling,
            "dense_dim": self.dense_dim,
            "dense_activation": self.dense_activation,
            "dense_use_bias": self.dense_use_bias,
            "normalize": self.normalize,
        }


def _check_dense_settings(dense_dim, *, dense_activation, dense_use_bias):
    if dense_activation not in _DENSE_ACTIVATIONS:
        raise ValueError(
            "`dense_activation` must be None or 'tanh'. "
            f"Received: dense_activation={dense_activation!r}"
        )
    if dense_dim is None and (dense_activation is not None or not dense_use_bias):
        raise ValueError(
            "`dense_activation` and `dense_use_bias` must be left at None and True without a "
            "dense layer, which `dense_dim` asks for. "
            f"Received: dense_activation={dense_activation!r}, dense_use_bias={dense_use_bias}"
        )
