"""The report is one safe, complete page."""

import html.parser
import math
import os

import numpy as np
import pytest

from mpnet_tf.objectives.visibility import END_OF_STEPS
from mpnet_tf.visualization.blanks import FilledSentence, Guess
from mpnet_tf.visualization.curves import accuracy_figure, loss_figure
from mpnet_tf.visualization.html_parts import readable
from mpnet_tf.visualization.report import RunReport, report_html, write_report
from mpnet_tf.visualization.slot_example import SlotExample

DASH = "\u2013"
VOID_TAGS = {"meta", "br", "hr"}


def make_report(**changes):
    slots = {
        "token_ids": np.arange(5),
        "position_ids": np.array([0, 1, 2, 1, 1]),
        "segment_ids": np.ones(5, int),
        "query_step": np.array([0, 1, 0, 0, 0]),
        "key_start": np.array([0, 1, 0, 0]),
        "key_end": np.array([END_OF_STEPS] * 3 + [1]),
        "prediction_slots": np.array([4]),
    }
    report = {
        "title": "a <script>alert(1)</script> run",
        "config": {
            "seed": 17,
            "model": {"num_layers": 4, "<i>key": "<img src=x>"},
            "data": {"inner": {"deep": [1, None, "&"]}, "empty": {}},
        },
        "environment": {"tensorflow": "2.21.0"},
        "manifest": {"tokens": 1234567},
        "history": [
            {"step": 10, "loss": 6.5, "accuracy": 0.02, "learning_rate": 1e-4},
            {"step": 20, "loss": math.nan, "heldout_loss": 5.5, "heldout_accuracy": 0.1},
            {"step": 30, "loss": 5.0, "accuracy": 0.12, "learning_rate": 5e-5},
        ],
        "results": {
            "heldout_loss": math.log(50),
            "heldout_perplexity": 50.0,
            "unigram_loss": math.log(200),
            "unigram_perplexity": 200.0,
            "heldout_predictions": 45678,
            "heldout_accuracy": 0.3456,
            "training_seconds": 125.2,
        },
        "blanks": [
            FilledSentence(
                "if a < b then <mask> is <mask>.",
                ("that", "right"),
                (
                    (Guess("this", 0.5), Guess("that", 0.25)),
                    (Guess("<b>", 0.125), Guess("wrong", 0.0625)),
                ),
            )
        ],
        "examples": {"mpnet": SlotExample(slots, ("<s>", "<u>", "</s>", "<mask>", "<mask>"))},
    }
    return RunReport(**{**report, **changes})


class Page(html.parser.HTMLParser):
    """Collects what a browser would see, and checks that tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open_tags, self.tags, self.attributes = [], set(), []
        self.text, self.items = "", []
        self.feed(text)
        self.close()
        assert self.open_tags == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.extend((tag, name, value) for name, value in attrs)
        if tag not in VOID_TAGS:
            self.open_tags.append(tag)
        if tag == "li":
            self.items.append([dict(attrs)["class"], ""])

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.extend((tag, name, value) for name, value in attrs)

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag

    def handle_data(self, data):
        self.text += data
        if "li" in self.open_tags:
            self.items[-1][1] += data


@pytest.fixture(scope="module")
def page():
    return Page(report_html(make_report()))


def test_shows_the_users_text_as_text(page):
    for text in (
        "a <script>alert(1)</script> run",
        "<i>key",
        "<img src=x>",
        "<u>",
        "if a < b then",
    ):
        assert text in page.text
    assert not page.tags & {"script", "img", "i", "u", "iframe", "object"}


def test_needs_no_other_file(page):
    links = [value for _, name, value in page.attributes if name in ("href", "src", "xlink:href")]
    assert all(link.startswith("#") for link in links)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert "@import" not in page.text and "url(" not in page.text


def test_ids_are_unique_and_references_lead_somewhere(page):
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = {value[1:] for _, name, value in page.attributes if name == "xlink:href"}
    links |= {value[5:-1] for _, name, value in page.attributes if name == "clip-path"}
    assert links <= set(ids)


def test_tells_the_results(page):
    for text in ("50", "200", "4.0 times the model's", "34.6%", "45,678", "2 min 5 s"):
        assert text in page.text
    assert f"inner.deep1, {DASH}, &" in page.text and f"empty{DASH}" in page.text
    assert "1,234,567" in page.text
    assert sum(tag == "svg" and name == "class" for tag, name, _ in page.attributes) == 4


def test_marks_the_right_guesses(page):
    assert page.items == [
        ["other", "this50.0%"],
        ["right", "that25.0%"],
        ["other", "<b>12.5%"],
        ["other", "wrong6.2%"],
    ]


def test_a_run_with_little_to_tell_still_has_a_page():
    report = make_report(history=[], results={}, blanks=[], examples={}, manifest={}, config={})
    page = Page(report_html(report))
    assert "Filling blanks" not in page.text and "Who sees whom" not in page.text


def test_writes_the_same_page_each_time_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("an older one")
    write_report(path, make_report())
    assert path.read_text(encoding="utf-8") == report_html(make_report())
    assert os.listdir(tmp_path) == ["report.html"]


def test_says_where_it_cannot_write(tmp_path):
    with pytest.raises(OSError, match=r"Cannot write .*report\.html: No such file"):
        write_report(tmp_path / "missing" / "report.html", make_report())


def test_a_failed_report_leaves_the_old_one(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("an older one")
    with pytest.raises(AttributeError):
        write_report(path, make_report(blanks=[None]))
    assert os.listdir(tmp_path) == ["report.html"] and path.read_text() == "an older one"


def test_curves_draw_the_records_that_are_there():
    history = make_report().history
    lines = {line.get_label(): line for line in loss_figure(history).axes[0].lines}
    assert lines["training"].get_xydata().tolist() == [[10, 6.5], [30, 5.0]]
    assert lines["held-out"].get_xydata().tolist() == [[20, 5.5]]
    assert "unigram model" not in lines
    with_unigram = loss_figure(history, unigram_loss=5.3).axes[0].lines
    dashed = [line for line in with_unigram if line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in dashed] == [5.3]
    lines = {line.get_label(): line for line in accuracy_figure(history).axes[0].lines}
    assert lines["held-out"].get_xydata().tolist() == [[20, 0.1]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "True"),
        (2000, "2000"),
        (30527, "30,527"),
        (0.0006, "0.0006"),
        (3.14159265, "3.142"),
        (123456.7, "123,457"),
        (math.inf, "inf"),
        (None, DASH),
        ([], DASH),
        ("", DASH),
        ((1, "a"), "1, a"),
        ("<b>", "<b>"),
    ],
)
def test_values_are_written_for_readers(value, text):
    assert readable(value) == text
