"""Where the text of a set of shards comes from: files of the user's, or the default corpus."""

import hashlib
import platform

from data_prep import readers, reference_text
from mpnet_tf.data.manifest import FileRecord, hash_file


class FileSource:
    """Documents from text files.

    Args:
        patterns: iterable of str. File names or globs, as for `readers.read_documents`.
        json_field: str. The field with the text in `.jsonl`.
        strict: bool. Whether to stop at damaged input.

    Attributes:
        settings: dict. What changes the documents besides the files' content.
        records: tuple of `FileRecord`. Identifies the text.
    """

    def __init__(self, patterns, *, json_field, strict):
        self._patterns = tuple(patterns)
        self._strict = strict
        self.settings = {"json_field": json_field}
        self.records = tuple(hash_file(path) for path in readers.find_files(self._patterns))

    def documents(self, report):
        """Yields the documents, counting them in `report`, a `ReadingReport`."""
        return readers.read_documents(
            self._patterns, strict=self._strict, report=report, **self.settings
        )


class ReferenceSource:
    """Documents of the default corpus; the same attributes as `FileSource`."""

    def __init__(self):
        self._documents = reference_text.reference_documents()
        self.settings = {}
        text = "\n\n".join(self._documents).encode("utf-8")
        name = f"reference text of CPython {platform.python_version()}"
        self.records = (FileRecord(name, len(text), hashlib.sha256(text).hexdigest()),)

    def documents(self, report):
        """Yields the documents, counting them in `report`, a `ReadingReport`."""
        for document in self._documents:
            report.documents += 1
            yield document
