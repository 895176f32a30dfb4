"""The examples that `mpnet-show` shows: each objective's slots of the same sentences."""

import functools

from mpnet_tf.cli.application import UsageError
from mpnet_tf.cli.panel_settings import parse_panel
from mpnet_tf.models import MPNetTokenizer
from mpnet_tf.objectives import TokenRoles, make_objective
from mpnet_tf.visualization.slot_example import row_example
from mpnet_tf.visualization.word_tokenizer import word_tokenizer

# Without <s> and </s>; more make a picture that nobody reads.
_MOST_TOKENS = 60


def make_examples(texts, panels, *, vocabulary_path, lowercase, seed):
    """Makes the slots of sentences that share a row, by several objectives.

    Args:
        texts: list of str, the sentences.
        panels: list of str, as `parse_panel` reads them.
        vocabulary_path: str or None. None takes the words of the sentences.
        lowercase: bool. Whether to lowercase the text and strip its accents.
        seed: int.

    Returns:
        List of `SlotExample`, one for each of `panels`.

    Raises:
        UsageError: if there is no text, or too much of it, or a panel cannot be read.
        ValueError: if a setting is out of its range, or the vocabulary does not serve.
        OSError: if the vocabulary cannot be read.
    """
    if not texts:
        raise UsageError('no sentence to show; give one in quotes: "the cat sat on the mat"')
    for text in texts:
        # What the terminal sends as other bytes arrives as lone surrogates.
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise UsageError(f"the sentence {text!r} is not UTF-8")
    try:
        objectives = [parse_panel(panel) for panel in panels]
    except ValueError as error:
        raise UsageError(error) from error
    if vocabulary_path:
        tokenizer = MPNetTokenizer(vocabulary_path, lowercase=lowercase)
    else:
        tokenizer = word_tokenizer(texts, lowercase=lowercase)
    documents = _tokenized(texts, tokenizer)
    roles = TokenRoles.from_tokenizer(tokenizer)
    examples = []
    for panel, (name, settings) in zip(panels, objectives, strict=True):
        make_panel = functools.partial(make_objective, name, roles, **settings)
        try:
            examples.append(row_example(documents, tokenizer, make_panel, seed=seed))
        except ValueError as error:
            raise ValueError(f"--objective={panel}: {error}") from error
    return examples


def _tokenized(texts, tokenizer):
    documents = tokenizer(texts).to_list()
    for text, document in zip(texts, documents, strict=True):
        if not document:
            raise UsageError(f"the sentence {text!r} has no token; give one with words")
    num_tokens = sum(map(len, documents))
    if num_tokens > _MOST_TOKENS:
        raise UsageError(
            f"the text has {num_tokens} tokens and a picture has room for {_MOST_TOKENS}; "
            "give fewer or shorter sentences"
        )
    return documents
