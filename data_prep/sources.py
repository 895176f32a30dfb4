"""What a set of shards is made of: files of the user's sources, or the default corpus."""

import dataclasses
import hashlib
import math
import os
import platform
from collections.abc import Mapping
from numbers import Real

from data_prep import reference_text
from data_prep.filesystem import file_size, open_for_reading
from data_prep.pipeline.chunks import split_into_chunks
from data_prep.readers import ReadingReport, find_files, markup_of, read_file
from mpnet_tf.data.manifest import FileRecord, hash_file

DEFAULT_SOURCE = "input"


@dataclasses.dataclass(frozen=True)
class Source:
    """Files that are mixed in together.

    Args:
        name: str. How the manifest calls them.
        patterns: tuple of str. File names or globs, as for `readers.find_files`.
        weight: float, at least 0. How often a document is wanted: 2 gives each twice, 0.3 takes
            three in ten, chosen by a hash of their content. What is held out is there once.
    """

    name: str
    patterns: tuple[str, ...]
    weight: float = 1.0

    def __post_init__(self):
        if not self.name:
            raise ValueError("A source must have a name.")
        if not any(self.patterns):
            raise ValueError(f"The source {self.name!r} has no input; give it file names or globs.")
        is_number = isinstance(self.weight, Real)
        if not (is_number and math.isfinite(self.weight) and self.weight >= 0):
            raise ValueError(
                f"`weight` must be a number, at least 0. Received: weight={self.weight!r} "
                f"of the source {self.name!r}"
            )

    @classmethod
    def from_dict(cls, name, values):
        """Makes a source from its section of a recipe.

        Args:
            name: str. The section's name.
            values: dict of `input`, a glob or several of them, and perhaps `weight`.

        Raises:
            ValueError: if there is no `input`, a name is unknown or a value makes no sense.
        """
        known = isinstance(values, Mapping) and {"input"} <= set(values) <= {"input", "weight"}
        if not known:
            received = sorted(values) if isinstance(values, Mapping) else repr(values)
            raise ValueError(
                f"The source {name!r} must be a ConfigDict of `input` and, if not 1, `weight`. "
                f"Received: {received}"
            )
        patterns = values["input"]
        patterns = (patterns,) if isinstance(patterns, str) else tuple(patterns)
        return cls(name, patterns, values.get("weight", 1.0))


@dataclasses.dataclass(frozen=True)
class InputFile:
    """One file of a corpus: its number in the order of all, its source's name and its path."""

    number: int
    source: str
    path: str


@dataclasses.dataclass(frozen=True)
class FileReading:
    """What reading a file of a corpus found.

    Args:
        number: int. The file's number.
        source: str. Name of the file's source.
        record: `FileRecord`. Identifies its content.
        report: `ReadingReport`. Counts of what was read.
    """

    number: int
    source: str
    record: FileRecord
    report: ReadingReport


class Corpus:
    """The files of all sources.

    Args:
        sources: iterable of `Source`, of which each has its own name. Files are read in the order
            of the sources, each one's in sorted order.
        json_field: str. The field or column with the text.
        strict: bool. Whether damaged input is refused instead of counted.

    Attributes:
        files: tuple of `InputFile`.
        size_bytes: int. Bytes of all files.
        weights: dict from source's name to its weight.
        settings: dict. What changes the documents besides the files' content.

    Raises:
        ValueError: if a name occurs twice, a glob matches no file, or a file is in two sources.
    """

    def __init__(self, sources, *, json_field, strict):
        sources = tuple(sources)
        self.weights = {source.name: source.weight for source in sources}
        if len(self.weights) < len(sources):
            raise ValueError(
                "Each source must have its own name. "
                f"Received: {', '.join(source.name for source in sources)}"
            )
        self._reading = {"json_field": json_field, "strict": strict}
        found = [(source.name, path) for source in sources for path in find_files(source.patterns)]
        self.files = tuple(
            InputFile(number, source, path) for number, (source, path) in enumerate(found)
        )
        owners = {}
        for file in self.files:
            if owners.setdefault(file.path, file.source) != file.source:
                raise ValueError(
                    f"{file.path} is in two sources, {owners[file.path]!r} and {file.source!r}; "
                    "leave it out of one."
                )
        self.size_bytes = sum(file_size(file.path) for file in self.files)
        # Whether damage was refused changes nothing in what was not refused.
        self.settings = {"json_field": json_field, "sources": self.weights}

    def read_file(self, file, add_reading):
        """Yields the chunks of a file.

        Args:
            file: `InputFile`.
            add_reading: callable, given the `FileReading` when the file has been read.

        Yields:
            `Chunk`.
        """
        report = ReadingReport()
        yield from split_into_chunks(
            read_file(file.path, report=report, **self._reading),
            file_number=file.number,
            source=file.source,
            file_name=os.path.basename(file.path),
            markup=markup_of(file.path),
        )
        add_reading(FileReading(file.number, file.source, self.record_of(file), report))

    def has_markup(self, file):
        """Tells whether the documents of an `InputFile` carry HTML or wikitext."""
        return markup_of(file.path) != "plain"

    def record_of(self, file):
        """Returns the `FileRecord` of an `InputFile`."""
        with open_for_reading(file.path) as opened:
            return hash_file(file.path, opened=opened)


class ReferenceCorpus:
    """The default corpus; the same interface as `Corpus`."""

    def __init__(self):
        self._documents = reference_text.reference_documents()
        text = "\n\n".join(self._documents).encode("utf-8")
        name = f"reference text of CPython {platform.python_version()}"
        self._record = FileRecord(name, len(text), hashlib.sha256(text).hexdigest())
        self.files = (InputFile(0, DEFAULT_SOURCE, name),)
        self.size_bytes = len(text)
        self.weights = {DEFAULT_SOURCE: 1.0}
        self.settings = {}

    def read_file(self, file, add_reading):
        """Yields the documents as chunks; see `Corpus.read_file`."""
        yield from split_into_chunks(
            self._documents,
            file_number=file.number,
            source=file.source,
            file_name=file.path,
            markup="plain",
        )
        report = ReadingReport(files=1, documents=len(self._documents))
        add_reading(FileReading(file.number, file.source, self._record, report))

    def has_markup(self, file):
        """Tells whether the documents carry markup: no."""
        del file
        return False

    def record_of(self, file):
        """Returns the `FileRecord` of the text."""
        del file
        return self._record
