"""Text of pages in wikitext."""

import mwparserfromhell
import pytest
from hypothesis import example, given, settings, strategies

from data_prep.cleaning.wikitext import wikitext_to_text

PAGE = """{{Short description|Village}}
{{Infobox settlement
| name = Exampleton
| population = {{formatnum:1234}} <ref>Census</ref>
}}
[[File:Map.png|thumb|A [[map]] of '''Exampleton''']]
'''Exampleton''' ({{IPA|en|x}}; {{lang-fr|Exempleville}}) is a [[village (place)|village]] in
[[France]]<ref name="a">{{cite|url=http://x.org}}</ref>, {{convert|5|km|mi}} from [[Paris]]s
centre.<ref name="a" /> See [http://example.org its site] and [https://example.org].<!-- note -->

== History ==
It was ''founded'' in {{lang|fr|l'an}} 1200&nbsp;AD.
* First item
** Second [[item]]

=== Empty ===
{{main|Nothing}}

== Table ==
{| class="wikitable"
! Head
|-
| cell {{nowrap|x}} || 2
|}

== See also ==
* {{portal|France}}

== References ==
{{reflist}}
[[Category:Villages]]
[[fr:Exempleville]]
__NOTOC__
"""


def test_page():
    assert [line for line in wikitext_to_text(PAGE).split("\n") if line.strip()] == [
        "Exampleton (Exempleville) is a village in",
        "France, 5 km from Pariss",
        "centre. See its site and.",
        "History",
        "It was founded in l'an 1200\xa0AD.",
        "First item",
        "Second item",
    ]


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("", ""),
        ("#REDIRECT [[Elsewhere]]", ""),
        ("#重定向 [[别处]]", ""),
        ("[[Файл:a.jpg|мини|подпись]]Текст [[Категория:Тест]]", "Текст "),
        ("'''''both''''' '''bold''' ''italic'' l'''amour''", "both bold italic lamour"),
        ("[[:Category:Birds]] and [[a|b|c]]", "Category:Birds and b|c"),
        ("{{a|{{b|{{c}}}}}}x{{{parameter|}}}", "x"),
        ("<nowiki>''raw''</nowiki> 5 < 6 &lt; 7 <sub>2</sub>", "raw 5 < 6 < 7 2"),
        ("line<br />line<gallery>\nA.jpg\n</gallery>", "line\nline"),
        ("E <math>x^{2}</math> = m", "E  = m"),
        ("unclosed [[link and {{template", "unclosed link and {{template"),
    ],
)
def test_pieces(wikitext, text):
    assert wikitext_to_text(wikitext) == text


@given(
    strategies.lists(
        strategies.sampled_from(
            ["word ", "[[a]]", "[[a|b]]", "''x'' ", "[http://x.org y]", "{{t|u}}", "\n", "&amp; "]
        )
    ).map("".join)
)
@settings(max_examples=200, deadline=None)
def test_words_are_those_of_the_parser(wikitext):
    def words(text):
        return text.replace("''", "").split()

    parsed = mwparserfromhell.parse(wikitext).strip_code(normalize=True, collapse=False)
    assert words(wikitext_to_text(wikitext)) == words(str(parsed))


@given(
    strategies.lists(
        strategies.sampled_from(
            ["[[", "]]", "{{", "}}", "{|", "|}", "|", "<ref>", "</ref>", "<!--", "-->", "==", "\n"]
            + ["'''", "File:", "<br>", "[", "http://x", "&", "a", " ", "(", ")", "<", "*"]
        )
    ).map("".join)
)
@example("[]][")
@example("['''[")
@example("[()[")
@example("[" * 100 + "]]" + "[" * 100)
@settings(max_examples=500, deadline=None)
def test_any_page_becomes_text(wikitext):
    text = wikitext_to_text(wikitext)
    assert "[[" not in text
    assert "<ref>" not in text


def test_hostile_pages_take_time_in_proportion_to_their_length():
    for piece in ("[[", "{{", "<ref>", "<!--", "<div>", "<a ", "[http://", "== ", "* ", "[[File:"):
        wikitext_to_text(piece * (20_000 // len(piece)))
