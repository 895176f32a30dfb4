"""The sentences that `mpnet-show` shows: each objective's slots of the same ones."""

import functools
import sys

import rich.console

from mpnet_tf.cli.application import UsageError
from mpnet_tf.cli.panel_settings import parse_panel
from mpnet_tf.models.tokenizers import open_tokenizer
from mpnet_tf.objectives import TokenRoles, make_objective
from mpnet_tf.visualization.picture_file import write_picture
from mpnet_tf.visualization.slot_example import row_example
from mpnet_tf.visualization.slot_table import slot_table
from mpnet_tf.visualization.visibility_picture import visibility_figure
from mpnet_tf.visualization.word_tokenizer import word_tokenizer

# Without <s> and </s>; more make a picture that nobody reads.
MOST_TOKENS = 60


def show_sentences(texts, panels, *, vocabulary_path, lowercase, seed, picture_path):
    """Prints the tables of sentences that share a row, by several objectives, and draws them.

    Args:
        texts, panels, vocabulary_path, lowercase, seed: as of `make_examples`.
        picture_path: str. Where to write the picture.

    Returns:
        dict of the slots and the picture's path, as JSON can hold it.

    Raises:
        UsageError, ValueError: as by `make_examples`.
        OSError: if the vocabulary cannot be read, or the picture not be written.
    """
    examples = make_examples(
        texts, panels, vocabulary_path=vocabulary_path, lowercase=lowercase, seed=seed
    )
    write_picture(visibility_figure(examples, panels), picture_path)
    for example, panel in zip(examples, panels, strict=True):
        print_table(example, panel)
        if not example.targets:
            print(
                f"{panel}: nothing is predicted; try another --seed, or a higher prediction_rate",
                file=sys.stderr,
            )
    print(f"picture: {picture_path}", file=sys.stderr)
    return {
        "picture": picture_path,
        "panels": [
            {"objective": panel, **example_figures(example)}
            for panel, example in zip(panels, examples, strict=True)
        ],
    }


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
        tokenizer = open_tokenizer(vocabulary_path, lowercase=lowercase)
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


def print_table(example, title):
    """Prints the slots of a `SlotExample` as a table, and an empty line."""
    console = rich.console.Console()
    console.print(slot_table(example, title))
    console.print()


def example_figures(example):
    """Returns a `SlotExample` as JSON can hold it."""
    return {
        "tokens": list(example.tokens),
        "parts": example.parts(),
        "targets": list(example.targets),
        "slots": {name: values.tolist() for name, values in example.slots.items()},
    }


def _tokenized(texts, tokenizer):
    documents = tokenizer(texts).to_list()
    for text, document in zip(texts, documents, strict=True):
        if not document:
            raise UsageError(f"the sentence {text!r} has no token; give one with words")
    num_tokens = sum(map(len, documents))
    if num_tokens > MOST_TOKENS:
        raise UsageError(
            f"the text has {num_tokens} tokens and a picture has room for {MOST_TOKENS}; "
            "give fewer or shorter sentences"
        )
    return documents
