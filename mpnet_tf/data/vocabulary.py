"""WordPiece vocabularies with MPNet's special tokens: reading, writing and checking."""

import collections
import os
import pathlib
from collections.abc import Sequence

START_TOKEN = "<s>"
PAD_TOKEN = "<pad>"
END_TOKEN = "</s>"
MASK_TOKEN = "<mask>"
# MPNet's published vocabulary holds both and uses the first: its text ids are BERT's, shifted.
UNKNOWN_TOKENS = ("[UNK]", "<unk>")

# What blank infilling puts around and in the place of the text it leaves out, as GLM's released
# vocabularies write it. A vocabulary without them serves every other objective.
SPAN_START_TOKEN = "<|startofpiece|>"
SPAN_END_TOKEN = "<|endofpiece|>"
DOCUMENT_MASK_TOKEN = "[gMASK]"
SENTENCE_MASK_TOKEN = "[sMASK]"
BLANK_TOKENS = (SPAN_START_TOKEN, SPAN_END_TOKEN, DOCUMENT_MASK_TOKEN, SENTENCE_MASK_TOKEN)

CONTINUATION_PREFIX = "##"

# What ends a sentence when it is a token of its own; the last three in Chinese and Japanese.
SENTENCE_ENDS = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f")

# A longer word is unknown, whatever pieces it could be cut into.
MAX_WORD_CHARACTERS = 100

# A limit of `tensorflow_text.FastWordpieceTokenizer`.
MAX_TOKEN_BYTES = 256


def read_vocabulary(path: str | os.PathLike) -> list[str]:
    """Reads and checks a `vocab.txt`, one token a line; the line number from 0 is the id.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is not UTF-8 or not a vocabulary that `check_vocabulary` accepts.
    """
    try:
        text = pathlib.Path(path).read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: not UTF-8 at byte {error.start}. Pass a vocab.txt with one token a line."
        ) from error
    # Not splitlines(): it also breaks at characters that may be tokens, such as U+2028.
    tokens = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    check_vocabulary(tokens, source=str(path))
    return tokens


def write_vocabulary(tokens: Sequence[str], path: str | os.PathLike) -> None:
    """Writes tokens one a line, so that the file is either complete or not there.

    Raises:
        OSError: if the file cannot be written.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes("".join(f"{token}\n" for token in tokens).encode("utf-8"))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def unknown_token(tokens: Sequence[str]) -> str | None:
    """Returns the entry that stands for unknown words, or None where there is none."""
    return next((token for token in UNKNOWN_TOKENS if token in tokens), None)


def special_tokens(tokens: Sequence[str]) -> list[str]:
    """Returns the special tokens among `tokens`, in the order of their ids."""
    special = {START_TOKEN, PAD_TOKEN, END_TOKEN, MASK_TOKEN, *UNKNOWN_TOKENS, *BLANK_TOKENS}
    return [token for token in tokens if token in special]


def check_vocabulary(tokens: Sequence[str], *, source: str) -> None:
    """Checks that tokens are distinct and usable, and that MPNet's special tokens are there.

    Args:
        tokens: the vocabulary; a token's place is its id.
        source: where it comes from, for the message.

    Raises:
        ValueError: naming the source, what is wrong and what to do.
    """
    if not tokens or tokens == [""]:
        raise ValueError(f"{source}: the vocabulary is empty. Train one with mpnet-train-vocab.")
    if "" in tokens:
        raise ValueError(f"{source}: entry {tokens.index('')} is empty. Remove the blank line.")
    token, count = collections.Counter(tokens).most_common(1)[0]
    if count > 1:
        raise ValueError(
            f"{source}: token {token!r} appears {count} times, so its id is unclear. "
            "Keep one of them."
        )
    missing = [t for t in (START_TOKEN, PAD_TOKEN, END_TOKEN, MASK_TOKEN) if t not in tokens]
    if unknown_token(tokens) is None:
        missing.append(" or ".join(UNKNOWN_TOKENS))
    if missing:
        raise ValueError(
            f"{source}: the vocabulary lacks MPNet's special tokens {', '.join(missing)}. "
            "Train one with mpnet-train-vocab, or add a line for each of them."
        )
    for index, token in enumerate(tokens):
        if len(token.encode("utf-8")) > MAX_TOKEN_BYTES:
            raise ValueError(
                f"{source}: entry {index} is longer than {MAX_TOKEN_BYTES} bytes. Is this a "
                "vocabulary, one token a line?"
            )
