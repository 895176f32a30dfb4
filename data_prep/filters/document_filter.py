"""All filters of a recipe, one after the other."""

from data_prep.filters.blocklist import Blocklist
from data_prep.filters.language import language_reasons
from data_prep.filters.quality import quality_reasons
from data_prep.filters.repetition import repetition_reasons


class DocumentFilter:
    """Judges documents by the filters that `CorpusSteps` names.

    Args:
        steps: `CorpusSteps`.

    Raises:
        ValueError: if the blocklist cannot be used.
    """

    def __init__(self, steps):
        self._steps = steps
        self._blocklist = Blocklist.of_file(steps.blocklist) if steps.blocklist else None

    def reasons(self, texts, words):
        """Finds reasons to drop documents.

        Args:
            texts: list of str.
            words: `WordTable` of them.

        Returns:
            List of str or None: what the first filter that objects says, of quality, repetition,
            blocklist and language.
        """
        steps = self._steps
        found = [[None] * len(texts)]
        if steps.quality is not None:
            found.append(quality_reasons(texts, words, steps.quality))
        if steps.repetition is not None:
            found.append(repetition_reasons(texts, words, steps.repetition))
        if self._blocklist is not None:
            found.append(self._blocklist.reasons(words))
        reasons = [next(filter(None, given), None) for given in zip(*found, strict=True)]
        if steps.language is None:
            return reasons
        # Last, and on what is left alone: it takes as long as all others.
        left = [place for place, reason in enumerate(reasons) if not reason]
        languages = language_reasons([texts[place] for place in left], steps.language)
        for place, reason in zip(left, languages, strict=True):
            reasons[place] = reason
        return reasons
