"""Which tokenizer cuts a run's text: its own, a given one, that of its weights, or a new one."""

import os

from data_prep import vocabulary as vocabulary_trainer
from data_prep.readers import read_documents
from data_prep.reference_text import reference_documents
from mpnet_tf.cli.progress import announce
from mpnet_tf.conversion.checkpoint_vocabulary import fitted, read_checkpoint_vocabulary
from mpnet_tf.data.manifest import TOKENIZER_DIRECTORY
from mpnet_tf.data.output_directory import appearing_directory, explained_write_errors
from mpnet_tf.data.vocabulary import write_vocabulary
from mpnet_tf.models.tokenizers import open_tokenizer, tokenizer_of_body

# In a run directory.
_TOKENIZER_OF_WEIGHTS = "tokenizer"
_TRAINED_VOCABULARY = "vocab.txt"
_SHARDS_TOKENIZER = os.path.join("shards", TOKENIZER_DIRECTORY)


def open_run_tokenizer(config, run, warm_start, *, patterns, vocabulary_path, reading):
    """Opens the tokenizer for a run's text; trains a vocabulary where there is none.

    A run that was begun goes on with its own. What is new is kept in the run directory, so that it
    needs neither the weights nor the training again.

    Args:
        config: `PretrainingConfig`.
        run: `RunDirectory`.
        warm_start: `WarmStart`, or None.
        patterns: list of str, globs of text to train a vocabulary on; None for the default corpus.
        vocabulary_path: str or None. What `open_tokenizer` takes, or with weights in one file
            `read_checkpoint_vocabulary`. None for the tokenizer of the weights, or a trained one.
        reading: dict of arguments of `read_documents`.

    Returns:
        A tokenizer.

    Raises:
        ValueError: if the given tokenizer is not the run's own, or the weights' tokenizer does not
            suit the config or is not known.
        OSError: if something cannot be read or written.
    """
    own_path = _own_path(run)
    if own_path is not None:
        tokenizer = open_tokenizer(own_path, lowercase=config.data.lowercase)
        if vocabulary_path is not None:
            _check_given(config, run, vocabulary_path, tokenizer=tokenizer, own_path=own_path)
        return tokenizer
    # Read with a checkpoint in one file, a vocabulary gets as many tokens as its table has.
    if warm_start is not None and (vocabulary_path is None or warm_start.source.is_file):
        return _tokenizer_of_weights(config, run, warm_start)
    if vocabulary_path is None:
        vocabulary_path = _train_vocabulary(config, run, patterns=patterns, reading=reading)
    return open_tokenizer(vocabulary_path, lowercase=config.data.lowercase)


def _own_path(run):
    """Returns where a run's own tokenizer lies, or None where it has none yet."""
    if not run.is_begun:
        # Shards of an earlier start were not yet bound to its config.
        return None
    paths = map(run.file, (_TOKENIZER_OF_WEIGHTS, _SHARDS_TOKENIZER, _TRAINED_VOCABULARY))
    return next(filter(os.path.exists, paths), None)


def _check_given(config, run, path, *, tokenizer, own_path):
    """Refuses a tokenizer that is not the run's own."""
    if _is_from_one_file(run):
        settings = read_checkpoint_vocabulary(path)
        num_given = tokenizer_of_body(config.model.body, settings).vocabulary_size()
        settings = fitted(
            settings,
            tokenizer.vocabulary_size(),
            path=path,
            # What the table had room for, whatever the checkpoint's kind calls it.
            further_tokens=tokenizer.get_vocabulary()[num_given:],
        )
        given = tokenizer_of_body(config.model.body, settings)
    else:
        given = open_tokenizer(path, lowercase=config.data.lowercase)
    if given.fingerprint != tokenizer.fingerprint:
        raise ValueError(
            "--vocab must be the vocabulary that the run was begun with. Received: "
            f"--vocab={path}, whose tokenizer is another than the run's own in {own_path}. Leave "
            "--vocab out to go on with the run's own, or choose another run directory."
        )


def _is_from_one_file(run):
    """Returns whether a run was begun from weights in one file, which is then recorded alone."""
    origin = run.origin
    return origin is not None and [*origin["weights"]] == [os.path.basename(origin["path"])]


def _tokenizer_of_weights(config, run, warm_start):
    """Returns the weights' tokenizer and keeps it: once it goes on, the run needs no weights."""
    tokenizer = warm_start.source.tokenizer
    if tokenizer is None:
        raise ValueError(
            "--vocab must be given with weights that do not tell their vocabulary. "
            f"Received: --init_from={warm_start.source.path}"
        )
    if tokenizer.lowercase != config.data.lowercase:
        raise ValueError(
            "`data.lowercase` must be that of the weights' tokenizer. Received: lowercase: "
            f"{config.data.lowercase} in the new run, {tokenizer.lowercase} in the "
            f"{warm_start.source.kind}. Set --config.data.lowercase={tokenizer.lowercase}"
        )
    announce(f"using the vocabulary of {warm_start.source.path}")
    run.begin()
    path = run.file(_TOKENIZER_OF_WEIGHTS)
    with appearing_directory(path) as unfinished, explained_write_errors(path):
        tokenizer.save_to_preset(unfinished)
    return tokenizer


def _train_vocabulary(config, run, *, patterns, reading):
    """Trains a vocabulary on the text and keeps it; returns its path."""
    announce("training a vocabulary")
    documents = read_documents(patterns, **reading) if patterns else reference_documents()
    tokens = vocabulary_trainer.train_vocabulary(
        documents, size=config.data.vocabulary_size, lowercase=config.data.lowercase
    )
    # Before the vocabulary, whose size it says.
    run.begin()
    path = run.file(_TRAINED_VOCABULARY)
    with explained_write_errors(path):
        write_vocabulary(tokens, path)
    return path
