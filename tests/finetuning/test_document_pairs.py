"""Pairs of the lines of documents."""

import pytest

from mpnet_tf.finetuning.document_pairs import neighbour_pairs, read_documents, title_pairs

TEXT = "\ufeff\n Cats \nThey purr.\r\nThey sleep.\n\n \t\nAlone\n\nDogs\nThey bark.\u2028Loudly.\n"
DOCUMENTS = (
    ("Cats", "They purr.", "They sleep."),
    ("Alone",),
    ("Dogs", "They bark.\u2028Loudly."),
)


def test_blank_lines_part_documents(tmp_path):
    path = tmp_path / "documents.txt"
    path.write_bytes(TEXT.encode())
    assert read_documents(path) == DOCUMENTS


def test_titles_are_paired_with_the_text_that_follows(caplog):
    pairs = title_pairs(DOCUMENTS, source="here")
    assert pairs.texts == ("Cats", "Dogs")
    assert pairs.pairs == ("They purr. They sleep.", "They bark.\u2028Loudly.")
    assert pairs.labels is None and pairs.source == "here"
    assert "1 of the 3 documents of here have one line and make no pair" in caplog.text
    assert title_pairs(DOCUMENTS, num_lines=1).pairs[0] == "They purr."


def test_neighbours_are_paired_within_their_document(caplog):
    pairs = neighbour_pairs(DOCUMENTS)
    assert list(zip(pairs.texts, pairs.pairs, strict=True)) == [
        ("Cats", "They purr."),
        ("They purr.", "They sleep."),
        ("Dogs", "They bark.\u2028Loudly."),
    ]
    assert caplog.text.count("make no pair") == 1
    caplog.clear()
    neighbour_pairs(DOCUMENTS[:1])
    assert not caplog.text


def test_real_documents_make_as_many_pairs_as_they_have(shared_data):
    documents = read_documents(shared_data / "corpus" / "state_union.txt")
    assert len(documents) == 65
    assert len(title_pairs(documents)) == 65
    num_lines = sum(map(len, documents))
    assert len(neighbour_pairs(documents)) == num_lines - 65


def test_bad_documents_are_refused(tmp_path):
    path = tmp_path / "documents.txt"
    path.write_bytes(b"\n \n")
    with pytest.raises(ValueError, match=r"documents\.txt: the file is empty.*one line of text"):
        read_documents(path)
    path.write_bytes(b"a\n\xff\n")
    with pytest.raises(ValueError, match=r"documents\.txt, line 2: not UTF-8"):
        read_documents(path)
    for make in (title_pairs, neighbour_pairs):
        with pytest.raises(ValueError, match=r"here: no document has two lines"):
            make((("a",), ("b",)), source="here")
    with pytest.raises(ValueError, match=r"`num_lines` must be at least 1.*num_lines=0"):
        title_pairs(DOCUMENTS, num_lines=0)
