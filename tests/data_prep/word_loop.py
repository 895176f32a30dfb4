"""The words of a text, cut one character after the other as `WordTable` defines them."""

import unicodedata

_BY_ITSELF = ("CJK", "HIRAGANA", "KATAKANA", "HENTAIGANA", "THAI", "LAO", "MYANMAR", "KHMER")


def is_word_by_itself(character):
    """Tells whether a letter or digit is of a script that puts no spaces between words."""
    if unicodedata.category(character)[0] == "M":
        return False
    return unicodedata.name(character, "").startswith(_BY_ITSELF)


def words_of(text):
    """Lists the words of a text, lowercased."""
    words = []
    word = ""
    for character in text:
        category = unicodedata.category(character)[0]
        lower = character.lower() if len(character.lower()) == 1 else character
        if category == "M":
            word += lower
        elif category not in "LN":
            words, word = [*words, word], ""
        elif is_word_by_itself(character) or (word and is_word_by_itself(word[-1])):
            words, word = [*words, word], lower
        else:
            word += lower
    return [word for word in [*words, word] if word]
