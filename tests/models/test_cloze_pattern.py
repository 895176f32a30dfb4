"""Patterns with a blank, and what is none."""

import pytest

from mpnet_tf.models.cloze_pattern import ClozePattern, PatternPart

WORDS = {"0": "terrible", "1": "great"}


def test_a_pattern_is_taken_apart():
    pattern = ClozePattern('"{pair}" ? [MASK], "{text}"', {"b": "No", "a": "Yes"})
    assert pattern.class_names == ("b", "a") and pattern.has_pair
    assert pattern.parts == (
        PatternPart('"', None),
        PatternPart("", "{pair}"),
        PatternPart('" ?', None),
        PatternPart(" ", "[MASK]"),
        PatternPart(', "', None),
        PatternPart("", "{text}"),
        PatternPart('"', None),
    )
    assert "".join(part.words + (part.place or "") for part in pattern.parts) == pattern.pattern
    alone = ClozePattern("[MASK]: {text}", WORDS)
    assert not alone.has_pair
    assert [part.place for part in alone.parts] == ["[MASK]", None, "{text}"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (3, r"`pattern` must be a string\. Received: pattern=3"),
        ("{text} It was.", r"`pattern` must have one blank, \[MASK\]\. .*with none"),
        ("{text} [MASK] [MASK]", r"must have one blank, .* with \[MASK\], \[MASK\]"),
        ("{text} [gMASK]", r"must have one blank, .* with \[gMASK\]"),
        ("It was [MASK].", r"`pattern` must have \{text\} once.* with none"),
        ("{pair} was [MASK].", r"must have \{text\} once.* with \{pair\}"),
        ("{text} {text} [MASK]", r"must have \{text\} once.* with \{text\}, \{text\}"),
        ("{text} {label} [MASK]", r"no other braces.* with \{text\}, \{label\}"),
        ("{text} {} [MASK]", r"no other braces.* with \{text\}, \{\}"),
    ],
)
def test_bad_patterns_are_refused(pattern, message):
    with pytest.raises(ValueError, match=message):
        ClozePattern(pattern, WORDS)


@pytest.mark.parametrize(
    ("verbalizers", "message"),
    [
        (["a", "b"], r"`verbalizers` must map .*Received: verbalizers=\['a', 'b'\]"),
        ({"0": "a", "1": ["b"]}, "`verbalizers` must map the names of classes to words"),
        ({0: "a", 1: "b"}, "`verbalizers` must map the names of classes to words"),
        ({"0": "a"}, "must have two or more classes"),
        ({"0": "a", "1": " "}, "must have words for each class"),
        ({"0": "so so", "1": " so  so"}, "no two classes the same"),
    ],
)
def test_bad_verbalizers_are_refused(verbalizers, message):
    with pytest.raises(ValueError, match=message):
        ClozePattern("{text} [MASK]", verbalizers)
