"""What an embedder is trained for."""

import dataclasses

from mpnet_tf.training.setting_rules import require, require_choice

OBJECTIVES = ("contrastive", "cosent", "cosine", "simcse", "denoising")
# Those whose examples are pairs with scores, and those whose examples are single texts.
SCORED_OBJECTIVES = ("cosent", "cosine")
TEXT_OBJECTIVES = ("simcse", "denoising")


@dataclasses.dataclass(frozen=True)
class EmbeddingSettings:
    """The objective of an embedder, and its form.

    Args:
        objective: "contrastive" brings each text to its partner and away from all others of the
            batch, "cosent" brings the cosines of pairs into the order of their scores, "cosine"
            brings them to their scores, "simcse" brings each text to itself under another dropout
            mask, "denoising" has the text written again from the embedding of a part of it.
        pooling: str. As `TransformerTextEmbedder` takes it.
        chunk_size: int or None. Texts in memory at a time, as `EmbeddingTrainer` takes it; not of
            "denoising".
        dimensions: tuple of int. As `MatryoshkaLoss` takes them; empty for the whole embedding
            alone. Not of "denoising".
        scale: float above 0. One over the temperature, of all but "cosine" and "denoising".

    Raises:
        ValueError: if a setting is none of its choices or out of its range, or the objective does
            not have it.

    References:
        [Multiple negatives ranking](https://arxiv.org/abs/1705.00652), section 4;
        [CoSENT](https://kexue.fm/archives/8847); [SimCSE](https://arxiv.org/abs/2104.08821);
        [TSDAE](https://arxiv.org/abs/2104.06979); [Matryoshka
        representations](https://arxiv.org/abs/2205.13147).
    """

    objective: str = "contrastive"
    pooling: str = "mean"
    chunk_size: int | None = None
    dimensions: tuple[int, ...] = ()
    scale: float = 20.0

    def __post_init__(self):
        require_choice("objective", self.objective, OBJECTIVES)
        require(self.scale > 0, "`scale` must be positive", scale=self.scale)
        require(
            self.objective != "denoising" or (self.chunk_size is None and not self.dimensions),
            "`chunk_size` and `dimensions` must be left out with the objective 'denoising'",
            chunk_size=self.chunk_size,
            dimensions=self.dimensions,
        )
