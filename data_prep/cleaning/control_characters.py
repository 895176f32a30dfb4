r"""Characters that show nothing: removed, but where a script or an emoji needs them.

Removed are

- control characters (general category Cc) but the tab and the line feed. Those that end a line
  (carriage return, vertical tab, form feed, U+0085, and the separators U+2028 and U+2029) become
  line feeds;
- the soft hyphen U+00AD, which only tells where a word may be broken;
- what has no width: the zero-width space U+200B, the word joiner U+2060, the invisible operators
  U+2061 to U+2064, the byte-order mark U+FEFF;
- what turns the writing direction: U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+206F;
- anchors of notes and objects, U+FFF9 to U+FFFC;
- what is no character: halves of surrogate pairs and the 66 noncharacters;
- the joiners U+200C and U+200D. They stay behind a letter of a script that writes with them
  (Arabic, Syriac, N'Ko, Mongolian, and those of India and South-East Asia, as in Persian plurals
  and Malayalam chillus), and U+200D stays between two pictures, where it makes an emoji of many;
- tag characters, U+E0001 and U+E0020 to U+E007F. They stay in flags of regions, behind U+1F3F4.

Of several replacement characters U+FFFD in a row one is left: it says that something was lost.

Which characters are meant follows Unicode's "Characters not suitable for use with markup" (UTR 20)
and, for the joiners, RFC 5892, appendix A.
"""

import re

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")

_JOINERS = "\u200c\u200d"
_NEVER_SHOWN = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufdd0-\ufdef\ufeff\ufff9-\ufffc\ufffe\uffff\ud800-\udfff"
)
_ASCII_CANDIDATES = bytes([*range(0x09), *range(0x0B, 0x20), 0x7F])
# A set with characters beyond U+FFFF is many times slower to look for; texts without any are not
# searched for those.
_CANDIDATE = re.compile(f"[\r\x0b\x0c\x85\u2028\u2029\ufffd{_JOINERS}{_NEVER_SHOWN}]")
_BEYOND = re.compile("[\U00010000-\U0010ffff]")
_NEVER_SHOWN_BEYOND = "\U000e0001\U000e0020-\U000e007f" + "".join(
    f"{chr(plane + 0xFFFE)}-{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000)
)

_JOINING_SCRIPTS = (
    "\u0600-\u07ff\u0840-\u08ff\u0900-\u0dff\u0e00-\u109f\u1700-\u18af\u1900-\u1b7f\ua800-\ua8df"
    "\ua980-\ua9df\uaa00-\uaadf\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010a00-\U00011dff"
)
_PICTURES = "\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
_REMOVED = re.compile(
    # What stays is matched first, in a group, and put back.
    f"(?P<kept>\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]+\U000e007f"
    f"|(?<=[{_JOINING_SCRIPTS}])[{_JOINERS}]"
    f"|(?<=[{_PICTURES}])\u200d(?=[{_PICTURES}]))"
    f"|[{_JOINERS}{_NEVER_SHOWN}{_NEVER_SHOWN_BEYOND}]"
)
_REPLACEMENTS = re.compile("\ufffd{2,}")


def remove_control_characters(text: str) -> tuple[str, int]:
    """Removes the characters of a text that show nothing (see the module).

    Args:
        text: str.

    Returns:
        `(text, count)`: what is left, and by how many characters it is shorter or how many line
        ends were replaced, together.
    """
    if text.isascii():
        # Thrice as fast as a regular expression.
        rest = text.encode("ascii").translate(None, _ASCII_CANDIDATES)
        has_candidate = len(rest) < len(text)
    else:
        has_candidate = _CANDIDATE.search(text) or _BEYOND.search(text)
    if not has_candidate:
        return text, 0
    text, num_line_ends = _LINE_ENDS.subn("\n", text)
    kept = _REPLACEMENTS.sub("\ufffd", _REMOVED.sub(_put_back, text))
    return kept, num_line_ends + len(text) - len(kept)


def _put_back(match: re.Match) -> str:
    return match["kept"] or ""
