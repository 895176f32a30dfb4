"""Cleaning of raw texts: markup, remnants of it, broken Unicode, boilerplate, blanks."""

import dataclasses
import functools
import importlib
import unicodedata
from collections.abc import Callable

from data_prep.cleaning.boilerplate import remove_boilerplate_lines
from data_prep.cleaning.control_characters import remove_control_characters
from data_prep.cleaning.whitespace import normalize_whitespace

MARKUPS = ("plain", "html", "wikitext")
NORMALIZATION_FORMS = (None, "NFC", "NFKC")

MOJIBAKE = "mojibake"
EMPTY = "empty_after_cleaning"

# What one step removes may bring together what an earlier one removes, such as `<<b>br>`. Text that
# still changes after so many rounds was made to.
_MAX_ROUNDS = 8


@dataclasses.dataclass(frozen=True)
class CleaningSettings:
    """Which steps of cleaning are done. All of them are, in this order, unless switched off.

    Args:
        remove_html: bool. Remove tags, comments and scripts and replace entities left in plain text
            (`html_remnants`).
        repair_unicode: bool. Repair mojibake, line ends, surrogates and Latin ligatures by ftfy
            (`unicode_repair`).
        drop_mojibake: bool. Drop documents that still are mojibake (`mojibake`).
        remove_control_characters: bool. Remove characters that show nothing
            (`control_characters`).
        normalize: str or None. Unicode normalisation form, `"NFC"` (the default, which changes no
            meaning) or `"NFKC"` (which also makes full width, ligatures and superscripts plain);
            None for none.
        remove_boilerplate: bool. Remove lines that are menus, notices, counters or dates
            (`boilerplate`).
        normalize_whitespace: bool. One space between words, one empty line between paragraphs
            (`whitespace`).
        html_main_content: bool. Of whole HTML pages, leave out menus, headers, footers and so on.

    Raises:
        ValueError: if `normalize` is of no known form.
    """

    remove_html: bool = True
    repair_unicode: bool = True
    drop_mojibake: bool = True
    remove_control_characters: bool = True
    normalize: str | None = "NFC"
    remove_boilerplate: bool = True
    normalize_whitespace: bool = True
    html_main_content: bool = True

    def __post_init__(self):
        if self.normalize not in NORMALIZATION_FORMS:
            raise ValueError(
                f"`normalize` must be one of {', '.join(map(repr, NORMALIZATION_FORMS))}. "
                f"Received: normalize={self.normalize!r}"
            )


@dataclasses.dataclass(frozen=True)
class CleanedTexts:
    """Texts after cleaning.

    Args:
        texts: list of str, one for each document; `""` where nothing is left.
        reasons: list of str or None, one for each document. Why it is to be dropped: `"mojibake"`
            (it is, and cannot be repaired) or `"empty_after_cleaning"`; None if it stays.
        counts: dict from str to int, with the same keys for the same settings. Sums over the
            documents, so that those of chunks add up.
    """

    texts: list[str]
    reasons: list[str | None]
    counts: dict[str, int]


def clean_texts(
    texts: list[str], settings: CleaningSettings, *, markup: str = "plain"
) -> CleanedTexts:
    """Cleans documents, each on its own.

    Cleaning what was cleaned changes nothing.

    Args:
        texts: list of str, one for each document.
        settings: `CleaningSettings`.
        markup: str. What the texts carry: `"plain"`, `"html"` (whole pages) or `"wikitext"`, which
            becomes plain text first.

    Returns:
        `CleanedTexts`.

    Raises:
        ValueError: if `markup` is unknown, or a library that a step needs is not installed.
    """
    if markup not in MARKUPS:
        raise ValueError(
            f"`markup` must be one of {', '.join(MARKUPS)}. Received: markup={markup!r}"
        )
    remove_markup = _markup_remover(settings, markup)
    steps = _steps(settings)
    is_mojibake = _load("mojibake", "ftfy").is_mojibake if settings.drop_mojibake else None
    cleaned, reasons, counts = [], [], dict.fromkeys(steps, 0)
    for text in texts:
        if remove_markup is not None:
            text = remove_markup(text)
        text, changes = _apply(steps, text)
        for counter, count in changes.items():
            counts[counter] += count
        cleaned.append(text)
        if not text or text.isspace():
            reasons.append(EMPTY)
        else:
            reasons.append(MOJIBAKE if is_mojibake is not None and is_mojibake(text) else None)
    return CleanedTexts(cleaned, reasons, counts)


def _apply(steps: dict[str, Callable], text: str) -> tuple[str, dict[str, int]]:
    """Repeats all steps until none changes the text.

    Returns:
        `(text, changes)`: what is left, and how much each step that did something did.
    """
    changes = {}
    for _ in range(_MAX_ROUNDS):
        before = text
        for counter, step in steps.items():
            text, count = step(text)
            if count:
                counts_documents = counter.startswith("documents_")
                changes[counter] = 1 if counts_documents else changes.get(counter, 0) + count
        if text == before:
            break
    return text, changes


def _steps(settings: CleaningSettings) -> dict[str, Callable]:
    """Returns the steps in order, by what they count: functions from a text to `(text, count)`."""
    steps = {}
    if settings.remove_html:
        steps["html_remnants_removed"] = _load("html_remnants", "ftfy").remove_html_remnants
    if settings.repair_unicode:
        steps["documents_repaired"] = _counted(_load("unicode_repair", "ftfy").repair_unicode)
    if settings.remove_control_characters:
        steps["control_characters_removed"] = remove_control_characters
    if settings.normalize is not None:
        steps["documents_normalized"] = _counted(
            functools.partial(unicodedata.normalize, settings.normalize)
        )
    if settings.remove_boilerplate:
        steps["boilerplate_lines_removed"] = remove_boilerplate_lines
    if settings.normalize_whitespace:
        steps["documents_with_blanks_changed"] = _counted(normalize_whitespace)
    return steps


def _counted(change: Callable[[str], str]) -> Callable[[str], tuple[str, int]]:
    def step(text):
        changed = change(text)
        return changed, int(changed != text)

    return step


def _markup_remover(settings: CleaningSettings, markup: str) -> Callable[[str], str] | None:
    if markup == "html":
        return functools.partial(
            _load("html_documents", "resiliparse").html_to_text,
            main_content=settings.html_main_content,
        )
    if markup == "wikitext":
        return _load("wikitext", "mwparserfromhell").wikitext_to_text
    return None


def _load(module: str, library: str):
    """Imports a module of this package that needs an optional library."""
    try:
        return importlib.import_module(f"data_prep.cleaning.{module}")
    except ImportError as error:
        raise ValueError(
            f"Cleaning with these settings needs {library}. Install it by "
            "`pip install 'mpnet_tf[corpus]'`, or switch the steps off that need it."
        ) from error
