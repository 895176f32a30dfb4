"""Decoding web pages, in the encodings and by the rules of browsers.

Reference: the Encoding Standard (https://encoding.spec.whatwg.org), whose labels and fallback are
followed, by the codecs of Python that come nearest.
"""

import codecs
import re

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Where browsers look for `<meta charset=...>` and `<meta http-equiv=... content="...charset=...">`.
_META_BYTES = 1024
_META_CHARSET = re.compile(rb"""<meta[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_FALLBACK = "cp1252"
# The standard's encodings under Python's names, apart from those below.
_ENCODINGS = frozenset(
    [
        *(f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
        *(f"cp{page}" for page in (866, 874, 932, 949, *range(1250, 1259))),
        *("koi8-r", "koi8-u", "mac-roman", "mac-cyrillic"),
        *("gb18030", "big5hkscs", "euc_jp", "iso2022_jp"),
        *("utf-8", "utf-16-be", "utf-16-le"),
    ]
)
# Python's names of what the standard decodes as something larger.
_LARGER_ENCODINGS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-16": "utf-16-le",
}


def decode_page(data, declared):
    """Decodes a web page.

    A byte order mark decides; then the charset that the server declared, that of the page's first
    `<meta>`, UTF-8 and Windows-1252, of which the first is taken that fits all bytes. Where a
    declared one is known but none fits, bad bytes become U+FFFD, as browsers show them.

    Args:
        data: bytes.
        declared: str or None. The charset in the page's HTTP header.

    Returns:
        str.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    encodings = [_find_encoding(declared), _find_encoding(_meta_charset(data))]
    encodings = [encoding for encoding in encodings if encoding is not None]
    for encoding in [*encodings, "utf-8"]:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode(encodings[0] if encodings else _FALLBACK, "replace")


def _meta_charset(data):
    """Returns the label in a page's first bytes, or None."""
    meta = _META_CHARSET.search(data[:_META_BYTES])
    # That it can be read at all shows that it is not UTF-16, whatever it says.
    if meta is None or meta[1].lower().startswith(b"utf-16"):
        return None
    return meta[1].decode("ascii", "replace")


def _find_encoding(label):
    """Returns Python's name of the encoding that a label stands for, or None."""
    try:
        name = codecs.lookup((label or "").strip(" \t'\"")).name
    except (LookupError, ValueError):
        return None
    name = _LARGER_ENCODINGS.get(name, name)
    return name if name in _ENCODINGS else None
