"""Cross-entropy of token ids with smoothed labels."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mpnet_tf")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy where a share of each label is spread evenly over all classes.

    It is Keras' `CategoricalCrossentropy(label_smoothing=...)` for labels that are ids, without
    one-hot rows as wide as the vocabulary. By default it is the mean over what has a weight.

    Args:
        label_smoothing: float in [0, 1). The share. GLM's authors take 0.1 to write texts.
        reduction, name: as of `keras.losses.Loss`.

    Call arguments:
        y_true: int tensor `(batch_size, num_predictions)`.
        y_pred: float tensor `(batch_size, num_predictions, vocabulary_size)`: logits.

    Raises:
        ValueError: if `label_smoothing` is out of its range.

    References:
        [Rethinking the Inception Architecture for Computer Vision](
        https://arxiv.org/abs/1512.00567), section 7; GLM (https://arxiv.org/abs/2103.10360),
        appendix C.2.
    """

    def __init__(
        self,
        label_smoothing=0.1,
        reduction="mean_with_sample_weight",
        name="smoothed_crossentropy",
        **kwargs,
    ):
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                "`label_smoothing` must be at least 0 and below 1. "
                f"Received: label_smoothing={label_smoothing}"
            )
        super().__init__(name=name, reduction=reduction, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        logits = ops.cast(y_pred, "float32")
        losses = keras.losses.sparse_categorical_crossentropy(y_true, logits, from_logits=True)
        if not self.label_smoothing:
            return losses
        # The cross-entropy of the even distribution.
        spread = ops.logsumexp(logits, axis=-1) - ops.mean(logits, axis=-1)
        return (1 - self.label_smoothing) * losses + self.label_smoothing * spread

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}
