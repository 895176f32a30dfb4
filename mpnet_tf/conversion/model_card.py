"""What a hub reads at the head of a model's card, by the library that the model is for."""

import re

CARD_FILE = "README.md"
_FRONT_MATTER = {
    "keras": {"library_name": "keras-hub"},
    "huggingface": {"library_name": "transformers"},
    "sentence_transformers": {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
    },
}
_PATTERN = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def front_matter(to):
    """Returns the head of a card.

    Args:
        to: str. "keras", "huggingface" or "sentence_transformers".
    """
    lines = [f"{name}: {value}" for name, value in _FRONT_MATTER[to].items()]
    return "\n".join(["---", *lines, "---"])


def card_for(to, card):
    """Returns a card with the entries of its head that tell the library changed.

    Args:
        to: str. As `front_matter` takes it.
        card: str. The card's text, with a head or without.
    """
    head = _PATTERN.match(card)
    if head is None:
        return f"{front_matter(to)}\n\n{card}"
    names = {name for entries in _FRONT_MATTER.values() for name in entries}
    kept = [
        line
        for line in head.group().splitlines()[1:-1]
        if line.partition(":")[0].strip() not in names
    ]
    new = front_matter(to).splitlines()
    return "\n".join([*new[:-1], *kept, new[-1]]) + "\n" + card[head.end() :]
