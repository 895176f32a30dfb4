"""Trains SentencePiece models; the same text always gives the same model."""

import io
import itertools
import os
import pathlib
import re
from collections.abc import Iterable, Iterator

from data_prep.sampling import lowest_documents
from mpnet_tf.conversion.sentencepiece_files import SentencePieceSettings

# As SentencePiece has it: what is left out in Chinese or Japanese are the rarest characters.
DEFAULT_CHARACTER_COVERAGE = 0.9995

# The trainer took up to 60 bytes of memory for each, measured on Chinese text.
MAX_CHARACTERS = 1 << 25

# SentencePiece leaves out lines of more than 4192 bytes; a character has at most four.
_CHARACTERS_PER_LINE = 1000
# Each thread sums up floating-point numbers of its own, so their number, which may be larger than
# that of the cores, decides on the last bits of the result.
_NUM_THREADS = 16
_ERRORS_ALONE = 2
# `<unk>`, `<s>`, `</s>` and what begins a word; a text has a character besides. Asked for fewer,
# SentencePiece does not tell how many it takes.
_TOO_FEW_PIECES = 4
_NO_WORDS = ("!sentences_.empty()", "(all_chars_count) > (0)")
_TOO_SMALL = re.compile(r"smaller than required_chars\. \d+ vs (\d+)")


def train_sentencepiece(
    documents: Iterable[str],
    *,
    size: int,
    character_coverage: float = DEFAULT_CHARACTER_COVERAGE,
) -> bytes:
    """Trains a unigram model for the tokenizer of GLM's Chinese models.

    The text is normalised by NFKC, in which full-width letters become plain ones, and keeps its
    case. Of more than `MAX_CHARACTERS` of text the documents of the lowest hashes are learned from.

    Args:
        documents: texts. Their order does not matter.
        size: number of tokens wanted, with the special tokens that the tokenizer adds to the
            model's pieces. Text with few different words may give fewer.
        character_coverage: share of the text's characters, above 0 and at most 1, that get a
            piece. The rarest characters beyond it are unknown to the tokenizer.

    Returns:
        What a `.model` file holds.

    Raises:
        ValueError: if there is no text, `size` cannot hold its characters, a setting is out of
            range, or the library `sentencepiece` is not installed.

    References:
        - [Kudo, 2018](https://arxiv.org/abs/1804.10959) (the unigram model).
    """
    try:
        import sentencepiece
    except ImportError:
        raise ValueError(
            "To train a SentencePiece vocabulary, sentencepiece must be installed: "
            "`pip install 'mpnet_tf[corpus]'`."
        ) from None
    if not 0 < character_coverage <= 1:
        raise ValueError(
            "`character_coverage` must be above 0 and at most 1. "
            f"Received: character_coverage={character_coverage}"
        )
    num_added = len(SentencePieceSettings.further_tokens)
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_lines(lowest_documents(documents, MAX_CHARACTERS)),
            model_writer=model,
            model_type="unigram",
            vocab_size=max(size - num_added, _TOO_FEW_PIECES),
            # Fewer pieces where the text has no more.
            hard_vocab_limit=False,
            character_coverage=character_coverage,
            num_threads=_NUM_THREADS,
            minloglevel=_ERRORS_ALONE,
        )
    except RuntimeError as error:
        raise ValueError(_explained(str(error), size=size, num_added=num_added)) from error
    return model.getvalue()


def write_model(model: bytes, path: str | os.PathLike) -> None:
    """Writes a model, so that the file is either complete or not there.

    Raises:
        OSError: if the file cannot be written.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(model)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _lines(documents: Iterable[str]) -> Iterator[str]:
    """Yields lines that SentencePiece takes, `MAX_CHARACTERS` in all at most."""
    left = MAX_CHARACTERS
    for line in itertools.chain.from_iterable(map(str.splitlines, documents)):
        start = 0
        while start < len(line) and left > 0:
            end = min(len(line), start + _CHARACTERS_PER_LINE, start + left)
            if end < len(line):
                # No word is cut, unless it is one of a script without spaces.
                space = line.rfind(" ", start + 1, end + 1)
                end = end if space < 0 else space
            yield line[start:end]
            left -= end - start
            start = end


def _explained(message, *, size, num_added):
    """Tells in the user's terms what the trainer complains about."""
    too_small = _TOO_SMALL.search(message)
    if too_small:
        return (
            f"A vocabulary of {size} tokens cannot hold the special tokens and the characters of "
            f"this text. Ask for at least {int(too_small[1]) + num_added}, or for a lower "
            "coverage of characters."
        )
    if any(condition in message for condition in _NO_WORDS):
        return "The text holds no words to train a vocabulary on. Give other text."
    return f"SentencePiece cannot train a model on this text: {message}"
