"""Documents with words or phrases from a list of the user's."""

import dataclasses

import numpy as np

from data_prep.filesystem import open_for_reading
from data_prep.hashes import HashSet
from data_prep.word_table import WordTable

_COMMENT = "#"


@dataclasses.dataclass(frozen=True)
class BlocklistSettings:
    """What is not wanted.

    Args:
        file: str. A text file with a word or phrase a line; lines that begin with `#` are
            comments. Words are compared as `WordTable` has them, so case and punctuation between
            the words of a phrase do not matter.
        min_matches: int, at least 1. So many matches, equal ones counted each, drop a document.
        min_share: float, 0 to 1. They must be so many for each word of the document, too, lest long
            ones are dropped for few.
    """

    file: str = ""
    min_matches: int = 1
    min_share: float = 0.0

    def __post_init__(self):
        if not 0 <= self.min_share <= 1:
            raise ValueError(
                f"`min_share` must be from 0 to 1. Received: min_share={self.min_share}"
            )
        if self.min_matches < 1:
            raise ValueError(
                f"`min_matches` must be at least 1. Received: min_matches={self.min_matches}"
            )


class Blocklist:
    """The words and phrases of a list, looked for in many documents at once.

    Args:
        phrases: iterable of str.
        settings: `BlocklistSettings`.

    Raises:
        ValueError: if one of them has no word, or there is none.
    """

    def __init__(self, phrases, settings):
        phrases = list(phrases)
        words = WordTable.of(phrases)
        num_words = np.diff(words.document_starts)
        if len(phrases) and not num_words.all():
            phrase = phrases[int(np.argmin(num_words))]
            raise ValueError(f"The blocklist has an entry without letters or digits: {phrase!r}")
        starts = words.document_starts[:-1]
        self._settings = settings
        self._phrases = {
            int(n): HashSet(words.stretch_hashes(starts[num_words == n], n))
            for n in np.unique(num_words[num_words > 0])
        }
        if not self._phrases:
            raise ValueError("The blocklist holds no word; give it some, one a line.")

    @classmethod
    def of_file(cls, settings):
        """Reads the list of `settings.file`.

        Raises:
            ValueError: if the file is not named, not UTF-8, or its phrases are not as wanted.
            OSError: if it cannot be read.
        """
        if not settings.file:
            raise ValueError("`file` must name the blocklist. Received: none")
        with open_for_reading(settings.file) as file:
            content = file.read()
        try:
            lines = content.decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise ValueError(f"{settings.file} is not UTF-8 ({error}).") from None
        lines = [line.strip() for line in lines]
        return cls([line for line in lines if line and not line.startswith(_COMMENT)], settings)

    def reasons(self, words):
        """Finds reasons to drop documents.

        Args:
            words: `WordTable` of the documents.

        Returns:
            List of `"blocklisted"` or None.
        """
        num_matches = np.zeros(words.num_documents, np.int64)
        for n, phrases in self._phrases.items():
            hashes, document_index, _ = words.ngram_hashes(n)
            found = document_index[phrases.has(hashes)]
            num_matches += np.bincount(found, minlength=words.num_documents)
        num_words = np.maximum(np.diff(words.document_starts), 1)
        is_dropped = num_matches >= self._settings.min_matches
        is_dropped &= num_matches / num_words >= self._settings.min_share
        return ["blocklisted" if dropped else None for dropped in is_dropped]
