"""Documents that hold texts with which models are evaluated later.

References:
    - GPT-3, https://arxiv.org/abs/2005.14165, appendix C: 13-grams in common.
"""

import dataclasses

import numpy as np

from data_prep.evaluation_texts import read_evaluation_texts
from data_prep.filesystem import find_files
from data_prep.hashes import HashSet
from data_prep.word_table import WordTable

# How the Penn Treebank, and so SST-2, parts a contraction; "ca n't" has other words than "can't".
_PARTED_CONTRACTION = " n't"


@dataclasses.dataclass(frozen=True)
class ContaminationSettings:
    """What counts as contaminated.

    Args:
        evaluation_files: tuple of str. Names or globs of files with evaluation texts, which
            `read_evaluation_texts` reads.
        ngram_words: int. Words in a row that a document must share with an evaluation text.
        min_words: int. An evaluation text of fewer than `ngram_words` words is one n-gram, found
            where it is in a document as a whole, if it has so many; shorter ones are met by
            chance.
        min_shared: int, at least 1. Different n-grams that a document must share. With more than 1
            a text that is one n-gram is not found alone.
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
        num_ngrams: int. Different n-grams that are looked for, short texts included.
    """

    def __init__(self, texts, settings):
        self._settings = settings
        texts = list(texts)
        words = WordTable.of([*texts, *_with_joined_contractions(texts)])
        num_words = np.diff(words.document_starts)
        is_long_enough = num_words >= settings.min_words
        self.num_texts = int(np.count_nonzero(is_long_enough[: len(texts)]))
        self.num_texts_too_short = len(texts) - self.num_texts
        is_short = is_long_enough & (num_words < settings.ngram_words)
        firsts, lengths = words.document_starts[:-1][is_short], num_words[is_short]
        self._ngrams = HashSet(words.ngram_hashes(settings.ngram_words)[0])
        # A short text is looked for by how it begins.
        self._beginnings = HashSet(words.stretch_hashes(firsts, settings.min_words))
        self._short_texts = {
            int(length): HashSet(words.stretch_hashes(firsts[lengths == length], length))
            for length in np.unique(lengths)
        }
        self.num_ngrams = sum(map(len, (self._ngrams, *self._short_texts.values())))

    @classmethod
    def of_files(cls, settings):
        """Makes the index of `settings.evaluation_files`.

        Raises:
            ValueError: if there are none, one is not as `read_evaluation_texts` wants it, or none
                holds a text long enough.
            OSError: if one cannot be read.
        """
        if not settings.evaluation_files:
            raise ValueError("`evaluation_files` must name files. Received: none")
        texts = [
            text
            for path in find_files(settings.evaluation_files)
            for text in read_evaluation_texts(path)
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
        is_known = self._ngrams.has(hashes)
        found = [(document_index[is_known], hashes[is_known]), *self._find_short_texts(words)]
        documents = np.concatenate([documents for documents, _ in found])
        hashes = np.concatenate([hashes for _, hashes in found])
        different = np.unique(np.stack([documents.astype(np.uint64), hashes]), axis=1)
        shared = np.bincount(different[0].astype(np.int64), minlength=words.num_documents)
        return shared >= self._settings.min_shared

    def _find_short_texts(self, words):
        """Yields the documents and hashes of the short texts of each length that are in some."""
        if not self._short_texts:
            return
        hashes, document_index, firsts = words.ngram_hashes(self._settings.min_words)
        begins = self._beginnings.has(hashes)
        document_index, firsts = document_index[begins], firsts[begins]
        for length, texts in self._short_texts.items():
            fits = firsts + length <= words.document_starts[document_index + 1]
            hashes = words.stretch_hashes(firsts[fits], length)
            is_known = texts.has(hashes)
            yield document_index[fits][is_known], hashes[is_known]


def _with_joined_contractions(texts):
    """Lists the texts that have contractions in two parts, with these as people write them."""
    return [
        text.replace(_PARTED_CONTRACTION, _PARTED_CONTRACTION[1:])
        for text in texts
        if _PARTED_CONTRACTION in text
    ]
