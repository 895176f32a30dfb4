"""Held-out sentences with words left out, and a model's guesses."""

import dataclasses
import string

import numpy as np

from mpnet_tf.data.vocabulary import MASK_TOKEN
from mpnet_tf.models.fill_mask import Guess, guesses_of
from mpnet_tf.visualization.sentences import LONGEST, find_sentences, readable_text

_MOST_BLANKS = 2
# Room for <s> and </s>.
_NUM_ADDED_TOKENS = 2


@dataclasses.dataclass(frozen=True)
class FilledSentence:
    """A sentence with blanks, what stood there, and what a model would put there.

    Args:
        text: str, with the tokenizer's mask token for each blank.
        words: tuple of str. The word left out at each blank.
        guesses: tuple of tuples of `Guess`, for each blank the likeliest first.
        mask_token: str. The tokenizer's mask token. Default MPNet's.
    """

    text: str
    words: tuple[str, ...]
    guesses: tuple[tuple[Guess, ...], ...]
    mask_token: str = MASK_TOKEN


def fill_sentences(documents, fill_mask, *, num_sentences=10, seed=0):
    """Picks sentences, leaves out one or two words of each and lets a model guess them.

    The words left out are single tokens, so that a guess can be compared with them. Sentences come
    from all over the documents; the same documents and seed give the same ones.

    Args:
        documents: list of int arrays, the documents' token ids without `<s>` and `</s>`.
        fill_mask: `mpnet_tf.models.fill_mask.FillMask`.
        num_sentences: int.
        seed: int.

    Returns:
        List of `FilledSentence`, fewer than `num_sentences` where the documents hold no more.
    """
    tokenizer = fill_mask.tokenizer
    longest = min(LONGEST, fill_mask.max_sequence_length - _NUM_ADDED_TOKENS)
    generator = np.random.default_rng(seed)
    sentences = find_sentences(documents, tokenizer, longest=longest)
    chosen = []
    for index in generator.permutation(len(sentences)):
        tokens = [tokenizer.id_to_token(token_id) for token_id in sentences[index]]
        blanked = _blank(tokens, generator, mask_token=tokenizer.mask_token)
        if blanked is not None:
            chosen.append((index, *blanked))
        if len(chosen) == num_sentences:
            break
    if not chosen:
        return []
    chosen.sort()
    guesses = guesses_of(fill_mask([text for _, text, _ in chosen]))
    return [
        FilledSentence(text, words, guesses[row], mask_token=tokenizer.mask_token)
        for row, (_, text, words) in enumerate(chosen)
    ]


def _blank(tokens, generator, *, mask_token):
    """Leaves out one or two words; returns text and words, or None where no word is one token."""
    ends = [*tokens[1:], ""]
    whole_words = [
        place
        for place, (token, following) in enumerate(zip(tokens, ends, strict=True))
        if token.isalpha() and token not in string.ascii_letters and not following.startswith("##")
    ]
    if not whole_words:
        return None
    num_blanks = min(generator.integers(1, _MOST_BLANKS, endpoint=True), len(whole_words))
    places = np.sort(generator.choice(whole_words, size=num_blanks, replace=False))
    left = list(tokens)
    for place in places:
        left[place] = mask_token
    return readable_text(left), tuple(tokens[place] for place in places)
