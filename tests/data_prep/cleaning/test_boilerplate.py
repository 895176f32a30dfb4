"""Lines that are no text: the kinds that go, and prose that stays."""

# ruff: noqa: RUF001

import pytest

from data_prep.cleaning.boilerplate import remove_boilerplate_lines
from data_prep.cleaning.boilerplate_patterns import WHOLE_LINES


@pytest.mark.parametrize(
    "line",
    [
        "Share on Facebook",
        "Share this article via email",
        "TWEET",
        "Facebook Twitter LinkedIn",
        "Follow us on Twitter and Facebook",
        "Read more »",
        "> Read More...",
        "Continue reading The article",
        "Weiterlesen",
        "Lire la suite →",
        "阅读全文",
        "続きを読む",
        "Подробнее",
        "Log in or register to post comments",
        "Sign In",
        "Add to cart",
        "Skip to main content",
        "Next post",
        "Related articles",
        "Leave a Comment",
        "Filed under: News, Politics",
        "Posted by admin on Monday",
        "Privacy Policy",
        "Terms & Conditions",
        "Impressum",
        "3 comments",
        "1,234 views",
        "12.5k likes",
        "7 Kommentare",
        "https://www.example.org/a?b=c",
        "www.example.org",
        "November 19, 2019 at 7:42 am",
        "Published: 19 Nov 2019, 19:11",
        "Monday, November 18, 2019",
        "2019-11-18 07:42",
        "18.11.2019",
        "3. Oktober 1990",
        "2019年11月18日",
        "1 2 3 4 ... 10",
        "- 17 -",
        "* * *",
        "-----------",
        "Home | About us | Products | Contact",
        "Startseite » Presse » Kontakt",
        "首页 | 新闻 | 联系我们",
        "Login | Register",
        "This website uses cookies to improve your experience.",
        "By continuing you accept our use of cookies and our cookie policy.",
        "Wir verwenden Cookies, um Inhalte zu personalisieren.",
        "Nous utilisons des cookies pour améliorer votre visite.",
        "Please enable JavaScript to view the comments.",
        "JavaScript is disabled in your browser.",
        "© 2019 Example Inc. All rights reserved.",
        "Alle Rechte vorbehalten.",
        "Все права защищены.",
        "版权所有 © 2019 示例公司",
        "Subscribe to our weekly newsletter",
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
    ],
)
def test_boilerplate_goes(line):
    before, after = "A paragraph of prose before it.", "And one after it."
    assert remove_boilerplate_lines(line) == ("", 1)
    assert remove_boilerplate_lines(f"{before}\n{line}\n\n{after}") == (f"{before}\n\n{after}", 1)
    assert remove_boilerplate_lines(f"{line}  \n{line}\n{after}") == (after, 2)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Share prices fell on Monday.",
        "Read more books, and you will know more.",
        "She baked cookies and used up all the sugar.",
        "The cookie crumbled.",
        "JavaScript is a programming language of the web.",
        "He wrote it in JavaScript, without any library.",
        "The table was reserved for all of us.",
        "The rights of all were reserved to the states by the tenth amendment.",
        "In 2019, 12 people died.",
        "On November 19, 2019 the court ruled.",
        "May 3 was a fine day",
        "3 comments made him angry",
        "7 men went home",
        "Home is where the heart is.",
        "Next morning they left.",
        "Print was invented in Mainz.",
        "Registered voters may vote.",
        "a | b",
        "He said: yes | no | maybe",
        "Privacy is a right.",
        "The newsletter came out each month.",
        "See https://example.org for more.",
        "Kontakt mit dem Gegner war verboten.",
        "1. The first article of the treaty",
    ],
)
def test_prose_stays(line):
    assert remove_boilerplate_lines(line) == (line, 0)


def test_phrases_in_long_paragraphs_stay():
    paragraph = "Sites must tell visitors that they use cookies. " + "This is the law. " * 20
    assert remove_boilerplate_lines(paragraph) == (paragraph, 0)


def test_lines_stay_in_place_where_lower_case_is_longer():
    text = "İSTANBUL İÇİN\nRead more\nİYİ GÜNLER"
    assert remove_boilerplate_lines(text) == ("İSTANBUL İÇİN\nİYİ GÜNLER", 1)


def test_patterns_are_of_lower_case():
    for starts, _ in WHOLE_LINES:
        assert starts == starts.lower()


def test_real_prose_loses_dates_and_numbers_alone(shared_data):
    num_lines = num_removed = 0
    for path in sorted(
        [*(shared_data / "corpus").glob("*.txt"), *(shared_data / "multilingual").glob("*.txt")]
    ):
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        kept, count = remove_boilerplate_lines("\n".join(lines))
        kept = kept.split("\n")
        num_lines += len(lines)
        num_removed += count
        for line in set(lines) - set(kept):
            letters = [word for word in line.split() if any(map(str.isalpha, word))]
            # A month is the one word in them.
            assert len(letters) <= 1, line
    print(f"{num_removed} of {num_lines} lines removed")
    assert num_lines > 80_000
    assert num_removed <= 80


def test_hostile_lines_take_time_in_proportion_to_their_length():
    for piece in (
        "share facebook ",
        "1,",
        "* ",
        "use all our ",
        "cookie ",
        "enable javascript",
        "| ",
    ):
        text = "\n".join([piece * (110 // len(piece)) + "x"] * 300)
        remove_boilerplate_lines(text)
