"""What is wrong with the texts that an embedder is given, told before anything is computed."""

import itertools
from collections.abc import Callable, Sequence

from mpnet_tf.models.argument_checks import check_list_of_texts
from mpnet_tf.models.text_lengths import warn_of_unfit_texts


def check_training_texts(columns: Sequence[Sequence[str]], pack: Callable) -> None:
    """Refuses empty texts, each of which would be the partner of any other, and counts long ones.

    Args:
        columns: the texts, column by column.
        pack: makes features of texts; see `warn_of_texts`.

    Raises:
        ValueError: if a text is empty or blank, or given in place of a list.
    """
    for number, column in enumerate(columns):
        check_list_of_texts("texts", column)
        empty = [row for row, text in enumerate(column) if not text.strip()]
        if empty:
            raise ValueError(
                f"Texts to train on must not be empty. Received: {len(empty)} empty ones, the "
                f"first in column {number}, row {empty[0]}, counted from 0. Leave out their rows."
            )
    warn_of_texts(list(itertools.chain(*columns)), pack, "the training data")


def warn_of_texts(texts: Sequence[str], pack: Callable, source: str) -> None:
    """Warns of texts that are cut and of those without tokens, once each with their count.

    Args:
        texts: the texts.
        pack: makes features of texts. One without a `tokenizer` and a `sequence_length`, which
            `TextPacker` has, cannot be looked into.
        source: what the texts belong to, for the messages.

    Raises:
        ValueError: if a text is given in place of a list.
    """
    check_list_of_texts("texts", texts)
    if hasattr(pack, "tokenizer") and hasattr(pack, "sequence_length"):
        warn_of_unfit_texts([texts], pack, source)
