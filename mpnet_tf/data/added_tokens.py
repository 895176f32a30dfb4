"""Tokens that are found whole in the text, before WordPiece cuts the words between them.

Each travels through normaliser and WordPiece as one reserved character: a private-use code point
that Hugging Face would remove from the text, and the normaliser's tables leave alone.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from mpnet_tf.data import bert_normalizer
from mpnet_tf.data import vocabulary as vocabulary_lib

_FIRST = bert_normalizer.FIRST_RESERVED_CODE_POINT
_LAST = bert_normalizer.LAST_RESERVED_CODE_POINT

# Put around the tokens found, so that a second look takes them for what the first one found.
_OPENING = chr(_LAST - 1)
_CLOSING = chr(_LAST)

# One reserved character is for the unknown token, which need not be found in the text.
MAX_ADDED_TOKENS = _LAST - _FIRST + 1 - 3

# Where the text itself holds a reserved character, Hugging Face removes it; U+E000, which the table
# removes, takes its place: removing it at once could join the halves of a token.
_RESERVED_PATTERN = rf"[\x{{{_FIRST:X}}}-\x{{{_LAST:X}}}]"
_REMOVED_CHARACTER = "\ue000"


@dataclasses.dataclass(frozen=True)
class AddedToken:
    """A token that is found whole in the text, as in the `added_tokens` of a `tokenizer.json`.

    Hugging Face's flags `lstrip` and `rstrip` have no counterpart: they say whether the token takes
    the white space beside it along, of which BERT's tokenisation leaves nothing in any case.

    Args:
        content: str. The token, as the vocabulary has it.
        normalized: bool. Whether to look for it in the normalised text, where its own letters are
            lowercased and so on, rather than in the text as it is given. Default False.
        special: bool. Whether it stands for no text. Default True.
    """

    content: str
    normalized: bool = False
    special: bool = True


def default_added_tokens(
    tokens: Sequence[str], roles: Mapping[str, str] | None = None
) -> tuple[AddedToken, ...]:
    """Returns the special tokens of a vocabulary, to be found in the text as it is given."""
    return tuple(AddedToken(token) for token in vocabulary_lib.special_tokens(tokens, roles))


def check_added_tokens(added_tokens: Sequence[AddedToken], tokens: Sequence[str]) -> None:
    """Checks that tokens can be found in the text as Hugging Face finds them.

    Raises:
        ValueError: naming the token.
    """
    if len(added_tokens) > MAX_ADDED_TOKENS:
        raise ValueError(
            f"`added_tokens` must hold at most {MAX_ADDED_TOKENS} tokens. "
            f"Received: {len(added_tokens)} tokens"
        )
    known = set(tokens)
    for token in added_tokens:
        if token.content not in known:
            raise ValueError(
                "`added_tokens` must be in the vocabulary. "
                f"Received: content={token.content!r}, which is not"
            )
        if not token.content or (token.normalized and token.content != token.content.strip()):
            raise ValueError(
                "`added_tokens` must have no white space at their ends where they are normalized. "
                f"Received: content={token.content!r}"
            )


def reserved_characters(tokens: Sequence[str]) -> dict[str, str]:
    """Returns a reserved character for each of at most `MAX_ADDED_TOKENS` + 1 tokens."""
    return {token: chr(_FIRST + index) for index, token in enumerate(tokens)}


def replace_given(texts: tf.Tensor, characters: Mapping[str, str]) -> tf.Tensor:
    """Puts reserved characters in the place of tokens in text that is not normalised yet.

    Args:
        texts: string tensor of shape `(batch_size,)`.
        characters: the character of each token.

    Returns:
        String tensor of shape `(batch_size,)`, with spaces around what was replaced. No other
        reserved characters are left in it.
    """

    def replaced():
        cleaned = tf.strings.regex_replace(texts, _RESERVED_PATTERN, _REMOVED_CHARACTER)
        return _replace(cleaned, characters) if characters else cleaned

    return _where_occurring(texts, [*_alternatives(characters), _RESERVED_PATTERN], replaced)


def replace_normalized(texts: tf.Tensor, characters: Mapping[str, str]) -> tf.Tensor:
    """Does the same in normalised text.

    Args:
        texts: string tensor of shape `(batch_size,)`.
        characters: the character of each token, which must be normalised like the text.

    Returns:
        String tensor of shape `(batch_size,)`.
    """
    if not characters:
        return texts
    return _where_occurring(texts, _alternatives(characters), lambda: _replace(texts, characters))


def _alternatives(characters: Mapping[str, str]) -> list[str]:
    # Of the tokens that begin in one place the longest counts: alternatives are tried in order.
    return [re.escape(token) for token in sorted(characters, key=len, reverse=True)]


def _where_occurring(
    texts: tf.Tensor, patterns: Sequence[str], replaced: Callable[[], tf.Tensor]
) -> tf.Tensor:
    # \C is any byte, also one that is not UTF-8.
    occurs = tf.strings.regex_full_match(texts, rf"\C*({'|'.join(patterns)})\C*")
    # Most batches hold no such token, and one look is six times faster than the replacements.
    return tf.cond(tf.reduce_any(occurs), replaced, lambda: texts)


def _replace(texts: tf.Tensor, characters: Mapping[str, str]) -> tf.Tensor:
    pattern = f"({'|'.join(_alternatives(characters))})"
    # All at once, since where tokens overlap the first one in the text counts.
    texts = tf.strings.regex_replace(texts, pattern, rf"{_OPENING}\1{_CLOSING}")
    for token, character in characters.items():
        found = re.escape(f"{_OPENING}{token}{_CLOSING}")
        texts = tf.strings.regex_replace(texts, found, f" {character} ")
    return texts
