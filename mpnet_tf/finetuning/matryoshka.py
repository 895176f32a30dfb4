"""A loss of embeddings that are still good when they are cut short."""

import dataclasses
from collections.abc import Callable, Sequence

from mpnet_tf.finetuning.contrastive_loss import unit_length


@dataclasses.dataclass(frozen=True)
class MatryoshkaLoss:
    """The weighted sum of a loss over the first dimensions of the embeddings.

    For each number of dimensions the embeddings are cut to so many and brought to length 1.
    Include the whole `embedding_dim`, or it is not trained as a whole.

    Args:
        loss: callable from embeddings and labels to a scalar, such as
            `MultipleNegativesRankingLoss()`.
        dimensions: ints from 1, none twice. How many dimensions to keep, such as (768, 256, 64).
        weights: floats, one for each of `dimensions`. Default None: all 1.

    Call arguments:
        embeddings: sequence of float tensors `(batch_size, embedding_dim)`.
        labels: what `loss` takes. Default None.

    Returns:
        Scalar tensor.

    Raises:
        ValueError: if the dimensions are none, not positive, double or above `embedding_dim`, or
            the weights are of another number.

    References:
        [Matryoshka Representation Learning](https://arxiv.org/abs/2205.13147), equation 1.
    """

    loss: Callable
    dimensions: Sequence[int]
    weights: Sequence[float] | None = None

    def __post_init__(self):
        dimensions = self.dimensions
        if not dimensions or min(dimensions) < 1 or len(set(dimensions)) < len(dimensions):
            raise ValueError(
                "`dimensions` must be positive and different from each other. "
                f"Received: dimensions={dimensions}"
            )
        if self.weights is not None and len(self.weights) != len(dimensions):
            raise ValueError(
                f"`weights` must be {len(dimensions)}, one for each of `dimensions`. "
                f"Received: weights={self.weights}"
            )

    def __call__(self, embeddings, labels=None):
        embedding_dim = embeddings[0].shape[-1]
        if max(self.dimensions) > embedding_dim:
            raise ValueError(
                f"`dimensions` must not be above the {embedding_dim} of the embeddings. "
                f"Received: dimensions={self.dimensions}"
            )
        weights = self.weights or [1.0] * len(self.dimensions)
        return sum(
            weight
            * self.loss([unit_length(vectors[:, :dimension]) for vectors in embeddings], labels)
            for dimension, weight in zip(self.dimensions, weights, strict=True)
        )
