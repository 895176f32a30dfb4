"""Losses of pairs of texts that have a score of how similar they are."""

import dataclasses

from keras import ops

from mpnet_tf.finetuning.contrastive_loss import unit_length


@dataclasses.dataclass(frozen=True)
class CosentLoss:
    """Brings the cosines of pairs into the order of their scores (CoSENT).

    With the cosine `c_i` of pair i and its score `y_i`,

        log(1 + sum over all i, j with y_i > y_j of exp(s (c_j - c_i)))

    Only the order of the scores counts, in any range. The numbers are those of
    sentence-transformers.

    Args:
        scale: float above 0. `s`. Default 20.

    Call arguments:
        embeddings: two float tensors `(batch_size, embedding_dim)`.
        scores: float tensor `(batch_size,)`.

    Returns:
        Scalar tensor; 0 where all scores are equal.

    Raises:
        ValueError: if `scale` is not positive, there are no two embeddings, or no scores.

    References:
        [CoSENT](https://kexue.fm/archives/8847) by Su Jianlin; published in
        [IEEE/ACM TASLP 2024](https://doi.org/10.1109/TASLP.2024.3402087).
    """

    scale: float = 20.0

    def __post_init__(self):
        if not self.scale > 0:
            raise ValueError(f"`scale` must be positive. Received: scale={self.scale}")

    def __call__(self, embeddings, scores=None):
        cosines = self.scale * _cosines(embeddings, scores)
        # (batch_size, batch_size): [i, j] of the pairs i that should be above j.
        differences = cosines[None, :] - cosines[:, None]
        is_above = scores[:, None] > scores[None, :]
        differences = ops.where(is_above, differences, ops.cast(-float("inf"), cosines.dtype))
        # The 1 under the logarithm.
        exponents = ops.concatenate(
            [ops.zeros((1,), cosines.dtype), ops.reshape(differences, (-1,))], axis=0
        )
        return ops.logsumexp(exponents)


@dataclasses.dataclass(frozen=True)
class CosineRegressionLoss:
    """The mean squared difference of cosines and scores.

    Call arguments:
        embeddings: two float tensors `(batch_size, embedding_dim)`.
        scores: float tensor `(batch_size,)`, in the range of cosines, such as 0 to 1.

    Returns:
        Scalar tensor.

    Raises:
        ValueError: if there are no two embeddings, or no scores.

    References:
        [Sentence-BERT](https://arxiv.org/abs/1908.10084), section 3, "Regression Objective
        Function".
    """

    def __call__(self, embeddings, scores=None):
        cosines = _cosines(embeddings, scores)
        return ops.mean(ops.square(cosines - ops.cast(scores, cosines.dtype)))


def _cosines(embeddings, scores):
    """Returns a float tensor `(batch_size,)`."""
    if len(embeddings) != 2:
        raise ValueError(
            f"`embeddings` must hold those of the texts of pairs. Received: {len(embeddings)}"
        )
    if scores is None:
        raise ValueError(
            "`scores` must be given. Received: scores=None; take batches such as those of "
            "`scored_pair_batches`."
        )
    first, second = embeddings
    return ops.sum(unit_length(first) * unit_length(second), axis=-1)
