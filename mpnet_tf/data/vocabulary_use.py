"""How much of a vocabulary a text uses, from how often each token occurs."""

import dataclasses

import numpy as np

# The tokens that make up so much of a text are told.
_MOST_OF_THE_TEXT = 0.99


@dataclasses.dataclass(frozen=True)
class VocabularyUse:
    """How much of a vocabulary a text uses.

    Args:
        vocabulary_size: int.
        num_occurring: int. Tokens that occur at all.
        num_once: int. Tokens that occur once.
        num_for_99_percent: int. The fewest tokens that make up 99% of the text.
        unknown_share: float. Share of the text's tokens that stand for what the vocabulary has not.
        most_frequent: tuple of pairs of a token's id and its count, the most frequent first.
    """

    vocabulary_size: int
    num_occurring: int
    num_once: int
    num_for_99_percent: int
    unknown_share: float
    most_frequent: tuple[tuple[int, int], ...]


def vocabulary_use(token_counts, *, unknown_ids, num_most_frequent):
    """Tells how much of a vocabulary a text uses.

    Args:
        token_counts: int array `(vocabulary_size,)`. How often each token occurs; some token does.
        unknown_ids: list of int. The tokens that stand for what the vocabulary has not.
        num_most_frequent: int. How many tokens to name; fewer where fewer occur.

    Returns:
        `VocabularyUse`.
    """
    token_counts = np.asarray(token_counts, np.int64)
    # Of equally frequent tokens the one of the lower id comes first.
    by_frequency = np.argsort(-token_counts, kind="stable")
    descending = token_counts[by_frequency]
    num_tokens = int(descending.sum())
    num_occurring = int(np.count_nonzero(descending))
    up_to = np.cumsum(descending)
    num_named = min(num_most_frequent, num_occurring)
    return VocabularyUse(
        vocabulary_size=len(token_counts),
        num_occurring=num_occurring,
        num_once=int(np.count_nonzero(descending == 1)),
        num_for_99_percent=int(np.searchsorted(up_to, _MOST_OF_THE_TEXT * num_tokens)) + 1,
        unknown_share=int(token_counts[unknown_ids].sum()) / num_tokens,
        most_frequent=tuple(
            zip(by_frequency[:num_named].tolist(), descending[:num_named].tolist(), strict=True)
        ),
    )
