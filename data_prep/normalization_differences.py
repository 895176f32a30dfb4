"""The code points whose normalisation depends on their neighbours, so that no table holds it.

Where it strips accents, Hugging Face's normaliser decomposes text canonically (NFD), which also
puts the marks that follow a letter in order, and then removes most of them. The table decomposes
each code point and removes the same marks, but cannot move a mark across another. The text differs
where two marks that both stay have other places in the canonical order than in the text.
"""

import functools
import unicodedata

import tokenizers

from data_prep import code_points

PAGE = """\
# Where the tokenizer differs from Hugging Face's

The tokenizers of `mpnet_tf.models` give the ids of Hugging Face's `tokenizers` (`BertNormalizer`,
`BertPreTokenizer`, WordPiece, added tokens matched in the text), with the exceptions on this page.
It is written by `python -m data_prep.normalization_table`, and a test compares it with `tokenizers`
{version}.

**Accents kept** (`strip_accents=False`, or `lowercase=False` without it): no difference is known.

**Accents stripped** (`strip_accents=True`, or `lowercase=True` without it): each code point, alone
or beside any other not listed here, gives the same ids. Hugging Face puts consecutive combining
marks into canonical order (NFD); these tokenizers work code point by code point and leave them in
the order of the text. They remove the same marks, so this shows only where two of the {count} code
points below follow each other (other combining marks may stand between), belong to different
combining classes and are not yet in canonical order. Text in a Unicode normal form (NFC or NFD) is
in order already.

| code points | first and last name |
| --- | --- |
{rows}

**Bytes that are not UTF-8**: Hugging Face's tokenizer cannot be given any; here a word with such a
byte is unknown.
"""


@functools.cache
def reordered_marks() -> frozenset[str]:
    """Returns the characters of text without accents that canonical ordering may move."""
    # Lowercasing makes and removes no such mark, so the other case has the same.
    remaining = set().union(*code_points.normalized_code_points(lowercase=True).values())
    normalize = tokenizers.normalizers.NFD().normalize_str

    def is_moved(character: str) -> bool:
        # Between them, a mark of the class 230 and one of the class 1 meet any other class in the
        # wrong order.
        after_acute = f"a\u0301{character}"
        before_tilde_overlay = f"a{character}\u0334"
        return (
            normalize(after_acute) != after_acute
            or normalize(before_tilde_overlay) != before_tilde_overlay
        )

    return frozenset(filter(is_moved, remaining))


def context_dependent_code_points() -> list[int]:
    """Returns the code points that may normalise differently beside one another."""
    marks = reordered_marks()
    normalized = code_points.normalized_code_points(lowercase=True)
    return [code for code, text in normalized.items() if not marks.isdisjoint(text)]


def page() -> str:
    """Returns the Markdown page that lists the differences."""
    codes = context_dependent_code_points()
    rows = []
    for first, last in code_points.ranges(codes):
        names = dict.fromkeys(unicodedata.name(chr(code), "(unnamed)") for code in (first, last))
        span = f"U+{first:04X}" if first == last else f"U+{first:04X} to U+{last:04X}"
        rows.append(f"| {span} | {', '.join(names)} |")
    return PAGE.format(version=tokenizers.__version__, count=len(codes), rows="\n".join(rows))
