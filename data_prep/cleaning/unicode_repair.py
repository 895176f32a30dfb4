"""Repair of broken Unicode by ftfy, called for the lines that need it alone."""

import re

import ftfy
from ftfy.chardata import LIGATURES

from data_prep.cleaning.mojibake import TELLTALE_CHARACTERS, lines_where, looks_bad_at

# What ftfy may do. It decodes mojibake anew, in several layers and where bytes were lost, replaces
# C1 control characters by what Windows means by them, joins halves of surrogate pairs, makes all
# line ends line feeds, drops the codes that colour a terminal, and takes Latin ligatures such as
# U+FB01 apart, which come from typeset pages. It leaves alone what is no mistake (curly quotes,
# full and half width) and what other steps do (HTML entities, control characters, normalisation).
REPAIRS = ftfy.TextFixerConfig(
    unescape_html=False,
    remove_terminal_escapes=True,
    fix_encoding=True,
    restore_byte_a0=True,
    replace_lossy_sequences=True,
    decode_inconsistent_utf8=True,
    fix_c1_controls=True,
    fix_latin_ligatures=True,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=True,
    fix_surrogates=True,
    remove_control_chars=False,
    normalization=None,
    explain=False,
)

# Characters that ftfy replaces wherever they stand.
_REPLACED = "\r\x1b\x80-\x9f\u2028\u2029\ud800-\udfff" + "".join(map(chr, LIGATURES))
_CANDIDATE = re.compile(f"[{_REPLACED}{TELLTALE_CHARACTERS}]")
_CERTAIN = re.compile(f"[{_REPLACED}]")


def repair_unicode(text: str) -> str:
    """Repairs mojibake, line ends, surrogates, terminal codes and Latin ligatures of a text.

    Args:
        text: str.

    Returns:
        str, exactly `ftfy.fix_text(text, REPAIRS)`, some hundred times faster on text that has
        nothing to repair.
    """
    if text.isascii() and "\r" not in text and "\x1b" not in text:
        return text
    # Else each line of such a text would be a line to repair.
    text = text.replace("\r\n", "\n")
    pieces, done = [], 0
    for start, end in lines_where(text, _CANDIDATE, _needs_repair):
        pieces += [text[done:start], ftfy.fix_text(text[start:end], REPAIRS)]
        done = end
    if not pieces:
        return text
    return "".join([*pieces, text[done:]])


def _needs_repair(text: str, position: int) -> bool:
    return bool(_CERTAIN.match(text, position)) or looks_bad_at(text, position)
