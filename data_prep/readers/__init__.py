"""Reading documents from files of many formats, compressed or not, near or far."""

from data_prep.readers.documents import find_files, read_documents, read_file
from data_prep.readers.formats import EXTENSIONS, markup_of
from data_prep.readers.report import ReadingReport

__all__ = [
    "EXTENSIONS",
    "ReadingReport",
    "find_files",
    "markup_of",
    "read_documents",
    "read_file",
]
