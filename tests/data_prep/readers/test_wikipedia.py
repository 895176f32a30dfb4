"""Dumps of MediaWiki, written by hand as its export schema has them."""

import bz2
import tracemalloc

import pytest

from data_prep.readers import ReadingReport, markup_of, read_file
from tests.data_prep.readers.reading import messages, read
from tests.data_prep.readers.wikipedia_dump import BEGIN, END, make_page

TEXTS = [
    f"'''Article {n}''' — [[link]] &amp; <ref>ünï</ref>\n\n== Part ==\n中文" for n in range(30)
]
PAGES = [make_page(number, text) for number, text in enumerate(TEXTS)]


@pytest.mark.parametrize("name", ["a.xml", "wiki-pages-articles1.xml-p1p41242.bz2"])
def test_articles_are_read(tmp_path, name):
    others = [
        make_page(98, "Talk", namespace=1),
        make_page(99, "#REDIRECT [[Page 1]]", redirect='\n    <redirect title="Page 1" />'),
        make_page(100, "oldest", "older", "newest"),
        make_page(101, ""),
    ]
    data = "".join([BEGIN, *PAGES[:15], *others, *PAGES[15:], END]).encode()
    (tmp_path / name).write_bytes(bz2.compress(data) if name.endswith(".bz2") else data)
    documents, report = read(tmp_path / name)
    assert documents == [*TEXTS[:15], "newest", *TEXTS[15:]]
    assert report == ReadingReport(files=1, documents=32, documents_dropped_empty=1)
    assert markup_of(name) == "wikitext"


def test_a_cut_off_dump_is_read_as_far_as_it_goes(tmp_path, caplog):
    data = "".join([BEGIN, *PAGES, END]).encode()
    path = tmp_path / "a.xml"
    for num_pages in (0, 1, 7, 30):
        size = len("".join([BEGIN, *PAGES[:num_pages]]).encode())
        for cut in (size, size + 5, size + 400):
            if cut >= len(data):
                continue
            path.write_bytes(data[:cut])
            documents, report = read(path)
            assert documents == TEXTS[:num_pages]
            assert report == ReadingReport(files=1, files_broken=1, documents=num_pages)
    path.write_bytes(data[:size])
    caplog.clear()
    with caplog.at_level("WARNING", logger="absl"):
        read(path)
    (message,) = messages(caplog)
    assert "a.xml: is a broken XML file (no element found: line" in message
    with pytest.raises(ValueError, match=r"a\.xml is a broken XML file \(.*; make or copy"):
        read(path, strict=True)


def test_what_lies_before_the_break_in_the_compressed_data_is_kept(tmp_path):
    path = tmp_path / "a.xml.bz2"
    first, second = "".join([BEGIN, *PAGES[:20]]), "".join([*PAGES[20:], END])
    path.write_bytes(bz2.compress(first.encode()) + bz2.compress(second.encode())[:-20])
    documents, report = read(path)
    assert documents == TEXTS[:20]
    assert report.files_broken == 1


@pytest.mark.parametrize(
    "damage",
    [
        ("<id>7</id>", "<id>seven</id>"),
        ("<ns>0</ns>", "<ns></ns>"),
        ("2024-05-01T10:00:00Z", "yesterday"),
        ("Article 7", "Article \x01"),
        ("<title>", "<titel>"),
    ],
)
def test_a_damaged_page_ends_the_file(tmp_path, damage):
    pages = [*PAGES[:7], PAGES[7].replace(*damage), *PAGES[8:]]
    (tmp_path / "a.xml").write_text("".join([BEGIN, *pages, END]), encoding="utf-8")
    documents, report = read(tmp_path / "a.xml")
    assert documents == TEXTS[:7]
    assert report.files_broken == 1


def test_bytes_that_are_not_utf8_end_the_file(tmp_path):
    data = "".join([BEGIN, *PAGES, END]).encode().replace(b"Article 7", b"Article \xff")
    (tmp_path / "a.xml").write_bytes(data)
    documents, report = read(tmp_path / "a.xml")
    assert documents == TEXTS[:7]
    assert report.files_broken == 1


def test_xml_of_another_kind_is_always_refused(tmp_path):
    (tmp_path / "a.xml").write_text("<rss><channel/></rss>")
    with pytest.raises(ValueError, match=r"no dump of MediaWiki: its root must be .*<rss>"):
        read(tmp_path / "a.xml")


def test_memory_does_not_grow_with_the_dump(tmp_path):
    peaks = []
    for num_pages in (10, 300, 3_000):
        with open(tmp_path / "a.xml", "w", encoding="utf-8") as file:
            file.write(BEGIN)
            file.writelines(make_page(number, f"short {number}") for number in range(num_pages))
            file.write(END)
        tracemalloc.start()
        try:
            assert sum(1 for _ in read_file(str(tmp_path / "a.xml"))) == num_pages
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    # The first time is for what is imported. An element kept for each page would add some 240 kB.
    assert peaks[2] - peaks[1] < 40_000, peaks
