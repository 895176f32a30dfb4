"""mpnet-show as a user runs it, and the pictures of the documentation that it made."""

import json
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from matplotlib.text import Text

from mpnet_tf.cli.panel_settings import parse_panel
from mpnet_tf.cli.shown_examples import make_examples
from mpnet_tf.objectives import OBJECTIVES
from mpnet_tf.visualization.visibility_picture import visibility_figure
from tests.cli.forked_binary import run_cases
from tests.conftest import REPOSITORY

DONE, FAILED, WRONG_USAGE = 0, 1, 2
SENTENCE = "my old dog sleeps all day by the stove"
ABLATIONS = [
    f"mpnet,{switch}=False"
    for switch in ("position_compensation", "permutation", "output_dependency")
]
EQUAL = {ABLATIONS[0]: "plm", ABLATIONS[2]: "mlm"}
PANELS = [*OBJECTIVES, *ABLATIONS]
VOCABULARY = ["<s>", "<pad>", "</s>", "[UNK]", "my", "old", "dog", "sleep", "##s", "all", "<mask>"]

SHOWN = {
    "all": [*(f"--objective={panel}" for panel in PANELS), SENTENCE, "--seed=20", "--json"],
    "several": ["a first sentence", "and a second one", "--json", "--objective=plm,mask_rate=0.5"],
    "vocab": ["--vocab=FOLDER/vocab.txt", "--objective=mlm", "My dogs sleeps alright"],
    "nothing": ["--objective=glm_sentence,prediction_rate=0.001", "a dog. a cat.", "--json"],
}

# Arguments, the exit status, and words of the message in their order.
REFUSED = {
    "no sentence": ([], WRONG_USAGE, ["no sentence to show", '"the cat sat on the mat"']),
    "no word": (["a cat", " "], WRONG_USAGE, ["the sentence ' ' has no token"]),
    "long": (["a cat " * 31], WRONG_USAGE, ["62 tokens", "room for 60", "fewer or shorter"]),
    "not UTF-8": (["caf\udce9"], WRONG_USAGE, ["'caf\\udce9' is not UTF-8"]),
    "objective": (["--objective=glmm", "a"], WRONG_USAGE, ["no objective 'glmm'", "'glm' among"]),
    "mixture": (
        ["--objective=mlm:0.5,plm:0.5", "a cat"],
        WRONG_USAGE,
        ["mlm:0.5,plm:0.5 is a mixture", "an --objective of its own"],
    ),
    "setting": (
        ["--objective=mpnet,permutations=False", "a cat"],
        WRONG_USAGE,
        ["mpnet has no setting 'permutations'", "'permutation' among"],
    ),
    "setting of another": (
        ["--objective=mlm,permutation=False", "a cat"],
        WRONG_USAGE,
        ["mlm has no setting 'permutation'"],
    ),
    "no value": (["--objective=mpnet,max_gram", "a"], WRONG_USAGE, ["max_gram a value"]),
    "type": (
        ["--objective=mpnet,permutation=no", "a cat"],
        WRONG_USAGE,
        ["permutation must be of type bool. Received: 'no'"],
    ),
    "range": (
        ["--objective=mlm,prediction_rate=2", "a cat"],
        FAILED,
        ["`prediction_rate` must lie between 0 and 1", "2.0"],
    ),
    "vocabulary": (["--vocab=FOLDER/none.txt", "a"], FAILED, ["No such file", "none.txt"]),
    "vocabulary without blanks": (
        ["--vocab=FOLDER/vocab.txt", "--objective=glm", "my dog"],
        FAILED,
        ["<|startofpiece|>", "<|endofpiece|>", "in the vocabulary"],
    ),
    "ending": (["--output=FOLDER/a.jpg", "a"], WRONG_USAGE, ["output", ".svg, .png, .pdf"]),
    "place": (
        ["--output=FOLDER/vocab.txt/a.svg", "a cat"],
        FAILED,
        ["Cannot write", "vocab.txt/a.svg"],
    ),
    "seed": (["--seed=-1", "a cat"], WRONG_USAGE, ["seed", "-1"]),
    "flag": (["--objectiv=mlm", "a cat"], WRONG_USAGE, ["objectiv", "objective"]),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("show")
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in VOCABULARY))
    return folder


@pytest.fixture(scope="module")
def answers(folder):
    """Exit status and output of each case; pictures are named after it."""
    cases = {name: arguments for name, (arguments, _, _) in REFUSED.items()} | SHOWN
    for name, arguments in cases.items():
        placed = [argument.replace("FOLDER", str(folder)) for argument in arguments]
        cases[name] = [f"--output={folder}/{name}.svg", *placed]
    return run_cases("mpnet_tf.cli.show", "mpnet-show", cases)


def result_of(answers, name):
    status, output = answers[name]
    assert status == DONE, output
    return json.loads(output.splitlines()[-1])


def texts_of_svg(path):
    root = ElementTree.parse(path).getroot()
    return [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_shows_every_objective_and_ablation_side_by_side(answers, folder):
    result = result_of(answers, "all")
    panels = {panel.pop("objective"): panel for panel in result["panels"]}
    assert list(panels) == PANELS
    for ablation, objective in EQUAL.items():
        assert panels[ablation] == panels[objective]
    order = panels["mpnet"]["targets"]
    assert panels["mpnet,permutation=False"]["targets"] == sorted(order, key=SENTENCE.split().index)
    assert len(order) == 3 and order != sorted(order, key=SENTENCE.split().index)
    # Masks alone stand in.
    for name in ("mlm", "plm", "mpnet"):
        tokens, parts = panels[name]["tokens"], panels[name]["parts"]
        stand_ins = {t for t, p in zip(tokens, parts, strict=True) if p in ("stand-in", "query")}
        assert stand_ins == {"<mask>"}
    assert result["picture"] == f"{folder}/all.svg"
    texts = texts_of_svg(result["picture"])
    for panel in PANELS:
        assert panel in texts
    assert texts.count("content stream") == len(PANELS) and texts.count("query stream") == 4


def test_prints_a_table_for_each_within_the_terminal(answers):
    lines = answers["all"][1].splitlines()
    heads = [line for line in lines if line.startswith("slot  part")]
    assert len(heads) == len(PANELS) and set(PANELS) <= {line.strip() for line in lines}
    result = result_of(answers, "all")
    num_slots = sum(len(panel["tokens"]) for panel in result["panels"])
    rows = [line for line in lines if re.match(r" *\d+  (token|predicted|stand-in|query) ", line)]
    assert len(rows) == num_slots
    assert max(map(len, lines[:-1])) <= max(80, len(f"picture: {result['picture']}"))
    assert max(map(len, rows)) <= 80


def test_sentences_share_a_row(answers):
    (panel,) = result_of(answers, "several")["panels"]
    text = " ".join(panel["tokens"][:11])
    assert text == "<s> a first sentence </s> <s> and a second one </s>"
    assert panel["slots"]["segment_ids"][:11] == [1] * 5 + [2] * 6
    assert "pos  doc  step" in answers["several"][1]


def test_a_vocabulary_cuts_words_into_pieces(answers):
    status, output = answers["vocab"]
    assert status == DONE
    tokens = [line.split()[2] for line in output.splitlines() if re.match(r" *\d+  ", line)]
    # All but those that are hidden, of which there are two.
    expected = ["<s>", "my", "dog", "##s", "sleep", "##s", "[UNK]", "</s>"]
    seen = [
        token if shown == "<mask>" else shown for shown, token in zip(tokens, expected, strict=True)
    ]
    assert seen == expected and tokens.count("<mask>") == 2


def test_says_where_nothing_is_predicted(answers):
    (panel,) = result_of(answers, "nothing")["panels"]
    assert panel["targets"] == []
    assert "nothing is predicted; try another --seed" in answers["nothing"][1]


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_gets_a_line_and_a_status(answers, name):
    status, output = answers[name]
    _, expected_status, words = REFUSED[name]
    assert status == expected_status, output
    message = output.splitlines()[-1]
    assert message.startswith("mpnet-show: ")
    place = 0
    for word in words:
        assert word in message[place:], message
        place = message.index(word, place)
    assert "Traceback" not in output


def test_writes_the_pictures_and_nothing_else(answers, folder):
    expected = {f"{name}.svg" for name in SHOWN} | {"vocab.txt"}
    assert set(os.listdir(folder)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clm", {}),
        ("mlm", {"prediction_rate": 0.3, "mask_rate": 1.0, "random_rate": 0.0}),
        (
            " plm , random_rate=0.25,granularity = token, max_gram=2",
            {
                "prediction_rate": 0.3,
                "mask_rate": 0.75,
                "random_rate": 0.25,
                "granularity": "token",
                "max_gram": 2,
            },
        ),
        (
            "glm,mean_span_length=2,max_span_length=4,prediction_rate=.5",
            {"prediction_rate": 0.5, "mean_span_length": 2.0, "max_span_length": 4},
        ),
    ],
)
def test_reads_settings(text, expected):
    name, settings = parse_panel(text)
    assert (name, settings) == (text.split(",")[0].strip(), expected)
    assert all(type(settings[setting]) is type(value) for setting, value in expected.items())


def test_help_is_told_without_tensorflow():
    helped = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mpnet_tf.cli.show", "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert helped.returncode == DONE
    for word in ("--objective", "--vocab", "--seed", "--output", "--[no]json", "prediction_rate"):
        assert word in helped.stdout
    imported = {line.rpartition("|")[2].strip() for line in helped.stderr.splitlines()}
    assert "absl.flags" in imported
    assert not imported & {"tensorflow", "keras", "tensorflow_text"}


def documented_commands():
    text = (REPOSITORY / "docs" / "objectives.md").read_text(encoding="utf-8")
    commands = []
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        arguments = shlex.split(block.replace("\\\n", " "))
        if any(argument.startswith("--output") for argument in arguments):
            commands.append(arguments)
    return commands


@pytest.mark.parametrize("arguments", documented_commands(), ids=lambda arguments: arguments[1])
def test_the_documented_commands_give_the_documented_pictures(arguments):
    program, *arguments = arguments
    assert program == "mpnet-show"
    values = {"objective": [], "texts": []}
    for argument in arguments:
        name, _, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--"):
            values["texts"].append(argument)
        elif name == "objective":
            values["objective"].append(value)
        else:
            values[name] = value
    examples = make_examples(
        values["texts"],
        values["objective"],
        vocabulary_path=None,
        lowercase=True,
        seed=int(values["seed"]),
    )
    figure = visibility_figure(examples, values["objective"])
    texts = sorted(text.get_text() for text in figure.findobj(Text) if text.get_text())
    # Where this fails after a change of an objective: run the command again.
    assert sorted(texts_of_svg(REPOSITORY / values["output"])) == texts


def test_the_documentation_shows_each_picture():
    text = (REPOSITORY / "docs" / "objectives.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\]\(pictures/([a-z_]+\.svg)\)", text))
    assert shown == set(os.listdir(REPOSITORY / "docs" / "pictures"))
    for name in shown:
        assert os.path.getsize(REPOSITORY / "docs" / "pictures" / name) < 150_000
