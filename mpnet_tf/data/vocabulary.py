"""WordPiece vocabularies and their special tokens: reading, writing and checking."""

import collections
import os
import pathlib
from collections.abc import Mapping, Sequence

# MPNet's special tokens.
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

# What a model needs of a vocabulary, whatever the tokens are called.
ROLES = ("start_token", "pad_token", "end_token", "mask_token", "unk_token")

# The names that each kind of vocabulary has for the roles; of several the first that is there. A
# vocabulary is of the first kind that it holds in full: MPNet's has BERT's names too, as text.
LAYOUTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "MPNet": {
        "start_token": (START_TOKEN,),
        "pad_token": (PAD_TOKEN,),
        "end_token": (END_TOKEN,),
        "mask_token": (MASK_TOKEN,),
        "unk_token": UNKNOWN_TOKENS,
    },
    "BERT": {
        "start_token": ("[CLS]",),
        "pad_token": ("[PAD]",),
        "end_token": ("[SEP]",),
        "mask_token": ("[MASK]",),
        "unk_token": ("[UNK]",),
    },
}

CONTINUATION_PREFIX = "##"

# Names the rows of a table that no token of the vocabulary has; fairseq calls them so.
_FILLER_PREFIX = "madeupword"

# What ends a sentence when it is a token of its own; the last three in Chinese and Japanese.
SENTENCE_ENDS = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f")

# A longer word is unknown, whatever pieces it could be cut into.
MAX_WORD_CHARACTERS = 100

# A limit of `tensorflow_text.FastWordpieceTokenizer`.
MAX_TOKEN_BYTES = 256


def read_vocabulary(
    path: str | os.PathLike, *, roles: Mapping[str, str] | None = None
) -> list[str]:
    """Reads and checks a `vocab.txt`, one token a line; the line number from 0 is the id.

    Args:
        path: the file.
        roles: what `check_vocabulary` takes.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is not UTF-8 or not a vocabulary that `check_vocabulary` accepts.
    """
    tokens = read_tokens(path)
    check_vocabulary(tokens, source=str(path), roles=roles)
    return tokens


def read_tokens(path: str | os.PathLike) -> list[str]:
    """Reads a `vocab.txt` as `read_vocabulary` does, without checking the tokens.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is not UTF-8.
    """
    try:
        text = pathlib.Path(path).read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: not UTF-8 at byte {error.start}. Pass a vocab.txt with one token a line."
        ) from error
    # Not splitlines(): it also breaks at characters that may be tokens, such as U+2028.
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


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


def filler_tokens(count: int, *, first: int = 0) -> list[str]:
    """Returns names for rows of a table that stand for nothing."""
    return [f"{_FILLER_PREFIX}{number:04d}" for number in range(first, first + count)]


def is_filler(token: str) -> bool:
    """Returns whether a token is one of `filler_tokens`."""
    return token.startswith(_FILLER_PREFIX)


def unknown_token(tokens: Sequence[str]) -> str | None:
    """Returns the entry that stands for unknown words, or None where there is none."""
    return next((token for token in UNKNOWN_TOKENS if token in tokens), None)


def special_roles(tokens: Sequence[str]) -> dict[str, str] | None:
    """Returns the token of each of `ROLES` by a name of `LAYOUTS`; None without a full set."""
    tokens = set(tokens)
    for layout in LAYOUTS.values():
        roles = {
            role: next((name for name in names if name in tokens), None)
            for role, names in layout.items()
        }
        if None not in roles.values():
            return roles
    return None


def layout_of_roles(roles: Mapping[str, str]) -> str | None:
    """Returns which of `LAYOUTS` names all the roles so, or None."""
    for kind, layout in LAYOUTS.items():
        if all(roles[role] in names for role, names in layout.items()):
            return kind
    return None


def special_tokens(tokens: Sequence[str], roles: Mapping[str, str] | None = None) -> list[str]:
    """Returns the special tokens among `tokens`, in the order of their ids.

    Args:
        tokens: the vocabulary.
        roles: the token of each of `ROLES`; those of `special_roles` where not given.
    """
    roles = roles or special_roles(tokens) or {}
    special = {*roles.values(), *BLANK_TOKENS}
    if roles and layout_of_roles(roles) == "MPNet":
        special.update(UNKNOWN_TOKENS)
    return [token for token in tokens if token in special]


def check_vocabulary(
    tokens: Sequence[str], *, source: str, roles: Mapping[str, str] | None = None
) -> None:
    """Checks that tokens are distinct and usable, and that the special tokens are there.

    Args:
        tokens: the vocabulary; a token's place is its id.
        source: where it comes from, for the message.
        roles: the token of each of `ROLES`. Not given, the vocabulary must have those of one of
            `LAYOUTS`.

    Raises:
        ValueError: naming the source, what is wrong and what to do.
    """
    if not tokens or list(tokens) == [""]:
        raise ValueError(f"{source}: the vocabulary is empty. Train one with mpnet-train-vocab.")
    if "" in tokens:
        raise ValueError(f"{source}: entry {tokens.index('')} is empty. Remove the blank line.")
    token, count = collections.Counter(tokens).most_common(1)[0]
    if count > 1:
        raise ValueError(
            f"{source}: token {token!r} appears {count} times, so its id is unclear. "
            "Keep one of them."
        )
    _check_special_tokens(set(tokens), source=source, roles=roles)
    for index, token in enumerate(tokens):
        if len(token.encode("utf-8")) > MAX_TOKEN_BYTES:
            raise ValueError(
                f"{source}: entry {index} is longer than {MAX_TOKEN_BYTES} bytes. Is this a "
                "vocabulary, one token a line?"
            )


def _check_special_tokens(
    tokens: set[str], *, source: str, roles: Mapping[str, str] | None
) -> None:
    if roles is not None:
        missing = [token for token in roles.values() if token not in tokens]
        if missing:
            raise ValueError(
                f"{source}: the vocabulary lacks the special tokens {', '.join(missing)}. "
                "Add a line for each of them, or name others."
            )
        return
    missing_of = {
        kind: [" or ".join(names) for names in layout.values() if tokens.isdisjoint(names)]
        for kind, layout in LAYOUTS.items()
    }
    if all(missing_of.values()):
        lacks = " or of ".join(f"{kind} ({', '.join(m)})" for kind, m in missing_of.items())
        raise ValueError(
            f"{source}: the vocabulary lacks special tokens: of {lacks}. "
            "Train one with mpnet-train-vocab, or add a line for each token of one kind."
        )
