"""What was read, counted while it is read."""

import dataclasses

_DROPPED = "documents_dropped_"


@dataclasses.dataclass
class ReadingReport:
    """Counts of what was read; reports of different files can be added.

    `documents` = documents handed on + the sum of the `documents_dropped_...`, exactly, at any
    moment. What a broken file held behind its break is in none of them.

    Args:
        files: int. Files read, the broken and the empty ones among them.
        files_broken: int. Files that are damaged as a whole; what lies before the break is read.
        files_empty: int. Files, not broken, that hold no document to hand on.
        lines: int. Lines of files that consist of lines: text, JSON Lines, CSV and TSV.
        lines_invalid_utf8: int. Those that are not UTF-8.
        documents: int. Documents found.
        documents_dropped_empty: int. Documents without text, or of blanks alone.
        documents_dropped_invalid_utf8: int. Documents of which nothing is UTF-8.
        documents_dropped_malformed: int. Records that do not have the form, or the text, of a
            document.
    """

    files: int = 0
    files_broken: int = 0
    files_empty: int = 0
    lines: int = 0
    lines_invalid_utf8: int = 0
    documents: int = 0
    documents_dropped_empty: int = 0
    documents_dropped_invalid_utf8: int = 0
    documents_dropped_malformed: int = 0

    def __add__(self, other):
        if not isinstance(other, ReadingReport):
            return NotImplemented
        names = [field.name for field in dataclasses.fields(self)]
        return ReadingReport(*(getattr(self, name) + getattr(other, name) for name in names))

    @property
    def documents_dropped(self):
        """Dict from reason, such as `"malformed"`, to the number of documents dropped for it."""
        return {
            name.removeprefix(_DROPPED): count
            for name, count in dataclasses.asdict(self).items()
            if name.startswith(_DROPPED)
        }

    def drop(self, reason):
        """Counts one more document, found and dropped.

        Args:
            reason: str. One of those in `documents_dropped`.
        """
        self.documents += 1
        name = _DROPPED + reason
        setattr(self, name, getattr(self, name) + 1)
