"""Reading the documents of files, whatever their format, with an exact account of them."""

from data_prep import filesystem
from data_prep.readers.compression import open_decompressed
from data_prep.readers.damage import BrokenFileError, FileDamage
from data_prep.readers.formats import format_of
from data_prep.readers.report import ReadingReport


def find_files(patterns):
    """Finds the files that globs match, each of a kind that can be read.

    Args:
        patterns: iterable of str. As for `filesystem.find_files`.

    Returns:
        List of str, sorted, each file once.

    Raises:
        ValueError: as `filesystem.find_files` does, or if a file is of no known kind.
        OSError: if a filesystem cannot be asked.
    """
    paths = filesystem.find_files(patterns)
    for path in paths:
        format_of(path)
    return paths


def read_documents(patterns, *, json_field="text", strict=False, report=None):
    """Yields the documents of files, file by file in sorted order; see `read_file`.

    Args:
        patterns: iterable of str. File names or globs, as for `find_files`.
        json_field: str. The field or column with the text, where the format has such.
        strict: bool. Whether to raise at damaged input rather than leave it out and count it.
        report: `ReadingReport` or None. Counts what is read, up to date after each document.

    Yields:
        str, one document, never blank.

    Raises:
        ValueError: if no file matches or a file is of no known kind, and as `read_file` does.
        OSError: if a file cannot be read.
    """
    for path in find_files(patterns):
        yield from read_file(path, json_field=json_field, strict=strict, report=report)


def read_file(path, *, json_field="text", strict=False, report=None):
    """Yields the documents of one file in order, as they are, with the markup they may carry.

    In `.txt` an empty line, or one of blanks alone, ends a document. In `.jsonl`, `.csv`, `.tsv`
    and `.parquet` each record has the text of one in a field or column. `.warc` holds web pages,
    `.wet` their texts, and `.xml` a dump of MediaWiki. Any of them may be compressed: `.gz`,
    `.bz2`, `.xz`, `.zst`.

    What is damaged is left out and counted, with one warning for the file: a line that is not
    UTF-8, a record without a text, all that lies behind a break, a file without a document.

    Args:
        path: str, as `find_files` returns it.
        json_field: str. The field or column with the text, where the format has such.
        strict: bool. Whether to raise at damaged input instead.
        report: `ReadingReport` or None. Counts what is read, up to date after each document.

    Yields:
        str, one document, never blank.

    Raises:
        ValueError: if the file's first record has no such field, the file is not what its name
            says, or a library for it is not installed; with `strict`, if anything is damaged.
        OSError: if the file cannot be read.
    """
    report = ReadingReport() if report is None else report
    file_format = format_of(path)
    damage = FileDamage(path, strict=strict, report=report)
    is_empty = "is empty" if filesystem.file_size(path) == 0 else "holds no document"
    try:
        if is_empty != "is empty":
            with open_decompressed(path, seekable=file_format.needs_seeking) as file:
                for text in file_format.read(file, damage, json_field):
                    if text and not text.isspace():
                        is_empty = None
                        report.documents += 1
                        yield text
                    else:
                        report.drop("empty")
    except BrokenFileError as error:
        damage.note_break(error)
    damage.finish(is_empty=is_empty)
