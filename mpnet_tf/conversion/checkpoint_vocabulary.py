"""Vocabularies for checkpoints that hold none, fitted to the rows of their tables."""

import os

from absl import logging

from mpnet_tf.conversion.sentencepiece_files import find_model, read_sentencepiece
from mpnet_tf.conversion.tokenizer_files import read_tokenizer_files
from mpnet_tf.conversion.wordpiece_settings import TokenizerSettings
from mpnet_tf.data import vocabulary as vocabulary_lib

# What fairseq adds to the entries of a dict.txt, before and after them.
_FIRST_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")
_LAST_TOKEN = "<mask>"
# Programs round their tables up, but not by more.
_MOST_SPARE_SHARE = 0.1


def read_checkpoint_vocabulary(path):
    """Reads what numbered a checkpoint's tokens.

    Args:
        path: str. A directory with a tokenizer of `transformers` or of GLM's authors; a
            SentencePiece model such as their `cog-pretrain.model`; a `vocab.txt`, one token a line;
            or fairseq's `dict.txt`, a token and its count a line, to which fairseq adds tokens.
            The last two stand for lower-cased text, as the released vocabularies are.

    Returns:
        Settings as `read_tokenizer_files` returns them.

    Raises:
        ValueError: if it is none of these.
    """
    if os.path.isdir(path):
        tokenizer = read_tokenizer_files(path)
        if tokenizer is None:
            raise ValueError(f"{path} holds no tokenizer of transformers or of GLM's authors.")
        return tokenizer
    if find_model(path) is not None:
        return read_sentencepiece(path)
    try:
        with open(path, encoding="utf-8") as file:
            entries = [line.rstrip("\n").rsplit(" ", 1) for line in file if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if entries and all(len(entry) == 2 and entry[1].isdigit() for entry in entries):
        tokens = [*_FIRST_TOKENS, *(token for token, _ in entries), _LAST_TOKEN]
        vocabulary_lib.check_vocabulary(tokens, source=path)
        return _settings(tokens)
    return _settings(vocabulary_lib.read_vocabulary(path))


def _settings(tokens):
    roles = vocabulary_lib.special_roles(tokens)
    is_berts = vocabulary_lib.layout_of_roles(roles) == "BERT"
    return TokenizerSettings(
        vocabulary=tuple(tokens),
        lowercase=True,
        strip_accents=True,
        split_chinese=True,
        special_tokens=roles,
        pair_separators=1 if is_berts else 2,
        has_segment_ids=is_berts,
        model_max_length=None,
    )


def check_size(tokenizer, num_rows, *, path):
    """Checks that a vocabulary may be that of a table, and warns where it hardly is.

    Args:
        tokenizer: settings as `read_tokenizer_files` returns them.
        num_rows: int. Rows of the table.
        path: str. Where the vocabulary was read, for the message.

    Raises:
        ValueError: if the table has fewer rows than there are tokens.
    """
    num_tokens = len(tokenizer.tokens)
    if num_tokens > num_rows:
        raise ValueError(
            f"{path} gives {num_tokens} tokens, where the model's table has {num_rows} rows. "
            "Give the vocabulary that the model was trained with."
        )
    if num_rows - num_tokens > _MOST_SPARE_SHARE * num_rows:
        logging.warning(
            "%s gives %d tokens, where the model's table has %d rows. Is it the vocabulary that "
            "the model was trained with?",
            path,
            num_tokens,
            num_rows,
        )


def fitted(tokenizer, num_rows, *, path, further_tokens=()):
    """Gives a vocabulary as many tokens as a table has rows.

    Args:
        tokenizer: settings as `read_tokenizer_files` returns them.
        num_rows: int. Rows of the table, which programs round up to a round number.
        path: str. Where the vocabulary was read, for the message.
        further_tokens: sequence of str. What the program adds to the vocabulary, where it is not
            there already and there is room. Then come names for the rows that are left.

    Returns:
        Settings of the same kind.

    Raises:
        ValueError: if the table has fewer rows than there are tokens.
    """
    check_size(tokenizer, num_rows, path=path)
    tokens = tokenizer.tokens
    num_left = num_rows - len(tokens)
    further = [token for token in further_tokens if token not in tokens][:num_left]
    named = sum(map(vocabulary_lib.is_filler, tokens))
    fillers = vocabulary_lib.filler_tokens(num_left - len(further), first=named)
    return tokenizer.extended([*further, *fillers])
