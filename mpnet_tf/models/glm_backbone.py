"""GLM's body."""

import types

import keras

from mpnet_tf.models.transformer_backbone import TransformerBackbone


@keras.saving.register_keras_serializable(package="mpnet_tf")
class GLMBackbone(TransformerBackbone):
    """A GLM model's body.

    A pre-layer-norm transformer with two learned absolute positions a slot: its place in the text,
    which for the tokens of a blank is the blank's, and its place within the blank. Its
    language-model head is the transposed token embedding alone. The default arguments are those of
    `glm_base`; the initial weights are drawn from a truncated normal distribution, where GLM's
    released code does not truncate.

    Args:
        vocabulary_size: int. Token ids.
        **sizes: the sizes and shares of `TransformerBackbone`, with its defaults: `num_layers`,
            `num_heads`, `hidden_dim`, `intermediate_dim`, `dropout`, `attention_dropout`,
            `max_sequence_length`, `layer_norm_epsilon`, `initializer_stddev`, `dtype`.

    Call arguments:
        token_ids: int tensor `(batch_size, sequence_length)`. A text outside of any blank, each
            token of which sees all others.
        padding_mask: int or bool tensor `(batch_size, sequence_length)`: 1 or True for a real
            token.

    Returns:
        Float tensor `(batch_size, sequence_length, hidden_dim)`.

    Example:

    ```python
    backbone = GLMBackbone(
        vocabulary_size=30527, num_layers=4, num_heads=4, hidden_dim=256, intermediate_dim=1024
    )
    token_ids = np.array([[0, 2023, 2003, 2]])
    backbone({"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)})
    ```

    References:
        [GLM: General Language Model Pretraining with Autoregressive Blank Infilling](
        https://arxiv.org/abs/2103.10360), section 2.2.
    """

    fixed_choices = types.MappingProxyType(
        {
            "norm_order": "pre",
            "absolute_positions": True,
            "position_offset": 0,
            "relative_positions": False,
            "block_positions": True,
            "num_segments": 0,
            "approximate_gelu": True,
            "lm_head_transform": False,
        }
    )

    def __init__(self, vocabulary_size, **sizes):
        super().__init__(vocabulary_size, **sizes, **self.fixed_choices)
