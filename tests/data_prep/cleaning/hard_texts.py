"""Texts that are hard to clean: strategies for hypothesis, and text decoded in wrong encodings."""

# Letters and marks of other scripts are meant.

import codecs

import ftfy.bad_codecs
from ftfy.badness import MOJIBAKE_CATEGORIES
from hypothesis import strategies

ftfy.bad_codecs.ok()

# Characters that steps of cleaning look for, and ordinary ones around them.
_PIECES = [
    *"ab Zé ÃÂâ€œ™©®«»°ŒœĐÐ²¼£§¶",
    *"ВГРСвЂабШ",
    *"ΒΓΞβ中文字。、ー한\u0627\u0644\u0939\u093f\u0e01",
    *"\n\r\t\x0b\x0c\x1b\x00\x07\x7f\x80\x85\x9d\xa0\xad\u200b\u200c\u200d\u200e\u2028\u2029\u202e\u2060",
    *"\ufeff\ufffc\ufffd\ufffe\ud83d\ude00\U0001f600\U0001f3f4\U000e0067\U000e007f\U0001f469\u2764\ufe0f",
    *"ﬁĲ\u0301\u0130\u3000\u2009<>&;#/\"'=-!|.:[]{}()",
    "\r\n",
    "\n\n\n",
    "  ",
    "\x1b[31m",
    "Ã©",
    "â€™",
    "Ã ",
    "Â ",
    "РџСЂ",
    "<br>",
    "<b",
    "</p>",
    "<!--",
    "-->",
    "<script>",
    "</script>",
    "&amp;",
    "&lt;",
    "&eacute;",
    "&#13;",
    "&nbsp;",
    "Read more",
    "\nShare",
    "\n12\n",
    "All rights reserved.",
    "we use cookies",
    "Home | About | Contact",
    "{{",
    "}}",
    "[[",
    "]]",
    "== A ==",
]


def texts(max_pieces=30):
    """Strategy of str made of such pieces."""
    return strategies.lists(
        strategies.one_of(
            strategies.sampled_from(_PIECES),
            strategies.sampled_from("".join(MOJIBAKE_CATEGORIES["bad"])),
            strategies.characters(),
        ),
        max_size=max_pieces,
    ).map("".join)


MISREADINGS = {
    "latin-1": lambda data: data.decode("latin-1"),
    "windows-1252": lambda data: data.decode("sloppy-windows-1252"),
    "windows-1251": lambda data: data.decode("sloppy-windows-1251"),
    "windows-1252 twice": lambda data: (
        data.decode("sloppy-windows-1252").encode("utf-8").decode("sloppy-windows-1252")
    ),
    "windows-1252, undefined bytes lost": lambda data: codecs.decode(data, "cp1252", "replace"),
    "windows-1251, undefined bytes lost": lambda data: codecs.decode(data, "cp1251", "replace"),
    "ASCII, all else lost": lambda data: data.decode("ascii", "replace"),
}


def paragraphs(path, min_characters=600):
    """Returns the text of a file in pieces of whole lines, without blanks around lines."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").split("\n")]
    pieces, current = [], ""
    for line in filter(None, lines):
        current = f"{current}\n{line}" if current else line
        if len(current) >= min_characters:
            pieces.append(current)
            current = ""
    return pieces
