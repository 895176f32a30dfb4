"""The default corpus, which needs no download: English reference text inside every CPython.

It is the language reference that `help()` shows (`pydoc_data.topics`) and the docstrings of the
standard library, read from source without importing it. Code, grammar, tables and markup are
left out, and so is every paragraph that was met before: topics quote each other at length, and
a held-out document must not be found in the training text. Imports the standard library alone.
"""

import ast
import os
import re
import sysconfig
from pydoc_data import topics

# Tests, programs with hardly any prose, and what is not part of CPython.
_SKIPPED_FOLDERS = frozenset(
    ("__pycache__", "dist-packages", "ensurepip", "idlelib", "lib2to3", "pydoc_data")
    + ("site-packages", "test", "tests", "turtledemo")
)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_MIN_DOCUMENT_CHARACTERS = 150
_MIN_PARAGRAPH_WORDS = 4
# Medians in CPython 3.11, of paragraphs with six words or more: kept ones 0.96 letters and 0.39
# function words, left out ones 0.79 and 0.12.
_MIN_LETTER_SHARE = 0.8
_MIN_FUNCTION_WORD_SHARE = 0.15
_FUNCTION_WORDS = frozenset(
    """
    a all an and any are as at be been but by can do does for from has have if in into is it its
    may more must no not of on only or other should so than that the their them then there
    these this to was when where which will with without you
    """.split()  # noqa: SIM905 -- a list would take a line a word
)

_WORD = re.compile(r"[A-Za-z]+")
_LAYOUT_LINE = re.compile(r"\s*(\.\. |>>>|\.\.\. |[|+]|[-=*~^_#]{3,}\s*$)")
_MARKUP = (
    (re.compile(r":[a-z:]+:`~?([^`<>]+)`"), r"\1"),  # :class:`name`
    (re.compile(r"`+([^`]+)`+_*"), r"\1"),  # ``code``
    (re.compile(r"(?<![\w*])\*\*?(\w[^*\n]*?)\*\*?(?![\w*])"), r"\1"),  # *name*, **strong**
    (re.compile(r"^[*•-] +", re.MULTILINE), ""),  # bullets
    (re.compile(r"^:(?:param |type )?(\w+):", re.MULTILINE), r"\1:"),  # :param name:
    (re.compile(r"(?<=[a-z])-\n(?=[a-z])"), "-"),  # a word broken at its hyphen
)


def reference_documents(standard_library=None):
    """Reads the reference text of the running Python.

    Args:
        standard_library: str or None. The folder with the library's source; by default the
            running interpreter's.

    Returns:
        List of str, the documents in an order that depends on nothing but the Python
        installation: one a topic, module docstring, function, and class with its methods. Each
        holds one paragraph a line, and no paragraph occurs twice.

    Raises:
        ValueError: if this Python carries neither.
    """
    folder = standard_library or sysconfig.get_paths()["stdlib"]
    raw_documents = [text for _, text in sorted(topics.topics.items())]
    for path in _source_files(folder):
        raw_documents.extend(_docstrings(path))
    known_paragraphs = set()
    documents = []
    for raw_document in raw_documents:
        paragraphs = []
        for paragraph in _clean_paragraphs(raw_document):
            if paragraph not in known_paragraphs:
                known_paragraphs.add(paragraph)
                paragraphs.append(paragraph)
        document = "\n".join(paragraphs)
        if len(document) >= _MIN_DOCUMENT_CHARACTERS:
            documents.append(document)
    if not documents:
        raise ValueError(
            f"This Python carries no reference text: no topics, and no source in {folder}. "
            "Give text of your own."
        )
    return documents


def _source_files(folder):
    """Yields the paths of the library's modules in sorted order."""
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _SKIPPED_FOLDERS and not name.startswith("config-")
        )
        yield from (os.path.join(path, name) for name in sorted(files) if name.endswith(".py"))


def _docstrings(path):
    """Returns the docstrings of a module, those of a class and all in it as one text."""
    with open(path, "rb") as file:
        source = file.read()
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError):
        return []  # A template or a sample of another Python version.
    found = [ast.get_docstring(module) or ""]
    for node in module.body:
        if isinstance(node, _DEFINITIONS):
            inner = sorted(
                (child for child in ast.walk(node) if isinstance(child, _DEFINITIONS)),
                key=lambda child: child.lineno,
            )
            found.append("\n\n".join(ast.get_docstring(child) or "" for child in inner))
    return found


def _clean_paragraphs(text):
    """Yields the prose paragraphs of a reStructuredText text, each on one line."""
    for block in re.split(r"\n\s*\n", text):
        lines = [line.strip() for line in block.splitlines() if not _LAYOUT_LINE.match(line)]
        paragraph = "\n".join(lines)
        for pattern, replacement in _MARKUP:
            paragraph = pattern.sub(replacement, paragraph)
        paragraph = " ".join(paragraph.split())
        if _is_prose(paragraph):
            yield paragraph


def _is_prose(paragraph):
    words = _WORD.findall(paragraph)
    if len(words) < _MIN_PARAGRAPH_WORDS:
        return False
    num_letters = sum(map(len, words))
    num_characters = len(paragraph.replace(" ", ""))
    num_function_words = sum(word.lower() in _FUNCTION_WORDS for word in words)
    return (
        num_letters >= _MIN_LETTER_SHARE * num_characters
        and num_function_words >= _MIN_FUNCTION_WORD_SHARE * len(words)
    )
