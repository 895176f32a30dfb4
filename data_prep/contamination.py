"""Documents that hold texts with which models are evaluated later.

References:
    - GPT-3, https://arxiv.org/abs/2005.14165, appendix C: 13-grams in common.
"""

import csv
import dataclasses
import json

import numpy as np

from data_prep.filesystem import find_files, open_for_reading
from data_prep.word_table import WordTable

# Slots of the first test for each n-gram: few others get past it, and it fits a cache.
_SLOTS_PER_HASH = 16
_MIN_SLOT_BITS = 16


@dataclasses.dataclass(frozen=True)
class ContaminationSettings:
    """What counts as contaminated.

    Args:
        evaluation_files: tuple of str. Names or globs of files with evaluation texts: every line
            of `.txt`, cell of `.tsv` and `.csv`, and string of `.json` and `.jsonl` is one.
        ngram_words: int. Words in a row that a document must share with an evaluation text.
        min_words: int. Evaluation texts of fewer than `ngram_words` words count if they have so
            many and are in the document as a whole; shorter ones are met by chance.
        min_shared: int, at least 1. N-grams that a document must share.
    """

    evaluation_files: tuple[str, ...] = ()
    ngram_words: int = 13
    min_words: int = 8
    min_shared: int = 1

    def __post_init__(self):
        if not 1 <= self.min_words <= self.ngram_words:
            raise ValueError(
                "`min_words` must be from 1 to `ngram_words`. "
                f"Received: min_words={self.min_words}, ngram_words={self.ngram_words}"
            )
        if self.min_shared < 1:
            raise ValueError(
                f"`min_shared` must be at least 1. Received: min_shared={self.min_shared}"
            )


class ContaminationIndex:
    """The n-grams of evaluation texts.

    Args:
        texts: iterable of str.
        settings: `ContaminationSettings`.

    Attributes:
        num_texts: int. Texts that are long enough to be found.
        num_texts_too_short: int. Others.
    """

    def __init__(self, texts, settings):
        self._settings = settings
        words = WordTable.of(list(texts))
        num_words = np.diff(words.document_starts)
        is_short = (num_words >= settings.min_words) & (num_words < settings.ngram_words)
        self.num_texts = int(np.count_nonzero(num_words >= settings.min_words))
        self.num_texts_too_short = len(num_words) - self.num_texts
        self._ngrams = _HashSet(words.ngram_hashes(settings.ngram_words)[0])
        # A short text is looked for by how it begins.
        firsts, lengths = words.document_starts[:-1][is_short], num_words[is_short]
        self._beginnings = _HashSet(words.stretch_hashes(firsts, settings.min_words))
        self._short_texts = {
            int(length): _HashSet(words.stretch_hashes(firsts[lengths == length], length))
            for length in np.unique(lengths)
        }

    @classmethod
    def of_files(cls, settings):
        """Makes the index of `settings.evaluation_files`.

        Raises:
            ValueError: if there are none, one cannot be read, or none holds a text long enough.
        """
        if not settings.evaluation_files:
            raise ValueError("`evaluation_files` must name files. Received: none")
        texts = [
            text for path in find_files(settings.evaluation_files) for text in read_texts(path)
        ]
        index = cls(texts, settings)
        if not index.num_texts:
            raise ValueError(
                f"No text of {', '.join(settings.evaluation_files)} has {settings.min_words} "
                "words; lower `min_words` or give other files."
            )
        return index

    def contaminated(self, words):
        """Tells which documents hold evaluation texts.

        Args:
            words: `WordTable` of the documents.

        Returns:
            bool array `(num_documents,)`.
        """
        hashes, document_index, _ = words.ngram_hashes(self._settings.ngram_words)
        found = [document_index[self._ngrams.has(hashes)]]
        if self._short_texts:
            hashes, document_index, firsts = words.ngram_hashes(self._settings.min_words)
            begins = self._beginnings.has(hashes)
            document_index, firsts = document_index[begins], firsts[begins]
            for length, texts in self._short_texts.items():
                fits = firsts + length <= words.document_starts[document_index + 1]
                is_text = texts.has(words.stretch_hashes(firsts[fits], length))
                found.append(document_index[fits][is_text])
        shared = np.bincount(np.concatenate(found), minlength=words.num_documents)
        return shared >= self._settings.min_shared


def read_texts(path):
    """Yields all that may be a text in a file of a data set, whatever its layout.

    Args:
        path: str.

    Yields:
        str: lines of `.txt`, cells of `.tsv` and `.csv`, strings of `.json` and `.jsonl`.

    Raises:
        ValueError: if the file is of no such kind or broken.
    """
    with open_for_reading(path) as file:
        content = file.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 ({error}); save it as UTF-8.") from None
    lines = text.split("\n")
    if path.endswith(".txt"):
        yield from lines
    elif path.endswith(".tsv") or (path.endswith(".csv") and "\t" in lines[0]):
        for line in lines:
            yield from line.rstrip("\r").split("\t")
    elif path.endswith(".csv"):
        for row in csv.reader(lines):
            yield from row
    elif path.endswith((".json", ".jsonl")):
        try:
            values = [json.loads(part) for part in _json_parts(path, lines)]
        except ValueError as error:
            raise ValueError(f"{path} is not valid JSON ({error}).") from None
        yield from _strings(values)
    else:
        raise ValueError(
            f"{path} is of no known kind of evaluation file; give .txt, .tsv, .csv, .json or .jsonl"
        )


def _json_parts(path, lines):
    return [line for line in lines if line.strip()] if path.endswith("l") else ["\n".join(lines)]


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


class _HashSet:
    """A set of uint64 that many others are looked up in at once."""

    def __init__(self, hashes):
        self._hashes = np.unique(hashes)
        slots = max(1 << _MIN_SLOT_BITS, _SLOTS_PER_HASH * len(self._hashes))
        self._shift = np.uint64(64 - (slots - 1).bit_length())
        self._is_taken = np.zeros(1 << (64 - int(self._shift)), bool)
        self._is_taken[self._hashes >> self._shift] = True

    def has(self, hashes):
        """Returns for each of a uint64 array whether it is in the set: a bool array."""
        found = self._is_taken[hashes >> self._shift]
        places = np.flatnonzero(found)
        candidates = hashes[places]
        nearest = np.searchsorted(self._hashes, candidates)
        nearest = np.minimum(nearest, len(self._hashes) - 1)
        if len(places):
            found[places] = self._hashes[nearest] == candidates
        return found
