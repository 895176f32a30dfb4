"""The formats of files, known by the ends of their names."""

import dataclasses
import re
from collections.abc import Callable

from data_prep.readers.compression import COMPRESSIONS, split_compression
from data_prep.readers.json_lines import read_json_lines
from data_prep.readers.parquet import read_parquet
from data_prep.readers.plain_text import read_plain_text
from data_prep.readers.separated_values import read_csv, read_tsv
from data_prep.readers.web_archive import read_warc, read_wet
from data_prep.readers.wikipedia import read_wikipedia

# Parts of a dump end in the numbers of their first and last page: `.xml-p1p41242.bz2`.
_PAGE_NUMBERS = re.compile(r"-p\d+p\d+$")


@dataclasses.dataclass(frozen=True)
class Format:
    """How the documents of a kind of file are read.

    Args:
        name: str. For people.
        markup: str, `"plain"`, `"html"` or `"wikitext"`: what the documents carry.
        read: callable from a binary file object, a `FileDamage` and the name of the field with the
            text to an iterator over the documents, str, in order. It may raise `BrokenFileError`
            when it comes to the break, and `ValueError` where the file is not what the user took
            it for.
        needs_seeking: bool. Whether `read` jumps about in the file.
    """

    name: str
    markup: str
    read: Callable
    needs_seeking: bool = False


_JSON_LINES = Format("JSON Lines", "plain", read_json_lines)
FORMATS = {
    ".txt": Format("text", "plain", read_plain_text),
    ".jsonl": _JSON_LINES,
    ".ndjson": _JSON_LINES,
    ".json": _JSON_LINES,
    ".csv": Format("CSV", "plain", read_csv),
    ".tsv": Format("TSV", "plain", read_tsv),
    ".parquet": Format("Parquet", "plain", read_parquet, needs_seeking=True),
    ".warc": Format("WARC", "html", read_warc),
    ".wet": Format("WET", "plain", read_wet),
    ".xml": Format("MediaWiki dump", "wikitext", read_wikipedia),
}
EXTENSIONS = tuple(FORMATS)


def format_of(path):
    """Returns the `Format` of a file by its name.

    Raises:
        ValueError: if the name ends in no known extension.
    """
    stem, _ = split_compression(path)
    stem = _PAGE_NUMBERS.sub("", stem)
    for extension, file_format in FORMATS.items():
        if stem.endswith(extension):
            return file_format
    raise ValueError(
        f"{path} is of no known kind; the name must end in one of {', '.join(EXTENSIONS)}, "
        f"perhaps with one of {', '.join(COMPRESSIONS)} after it."
    )


def markup_of(path):
    """Returns what a file's documents carry: `"plain"`, `"html"` or `"wikitext"`."""
    return format_of(path).markup
