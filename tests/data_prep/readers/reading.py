"""Reading a file with the account checked, and what its reader warned of."""

from data_prep.readers import ReadingReport, read_file
from data_prep.readers.damage import FileDamage


def read(path, **options):
    """Returns the documents of a file and the report, checked to add up after each document."""
    report = ReadingReport()
    documents = []
    for document in read_file(str(path), report=report, **options):
        documents.append(document)
        assert document.strip()
        assert report.documents == len(documents) + sum(report.documents_dropped.values())
    assert report.documents == len(documents) + sum(report.documents_dropped.values())
    assert report.files == 1 and report.files_broken + report.files_empty <= 1
    return documents, report


def damage_for(report, *, strict=False):
    """Returns the `FileDamage` of a file that is read from memory."""
    return FileDamage("file", strict=strict, report=report)


def messages(caplog):
    """Returns what was logged."""
    return [record.getMessage() for record in caplog.records]
