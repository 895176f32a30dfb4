"""The loss that tells each text's partner from the other texts of its batch."""

import dataclasses

from keras import ops

# Far below any score, and finite, so that a row of nothing else still has a gradient.
_HIDDEN_SCORE = -1e9


def unit_length(vectors):
    """Divides each row by its length, or by 1e-12 where it is shorter."""
    return ops.normalize(vectors, axis=-1, order=2, epsilon=1e-12)


@dataclasses.dataclass(frozen=True)
class MultipleNegativesRankingLoss:
    """Cross entropy of finding an anchor's positive among the texts of all rows (InfoNCE).

    With `a_i` the anchors and `c_j` all candidates (the positives `p` of all rows, then their hard
    negatives), the mean over the rows i of

        -log(exp(s cos(a_i, p_i)) / sum_j exp(s cos(a_i, c_j)))

    With `symmetric`, the mean of this and of the same for finding a positive's anchor among the
    anchors; hard negatives are no anchors. The numbers are those of sentence-transformers.

    Args:
        scale: float above 0. `s`, one over the temperature. Default 20.
        symmetric: bool. Whether anchors are looked for, too. Default False.

    Call arguments:
        embeddings: sequence of float tensors `(batch_size, embedding_dim)`: anchors, positives and
            any number of hard negatives for each row.
        text_numbers: int tensor `(batch_size, len(embeddings))`, or None. Equal where texts are.
            If given, what is no negative of an anchor does not count as one: a candidate that is
            the anchor's or its positive's text, and a positive of another row with the same
            anchor. Default None: all candidates count.

    Returns:
        Scalar tensor.

    Raises:
        ValueError: if `scale` is not positive or there are fewer than two embeddings.

    Example:

    >>> loss = MultipleNegativesRankingLoss()
    >>> float(loss([np.eye(2), np.eye(2)]))  # log(1 + exp(-20))
    2.06e-09

    References:
        [Efficient Natural Language Response Suggestion](https://arxiv.org/abs/1705.00652),
        section 4.4; [Representation Learning with Contrastive Predictive
        Coding](https://arxiv.org/abs/1807.03748), equation 4; the positives of equal anchors are
        left out as in [Supervised Contrastive Learning](https://arxiv.org/abs/2004.11362).
    """

    scale: float = 20.0
    symmetric: bool = False

    def __post_init__(self):
        if not self.scale > 0:
            raise ValueError(f"`scale` must be positive. Received: scale={self.scale}")

    def __call__(self, embeddings, text_numbers=None):
        if len(embeddings) < 2:
            raise ValueError(
                "`embeddings` must hold those of anchors and positives at least. "
                f"Received: {len(embeddings)} of them"
            )
        anchors, *candidates = [unit_length(vectors) for vectors in embeddings]
        loss = self._cross_entropy(
            anchors, ops.concatenate(candidates, axis=0), _no_negatives(text_numbers)
        )
        if not self.symmetric:
            return loss
        swapped = None
        if text_numbers is not None:
            swapped = ops.stack([text_numbers[:, 1], text_numbers[:, 0]], axis=1)
        return (loss + self._cross_entropy(candidates[0], anchors, _no_negatives(swapped))) / 2

    def _cross_entropy(self, queries, candidates, hidden):
        # (batch_size, num_candidates), the own positives on the diagonal.
        scores = self.scale * ops.matmul(queries, ops.transpose(candidates))
        positives = ops.diagonal(scores)
        if hidden is not None:
            scores = ops.where(hidden, ops.cast(_HIDDEN_SCORE, scores.dtype), scores)
        return ops.mean(ops.logsumexp(scores, axis=1) - positives)


def _no_negatives(text_numbers):
    """Tells which candidates are no negatives of a row, nor its positive.

    Args:
        text_numbers: int tensor `(batch_size, num_columns)`, or None.

    Returns:
        bool tensor `(batch_size, (num_columns - 1) * batch_size)`, or None.
    """
    if text_numbers is None:
        return None
    anchors, positives = text_numbers[:, :1], text_numbers[:, 1:2]
    # (1, num_candidates), column after column.
    candidates = ops.reshape(ops.transpose(text_numbers[:, 1:]), (1, -1))
    same_text = ops.logical_or(ops.equal(candidates, positives), ops.equal(candidates, anchors))
    # (batch_size, batch_size)
    same_anchor = ops.equal(anchors, ops.transpose(anchors))
    own_row = ops.cast(ops.eye(ops.shape(text_numbers)[0]), "bool")
    batch_size = ops.shape(text_numbers)[0]
    of_positives = ops.logical_or(same_text[:, :batch_size], same_anchor)
    return ops.concatenate(
        [ops.logical_and(of_positives, ops.logical_not(own_row)), same_text[:, batch_size:]], axis=1
    )
