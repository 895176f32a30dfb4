"""The default corpus: enough clean prose, no repeats, the same every time, without packages."""

import collections
import hashlib
import subprocess
import sys

import pytest

from data_prep import reference_text


@pytest.fixture(scope="module")
def documents():
    return reference_text.reference_documents()


def test_there_is_a_megabyte_of_it(documents):
    assert sum(len(document.encode("utf-8")) for document in documents) > 1_000_000
    assert len(documents) > 1000


def test_no_paragraph_occurs_twice(documents):
    paragraphs = [line for document in documents for line in document.split("\n")]
    assert len(set(paragraphs)) == len(paragraphs)


def test_it_reads_like_english(documents):
    words = collections.Counter(" ".join(documents).lower().split())
    assert words.most_common(1)[0][0] == "the"
    # 6% of running English text.
    assert 0.04 < words["the"] / words.total() < 0.09
    for document in documents:
        assert len(document) >= 150
        for line in document.split("\n"):
            assert line == " ".join(line.split())
            assert not line.startswith((">>>", "+--", ".. ", "* "))


def test_sentences_of_the_language_reference_are_there(documents):
    text = "\n".join(documents)
    assert "Assert statements are a convenient way to insert debugging assertions into a" in text
    assert "assert_stmt" not in text


def test_cleaning_keeps_prose_and_drops_code_and_markup():
    raw = """
    Title of it
    ***********

    The *first* paragraph is **about** ``code`` and :class:`~a.B`, and it runs on to the post-
    script of the next line.

    * The bullet is kept for it has words in it.

    >>> a = 1 + 2  # the code is not in it

    .. note::
       The text of a directive is kept as it is.

    | a | the table is not |

        result = function(argument, **options)[0]
    """
    assert list(reference_text._clean_paragraphs(raw)) == [
        "The first paragraph is about code and a.B, and it runs on to the post-script of the next "
        "line.",
        "The bullet is kept for it has words in it.",
        "The text of a directive is kept as it is.",
    ]


def test_library_folder_is_read_in_order_without_tests(tmp_path, monkeypatch):
    monkeypatch.setattr(reference_text.topics, "topics", {})
    sentence = "This is the text of {} and it is about what it does for the reader of it. "
    for name in ("b.py", "a.py", "test/c.py", "site-packages/d.py", "sub/e.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'"""{3 * sentence.format(name)}"""')
    (tmp_path / "broken.py").write_text("def (:")
    (tmp_path / "f.py").write_text(
        f'class A:\n    """{3 * sentence.format("A")}"""\n\n    def b(self):\n'
        f'        """{3 * sentence.format("b")}"""\n'
    )
    found = reference_text.reference_documents(str(tmp_path))
    names = [document.split(" and ")[0].rsplit(" ", 1)[1] for document in found]
    assert names == ["a.py", "b.py", "A", "sub/e.py"]
    assert found[2] == "\n".join((3 * sentence.format(name)).strip() for name in "Ab")


def test_python_without_text_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reference_text.topics, "topics", {})
    with pytest.raises(ValueError, match=r"carries no reference text: .*Give text of your own"):
        reference_text.reference_documents(str(tmp_path))


def test_a_process_without_packages_gives_the_same(documents):
    script = (
        "import hashlib; from data_prep.reference_text import reference_documents as r;"
        "print(hashlib.sha256(repr(r()).encode()).hexdigest())"
    )
    # -S keeps site-packages off the path.
    output = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert output.strip() == hashlib.sha256(repr(documents).encode()).hexdigest()
