"""A classification as a question with a blank, and the words that answer it."""

import dataclasses
import re
from collections.abc import Mapping

BLANK = "[MASK]"
TEXT, PAIR = "{text}", "{pair}"

# What may be taken for a blank or a place for a text, whether or not it is one.
_ANY_BLANK = re.compile(r"\[\w?MASK\]")
_ANY_PLACE = re.compile(r"\{[^{}]*\}")
_PART = re.compile(rf"(\s*)({'|'.join(map(re.escape, (BLANK, TEXT, PAIR)))})")


@dataclasses.dataclass(frozen=True)
class PatternPart:
    """A part of a pattern.

    Args:
        words: str. Text of the pattern itself; before the blank or a text, the white space there.
        place: `BLANK`, `TEXT`, `PAIR`, or None for a part of words alone.
    """

    words: str
    place: str | None


@dataclasses.dataclass(frozen=True)
class ClozePattern:
    """A pattern that makes a text a question with a blank, and the answer for each class.

    Args:
        pattern: str. Has `[MASK]` once, for the blank; `{text}` once, for the text or the first of
            a pair; and for a task on pairs `{pair}` once, for the second.
        verbalizers: mapping from the names of the classes, in the order of their ids, to the words
            that fill the blank, one or several.

    Raises:
        ValueError: if a field is of another kind, the pattern has other places, or there are fewer
            than two classes, a class without words, or two with the same words.

    Example:

    ```python
    ClozePattern("{text} It was [MASK].", {"0": "terrible", "1": "great"})
    ```

    References:
        [PET](https://arxiv.org/abs/2001.07676), section 3.1;
        [GLM](https://arxiv.org/abs/2103.10360), section 2.3.
    """

    pattern: str
    verbalizers: Mapping[str, str]

    def __post_init__(self):
        if not isinstance(self.pattern, str):
            raise ValueError(f"`pattern` must be a string. Received: pattern={self.pattern!r}")
        self._check_places()
        self._check_verbalizers()

    def _check_places(self):
        blanks = _ANY_BLANK.findall(self.pattern)
        if blanks != [BLANK]:
            raise ValueError(
                f"`pattern` must have one blank, {BLANK}. Received: pattern={self.pattern!r}, with "
                f"{', '.join(blanks) or 'none'}"
            )
        places = _ANY_PLACE.findall(self.pattern)
        if sorted(places) not in ([TEXT], [PAIR, TEXT]):
            raise ValueError(
                f"`pattern` must have {TEXT} once, {PAIR} once where the task is on pairs, and no "
                f"other braces. Received: pattern={self.pattern!r}, with "
                f"{', '.join(places) or 'none'}"
            )

    def _check_verbalizers(self):
        verbalizers = self.verbalizers
        is_mapping = isinstance(verbalizers, Mapping)
        if not is_mapping or not all(
            isinstance(part, str) for pair in verbalizers.items() for part in pair
        ):
            raise ValueError(
                "`verbalizers` must map the names of classes to words, all strings. "
                f"Received: verbalizers={verbalizers!r}"
            )
        words = [words.split() for words in verbalizers.values()]
        if len(words) < 2:
            raise ValueError(
                "`verbalizers` must have two or more classes. "
                f"Received: verbalizers={dict(verbalizers)}"
            )
        if not all(words) or any(one in words[:number] for number, one in enumerate(words)):
            raise ValueError(
                "`verbalizers` must have words for each class, and no two classes the same. "
                f"Received: verbalizers={dict(verbalizers)}"
            )

    @property
    def class_names(self):
        """tuple of str. The classes in the order of their ids."""
        return tuple(self.verbalizers)

    @property
    def has_pair(self):
        """bool. Whether it takes pairs of texts."""
        return PAIR in self.pattern

    @property
    def parts(self):
        """tuple of `PatternPart`, in the order of the pattern."""
        parts, begin = [], 0
        for match in _PART.finditer(self.pattern):
            parts.append(PatternPart(self.pattern[begin : match.start()], None))
            parts.append(PatternPart(match[1], match[2]))
            begin = match.end()
        parts.append(PatternPart(self.pattern[begin:], None))
        return tuple(part for part in parts if part.words or part.place)
