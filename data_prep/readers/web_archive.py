"""WARC files of web pages, and WET files of their text, as Common Crawl publishes them."""

from data_prep.readers.charsets import decode_page
from data_prep.readers.damage import BrokenFileError
from data_prep.readers.libraries import import_for

_PAGE_TYPES = frozenset(["text/html", "application/xhtml+xml"])
_OK = 200


def read_warc(file, damage, field):
    """Yields the HTML pages of a WARC file: its responses with status 200.

    Args:
        file: binary file object, decompressed.
        damage: `FileDamage`.
        field: str, not used: records have no fields.

    Yields:
        str, HTML, decoded as browsers do.

    Raises:
        BrokenFileError: if a record is cut off or the file is not WARC.
    """
    del field
    warc = import_for(damage.path, "fastwarc.warc")
    for place, content, is_http in _read_records(warc, file, wanted="response"):
        if not is_http:
            continue
        # A record by itself: one of the archive's that cannot be decoded would end the archive.
        record = warc.WarcRecord()
        record.is_http = True
        record.set_bytes_content(content)
        try:
            record.parse_http(auto_decode="all")
            data = record.reader.read()
        except OSError as error:
            damage.drop_malformed(place, f"not an HTTP response that can be decoded ({error})")
            continue
        media_type = (record.http_content_type or "").strip().lower()
        if record.http_headers.status_code == _OK and media_type in _PAGE_TYPES:
            yield decode_page(data, record.http_charset)


def read_wet(file, damage, field):
    """Yields the texts of a WET file: its conversion records.

    Args, yields and raises as `read_warc` does; the texts are plain, and UTF-8 in the file.
    """
    del field
    warc = import_for(damage.path, "fastwarc.warc")
    for place, content, _ in _read_records(warc, file, wanted="conversion"):
        try:
            yield content.decode("utf-8")
        except UnicodeDecodeError:
            damage.drop_invalid_utf8(place)


def _read_records(warc, file, *, wanted):
    """Yields each record of a type: its place, as "record 7 (URL)", content and if it is HTTP."""
    wanted = getattr(warc.WarcRecordType, wanted)
    for number, record in enumerate(_iterate(warc, file), start=1):
        content = record.reader.read() if record.record_type == wanted else None
        num_bytes = record.consume() if content is None else len(content)
        # Every record must tell its length; one cut off in its header may not come to it.
        has_length = record.headers.get("Content-Length", "").isdigit()
        if not has_length or num_bytes != record.content_length:
            raise BrokenFileError(f"is a broken WARC file (record {number} is cut off)")
        if content is not None:
            place = f"record {number} ({record.headers.get('WARC-Target-URI')})"
            yield place, content, record.is_http


def _iterate(warc, file):
    try:
        yield from warc.ArchiveIterator(file, parse_http=False, stream_detect=False)
    except OSError as error:
        if error.errno is not None:
            raise  # The disk's or the network's fault.
        raise BrokenFileError(f"is a broken WARC file ({error})") from None
