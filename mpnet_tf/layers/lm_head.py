"""The head that turns hidden states into vocabulary logits."""

import keras
from keras import ops

from mpnet_tf.layers.matrix_products import product_with_transposed
from mpnet_tf.layers.trained_layer_norm import TrainedLayerNorm


@keras.saving.register_keras_serializable(package="mpnet_tf")
class LMHead(keras.layers.Layer):
    """Dense, gelu and layer norm, then the transposed token embedding and a bias.

    Args:
        token_embedding: `keras.layers.ReversibleEmbedding` to tie the output to.
        transform: bool. Without it, the head is the transposed token embedding alone: no dense
            layer, no layer norm, no bias.
        layer_norm_epsilon: float. Added to the variance.
        kernel_initializer: initialiser of the dense layer.

    Call arguments:
        hidden: float tensor `(batch_size, num_predictions, hidden_dim)`.
        training: bool or None. Whether there will be a gradient.

    Returns:
        float32 tensor `(batch_size, num_predictions, vocabulary_size)`, whatever the dtype
        policy: a loss in less loses the small probabilities.

    References:
        BERT (https://arxiv.org/abs/1810.04805), its masked-LM head, with MPNet's exact gelu;
        GLM (https://arxiv.org/abs/2103.10360), section 2.2: a single linear layer.
    """

    def __init__(
        self,
        token_embedding,
        transform=True,
        layer_norm_epsilon=1e-5,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.token_embedding = token_embedding
        self.transform = transform
        self.layer_norm_epsilon = layer_norm_epsilon
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        if transform:
            self.dense = keras.layers.Dense(
                token_embedding.output_dim,
                kernel_initializer=self.kernel_initializer.clone(),
                dtype=self.dtype_policy,
                name="dense",
            )
            self.norm = TrainedLayerNorm(
                epsilon=layer_norm_epsilon, dtype=self.dtype_policy, name="norm"
            )

    def build(self, hidden_shape):
        if self.transform:
            self.dense.build(hidden_shape)
            self.norm.build(hidden_shape)
            self.bias = self.add_weight(
                name="bias", shape=(self.token_embedding.input_dim,), initializer="zeros"
            )
        self.built = True

    def call(self, hidden, training=None):
        hidden = self._transformed(hidden, training)
        embedding = self.token_embedding
        if training and embedding.quantization_mode is None:
            table = ops.cast(embedding.embeddings, embedding.compute_dtype)
            return self._with_bias(product_with_transposed(hidden, table))
        return self._with_bias(embedding(hidden, reverse=True))

    def output_kernel(self):
        """Returns the transposed token embedding, `(hidden_dim, vocabulary_size)`, for `project`.

        None for a quantized embedding, which multiplies by itself.
        """
        if self.token_embedding.quantization_mode is not None:
            return None
        return ops.transpose(self.token_embedding.embeddings)

    def project(self, hidden, output_kernel):
        """Computes what a call does, in a loop of calls on few rows.

        A call takes longer to transpose the embedding than to multiply a few rows by it.

        Args:
            hidden: float tensor, as a call takes it.
            output_kernel: what the method of this name returned before the loop.

        Returns:
            float32 tensor, as a call returns it.
        """
        if output_kernel is None:
            return self(hidden)
        return self._with_bias(ops.matmul(self._transformed(hidden, training=False), output_kernel))

    def _transformed(self, hidden, training):
        if not self.transform:
            return hidden
        return self.norm(ops.gelu(self.dense(hidden), approximate=False), training=training)

    def _with_bias(self, logits):
        logits = ops.cast(logits, "float32")
        return logits + ops.cast(self.bias, "float32") if self.transform else logits

    def compute_output_spec(self, hidden, training=None):
        shape = (*hidden.shape[:-1], self.token_embedding.input_dim)
        return keras.KerasTensor(shape, dtype="float32")

    def get_config(self):
        return {
            **super().get_config(),
            "token_embedding": keras.layers.serialize(self.token_embedding),
            "transform": self.transform,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        config["token_embedding"] = keras.layers.deserialize(config["token_embedding"])
        return cls(**config)
