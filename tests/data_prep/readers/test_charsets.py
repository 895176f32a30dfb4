"""Web pages in the encodings that servers and pages declare, or not."""

import codecs

import pytest

from data_prep.readers import charsets
from data_prep.readers.charsets import decode_page


@pytest.mark.parametrize(
    ("label", "encoding", "text"),
    [
        ("utf-8", "utf-8", "naïve 中文"),
        ("UTF8", "utf-8", "naïve 中文"),
        ('"utf-8"', "utf-8", "naïve 中文"),
        # Browsers read these as Windows-1252, which has curly quotes and the euro sign.
        ("iso-8859-1", "cp1252", "“naïve” €"),
        ("us-ascii", "cp1252", "“naïve” €"),
        ("latin1", "cp1252", "“naïve” €"),
        ("ISO-8859-9", "cp1254", "öğe şu"),
        ("windows-1251", "cp1251", "привет"),
        ("koi8-r", "koi8-r", "привет"),
        ("gb2312", "gb18030", "中文 㐀"),
        ("gbk", "gb18030", "中文 㐀"),
        ("big5", "big5hkscs", "中文"),
        ("shift_jis", "cp932", "日本 ①"),
        ("euc-jp", "euc_jp", "日本"),
        ("iso-2022-jp", "iso2022_jp", "日本"),
        ("euc-kr", "cp949", "한국 똠"),
        ("tis-620", "cp874", "ไทย"),
        ("windows-1256", "cp1256", "مرحبا"),
        ("utf-16le", "utf-16-le", "naïve 中文"),
    ],
)
def test_a_declared_charset_is_read_as_browsers_read_it(label, encoding, text):
    assert decode_page(text.encode(encoding), label) == text
    if label.startswith("utf-16"):
        return
    page = f"<html><head><meta charset={label}></head>{text}"
    assert decode_page(page.encode(encoding), None) == page
    page = f'<META http-equiv="Content-Type" content="text/html; charset={label}">{text}'
    assert decode_page(page.encode(encoding), "no-such-charset") == page


def test_all_encodings_are_pythons():
    for name in {*charsets._ENCODINGS, *charsets._LARGER_ENCODINGS}:
        assert codecs.lookup(name).name == name
    assert charsets._ENCODINGS.issuperset(charsets._LARGER_ENCODINGS.values())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_decides(encoding):
    assert decode_page("naïve 中文".encode(encoding), "koi8-r") == "naïve 中文"
    big = codecs.BOM_UTF16_BE + "naïve 中文".encode("utf-16-be")
    assert decode_page(big, "koi8-r") == "naïve 中文"


def test_the_server_goes_before_the_page():
    page = "<meta charset=koi8-r>привет"
    assert decode_page(page.encode("cp1251"), "windows-1251") == page


def test_a_page_that_can_be_read_for_its_meta_is_not_utf16():
    page = "<meta charset=utf-16>naïve.."
    assert decode_page(page.encode(), None) == page


@pytest.mark.parametrize("label", [None, "", "rot13", "hex", "utf-7", "idna", "undefined", "\0"])
def test_without_a_charset_utf8_is_tried_first(label):
    assert decode_page("naïve 中文".encode(), label) == "naïve 中文"
    assert decode_page("“naïve”".encode("cp1252"), label) == "“naïve”"


def test_a_wrong_charset_gives_way_to_utf8():
    # 0x81 is no character of Windows-1253.
    assert decode_page("Á".encode(), "windows-1253") == "Á"


def test_bad_bytes_are_replaced_by_the_declared_charset():
    assert decode_page(b"na\xc3\xafve \xff", "utf-8") == "naïve \ufffd"
    assert decode_page(b"na\xefve \x81", None) == "naïve \ufffd"
