"""The picture of who sees whom shows what the papers' figures show."""

import xml.etree.ElementTree as ElementTree

import matplotlib.colors
import matplotlib.image
import numpy as np
import pytest
from matplotlib.patches import PathPatch

from mpnet_tf.visualization.inline_svg import INK, inline_svg
from mpnet_tf.visualization.picture_file import write_picture
from mpnet_tf.visualization.slot_example import SlotExample
from mpnet_tf.visualization.visibility_panel import PART_COLOURS
from mpnet_tf.visualization.visibility_picture import visibility_figure
from tests.visualization.slot_examples import (
    clm_example,
    glm_example,
    mlm_example,
    mpnet_example,
    plm_example,
)

# T is a token that is not predicted, P a predicted one, S a stand-in.
MPNET = """
    T.T.T.SSS
    TPTPTP...
    T.T.T.SSS
    T.TPT..SS
    T.T.T.SSS
    T.TPTP..S
    T.T.T.SSS
    T.T.T.SSS
    T.T.T.SSS
    T.T.T.SSS
    T.TPT..SS
    T.TPTP..S
"""
PLM = """
    T.T.T.
    TPTPTP
    T.T.T.
    T.TPT.
    T.T.T.
    T.TPTP
    T.T.T.
    T.TPT.
    T.TPTP
"""
MLM = "TSTSTS " * 6
CLM = "T... TP.. TPP. TPPP"
GLM = """
    TTSTS.....
    TTSTS.....
    TTSTS.....
    TTSTS.....
    TTSTS.....
    TTSTSP....
    TTSTSPP...
    TTSTSPPP..
    TTSTSPPPP.
    TTSTSPPPPP
"""
PARTS = {"T": "token", "P": "predicted", "S": "stand-in"}
SVG_TEXT = "{http://www.w3.org/2000/svg}text"


@pytest.fixture
def example():
    return mpnet_example()


def expected_cells(picture):
    return {
        (row, column, PARTS[letter])
        for row, line in enumerate(picture.split())
        for column, letter in enumerate(line)
        if letter != "."
    }


def drawn_squares(axes):
    """Reads the coloured squares off a panel: a list of (left, top, part)."""
    parts = {matplotlib.colors.to_rgba(colour): part for part, colour in PART_COLOURS.items()}
    squares = []
    for patch in axes.patches:
        if isinstance(patch, PathPatch) and patch.get_facecolor() in parts:
            corners = patch.get_path().vertices.reshape(-1, 5, 2).min(axis=1)
            part = parts[patch.get_facecolor()]
            squares.extend((left, top, part) for left, top in corners)
    return squares


def drawn_cells(axes):
    """Reads the squares of the grid: a set of (row, column, part)."""
    squares = [square for square in drawn_squares(axes) if min(square[:2]) > 0]
    # The query stream stands apart from the content stream.
    tops = sorted({top for _, top, _ in squares})
    return {(tops.index(top), int(left), part) for left, top, part in squares}


def drawn_parts(axes):
    """Reads the squares beside the rows' tokens, from the top."""
    squares = [square for square in drawn_squares(axes) if square[0] < 0]
    return [part for _, _, part in sorted(squares, key=lambda square: square[1])]


def texts_of(axes):
    return [text.get_text() for text in axes.texts]


def test_draws_the_papers_figures_side_by_side():
    examples = [mlm_example(), plm_example(), mpnet_example(), clm_example(), glm_example()]
    titles = ["mlm", "plm", "mpnet", "clm", "glm"]
    figure = visibility_figure(examples, titles)
    assert len(figure.axes) == 5
    pictures = [MLM, PLM, MPNET, CLM, GLM]
    for axes, title, picture, example in zip(figure.axes, titles, pictures, examples, strict=True):
        assert drawn_cells(axes) == expected_cells(picture)
        assert drawn_parts(axes) == example.parts()
        assert title in texts_of(axes)
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 4


def test_panels_do_not_overlap():
    for num_panels in range(1, 8):
        figure = visibility_figure([mpnet_example()] * num_panels, ["a title"] * num_panels)
        boxes = [axes.get_position() for axes in figure.axes]
        for number, box in enumerate(boxes):
            assert min(box.x0, box.y0) > -1e-9 and max(box.x1, box.y1) < 1 + 1e-9
            assert not any(box.overlaps(other.padded(-1e-6)) for other in boxes[:number])
    # Two always stand side by side.
    first, second = boxes[:2]
    assert first.y0 == second.y0 and first.x1 < second.x0


def test_texts_stay_within_their_panels_and_apart():
    long_tokens = ("<|startofpiece|>", *["W" * 20] * 9)
    example = SlotExample(glm_example().slots, long_tokens, ("M" * 30,) * 5)
    figure = visibility_figure([example, plm_example()], ["glm," + "x" * 60, "plm"])
    renderer = figure.canvas.get_renderer()
    for axes in figure.axes:
        box = axes.get_window_extent(renderer)
        extents = [text.get_window_extent(renderer) for text in axes.texts]
        for number, extent in enumerate(extents):
            assert box.x0 <= extent.x0 and extent.x1 <= box.x1, axes.texts[number]
            assert box.y0 <= extent.y0 and extent.y1 <= box.y1, axes.texts[number]
            overlapped = [
                axes.texts[other].get_text()
                for other in range(number)
                if extent.overlaps(extents[other])
            ]
            assert not overlapped, axes.texts[number]


def test_one_example_needs_no_list(example):
    assert drawn_cells(visibility_figure(example).axes[0]) == expected_cells(MPNET)


def test_labels_tokens_steps_and_predictions(example):
    texts = texts_of(visibility_figure(example).axes[0])
    assert [texts.count(token) for token in ("x1", "$x2$", "<b>", "猫")] == [2, 2, 2, 2]
    assert texts.count("<mask>") == 9
    assert [texts.count(f"step {step}") for step in range(5)] == [7, 2, 2, 1, 0]
    assert [text for text in texts if text.startswith("→")] == ["→ x4", "→ 猫", "→ $x2$"]
    seen = [text for text in texts if text.startswith(("from", "to"))]
    assert seen == ["from 3", "from 1", "from 2", "to 0", "to 1", "to 2"]
    assert {"content stream", "query stream", "seen by steps"} <= set(texts)


def test_labels_both_positions_of_blanks():
    texts = texts_of(visibility_figure(glm_example()).axes[0])
    both = [text for text in texts if "·" in text]
    assert both == [text for text in ("4·1", "4·2", "4·3", "2·1", "2·2") for _ in range(2)]
    assert "query stream" not in texts


def test_sets_documents_apart():
    slots = {**mlm_example().slots, "segment_ids": np.array([1, 1, 2, 2, 2, 2])}
    axes = visibility_figure(SlotExample(slots, mlm_example().tokens)).axes[0]
    assert drawn_cells(axes) == expected_cells("TS.... TS.... ..TSTS ..TSTS ..TSTS ..TSTS")
    across, down = axes.lines
    assert list(across.get_ydata()) == list(down.get_xdata()) == [2, 2]
    assert not visibility_figure(mlm_example()).axes[0].lines


def test_svg_keeps_text_as_text_and_takes_the_pages_ink(example, recwarn):
    svg = inline_svg(visibility_figure(example), 'who sees "whom" & why')
    assert inline_svg(visibility_figure(example), 'who sees "whom" & why') == svg
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == 'who sees "whom" & why'
    assert root.get("width") is None and root.get("viewBox")
    texts = [element.text for element in root.iter(SVG_TEXT)]
    assert set(example.tokens) <= set(texts)
    assert INK not in svg and "currentColor" in svg
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


@pytest.mark.parametrize("ending", ["svg", "png", "PDF"])
def test_writes_the_same_file_each_time_and_leaves_nothing_else(example, tmp_path, ending):
    path = tmp_path / "new" / f"picture.{ending}"
    write_picture(visibility_figure(example), path)
    written = path.read_bytes()
    write_picture(visibility_figure(example), str(path))
    assert path.read_bytes() == written
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_picture_files_are_legible_on_any_page(example, tmp_path):
    """Their ground is theirs: a dark page behind them changes nothing."""
    write_picture(visibility_figure(example), tmp_path / "picture.png")
    pixels = matplotlib.image.imread(tmp_path / "picture.png")
    assert pixels[:, :, 3].min() == 1 and pixels[0, 0].tolist() == [1, 1, 1, 1]
    write_picture(visibility_figure(example), tmp_path / "picture.svg")
    svg = (tmp_path / "picture.svg").read_text(encoding="utf-8")
    texts = [element.text for element in ElementTree.fromstring(svg).iter(SVG_TEXT)]
    assert set(example.tokens) <= set(texts)


def test_says_what_it_cannot_write(example, tmp_path):
    with pytest.raises(ValueError, match=r"`path` must end with one of.*'\.svg'.*picture\.jpg"):
        write_picture(visibility_figure(example), tmp_path / "picture.jpg")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"Cannot write .*file/a\.svg: "):
        write_picture(visibility_figure(example), tmp_path / "file" / "a.svg")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_refuses_titles_that_do_not_name_the_examples(example):
    with pytest.raises(ValueError, match=r"`titles`, if given.*2 examples and 1 titles"):
        visibility_figure([example, example], ["mpnet"])
    with pytest.raises(ValueError, match=r"`examples` must not be empty.*0 examples"):
        visibility_figure([])
