"""mpnet-show with a batch of a run, whose directory is made without training."""

import dataclasses
import itertools
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from data_prep.prepare import prepare_shards
from mpnet_tf.cli.application import UsageError
from mpnet_tf.cli.replayed_batch import replay_batch
from mpnet_tf.cli.shown_batches import show_overview, show_row
from mpnet_tf.data.batches import training_batches
from mpnet_tf.data.manifest import read_manifest
from mpnet_tf.models import MPNetTokenizer
from mpnet_tf.training.pretraining_data import open_data
from mpnet_tf.training.run_directory import RunDirectory
from tests.cli.forked_binary import run_cases
from tests.conftest import REPOSITORY
from tests.tiny_run import VOCABULARY, prepare_tiny_shards, tiny_config

DONE, FAILED, WRONG_USAGE = 0, 1, 2
STEPS, BATCH_SIZE = 24, 4
# Its rows are of the second epoch.
LATE = 21
MIXTURE = {"name": "mpnet:0.4,glm:0.3,mlm:0.3"}

OWN = ["--run_dir=FOLDER/own", f"--batch={LATE}"]
MIXED = ["--run_dir=FOLDER/mixed", "--batch=2", "--input=FOLDER/own/shards", "--json"]
SHOWN = {
    "overview": MIXED,
    "document": [*MIXED, "--row=SHARED_ROW", "--document=2", "--output=FOLDER/two.svg"],
}

# Arguments, the exit status, and words of the message in their order.
REFUSED = {
    "no run": (["--run_dir=FOLDER/none", "--batch=1"], FAILED, ["FOLDER/none is not"]),
    "no such batch": (["--run_dir=FOLDER/own", "--batch=24"], WRONG_USAGE, ["--batch must be"]),
    "text": ([*OWN, "a cat"], WRONG_USAGE, ["'a cat' must be left out", "own text"]),
    "negative batch": (["--run_dir=x", "--batch=-1"], WRONG_USAGE, ["--batch=-1"]),
    "negative row": ([*OWN, "--row=-1"], WRONG_USAGE, ["--row=-1"]),
    "no document": ([*OWN, "--row=0", "--document=0"], WRONG_USAGE, ["--document=0"]),
    "no batch": (["--run_dir=x"], WRONG_USAGE, ["--run_dir and --batch must be given together"]),
    "only batch": (["--batch=1"], WRONG_USAGE, ["--run_dir and --batch must be given together"]),
    "row of none": (["--row=1", "a"], WRONG_USAGE, ["--row is of a batch"]),
    "input of none": (["--input=x", "a"], WRONG_USAGE, ["--input is the shards of a run"]),
    "document of none": ([*OWN, "--document=1"], WRONG_USAGE, ["--document is of a row"]),
    "picture of none": ([*OWN, "--output=a.svg"], WRONG_USAGE, ["--output is a picture of one"]),
    **{
        flag: ([*OWN, f"--{flag}"], WRONG_USAGE, [f"--{flag.split('=')[0]} must be left out"])
        for flag in ("objective=mlm", "vocab=x", "seed=0", "lowercase")
    },
}

# Run, batch, row and shards, the error, and what it says.
UNFIT = {
    "no run": ("none", 1, None, None, ValueError, "none is not the directory.*no config.json"),
    "file": ("own/config.json", 1, None, None, ValueError, "config.json is not the directory"),
    "no JSON": ("broken", 1, None, None, ValueError, "config.json is not valid JSON"),
    "no data": ("begun", 1, None, None, ValueError, "begun has no manifest.json: it has never"),
    "no shards": ("mixed", 1, None, None, ValueError, "mixed holds no shards of its own.*--input="),
    "not shards": ("mixed", 1, None, "begun", ValueError, "begun is not a finished directory"),
    "other shards": (
        "own",
        1,
        None,
        "odd/shards",
        ValueError,
        "odd/shards holds other data than .*own was trained on.*--input",
    ),
    "damaged shards": ("cut", 1, None, None, ValueError, r"\.tokens is missing"),
    "batch": (
        "own",
        STEPS,
        None,
        None,
        UsageError,
        "--batch must be from 0 to 23 in a run of 24 steps. Received: batch=24",
    ),
    "row": (
        "own",
        1,
        BATCH_SIZE,
        None,
        UsageError,
        "--row must be from 0 to 3 in a batch of 4 rows. Received: row=4",
    ),
}


def write_odd_corpus(path):
    """Documents longer than a picture, of one word, and of unknown words; no two alike."""
    kinds = ("the cat sat on the mat . " * 10, "cat " * 90, "zebra " * 90)
    documents = [kind + "dogs " * number for number in range(1, 11) for kind in kinds]
    path.write_text("\n\n".join(documents) + "\n")


def begin_run(path, shards, **sections):
    sections = {"training": {"steps": STEPS, "batch_size": BATCH_SIZE}, **sections}
    run = RunDirectory(str(path), tiny_config(**sections))
    run.begin()
    run.record_data(read_manifest(shards))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name in ("own", "odd", "broken"):
        (folder / name).mkdir()
    own_shards = prepare_tiny_shards(folder / "own")
    begin_run(folder / "own", own_shards)
    begin_run(folder / "mixed", own_shards, objective=MIXTURE)
    write_odd_corpus(folder / "odd" / "corpus.txt")
    prepare_shards(
        [str(folder / "odd" / "corpus.txt")],
        MPNetTokenizer(VOCABULARY),
        str(folder / "odd" / "shards"),
        heldout_share=0.2,
    )
    begin_run(
        folder / "odd",
        str(folder / "odd" / "shards"),
        training={"steps": STEPS, "batch_size": 16},
        data={"sequence_length": 128},
        model={"max_sequence_length": 128},
    )
    (folder / "broken" / "config.json").write_text("{")
    RunDirectory(str(folder / "begun"), tiny_config()).begin()
    shutil.copytree(folder / "own", folder / "cut")
    os.remove(next((folder / "cut" / "shards").glob("train*.tokens")))
    return folder


@pytest.fixture(scope="module")
def whole_runs(folder):
    """The data of runs, and all their batches, one after the other."""

    def made(objective):
        config = tiny_config(objective=objective)
        data = open_data(config, str(folder / "own" / "shards"))
        batches = training_batches(
            data.rows,
            data.objective,
            config.training.seed,
            batch_size=BATCH_SIZE,
            num_batches=STEPS,
        )
        return data, list(batches.as_numpy_iterator())

    return {"own": made({}), "mixed": made(MIXTURE)}


@pytest.fixture(scope="module")
def replays(folder):
    """Single batches, by run and number."""
    return {
        (name, number): replay_batch(
            str(folder / name), number, shards_directory=str(folder / "own" / "shards")
        )
        for name in ("own", "mixed")
        for number in (2, LATE)
    }


@pytest.fixture(scope="module")
def odd(folder):
    return replay_batch(str(folder / "odd"), 0)


@pytest.fixture(scope="module")
def shared_row(whole_runs):
    """A row of several documents."""
    slots, _, _ = whole_runs["mixed"][1][2]
    return slots["segment_ids"].max(axis=1).argmax()


@pytest.fixture(scope="module")
def answers(folder, shared_row):
    """Exit status and output of each case."""
    placed = {"FOLDER": folder, "SHARED_ROW": shared_row}
    cases = SHOWN | {name: arguments for name, (arguments, _, _) in REFUSED.items()}
    for name, arguments in cases.items():
        for place, value in placed.items():
            arguments = [argument.replace(place, str(value)) for argument in arguments]
        cases[name] = arguments
    return run_cases("mpnet_tf.cli.show", "mpnet-show", cases)


def result_of(answers, name):
    status, output = answers[name]
    assert status == DONE, output
    return json.loads(output.splitlines()[-1])


@pytest.mark.parametrize("number", [2, LATE])
@pytest.mark.parametrize("name", ["own", "mixed"])
def test_a_batch_is_what_training_saw(name, number, replays, whole_runs):
    data, batches = whole_runs[name]
    assert data.rows.num_rows < LATE * BATCH_SIZE
    slots, target_ids, target_weights = batches[number]
    replayed_slots, *replayed_labels = replays[name, number].batch
    assert slots.keys() == replayed_slots.keys()
    for feature, values in slots.items():
        np.testing.assert_array_equal(replayed_slots[feature], values)
    np.testing.assert_array_equal(replayed_labels[0], target_ids)
    np.testing.assert_array_equal(replayed_labels[1], target_weights)


def test_the_text_of_a_batch_is_that_of_its_slots(replays, whole_runs):
    slots, _, _ = whole_runs["own"][1][LATE]
    for feature, values in replays["own", LATE].rows.items():
        # MPNet's content stream begins with it.
        np.testing.assert_array_equal(slots[feature][:, : values.shape[1]], values)


def test_the_overview_tells_the_rows(answers, folder, whole_runs):
    result = result_of(answers, "overview")
    data, batches = whole_runs["mixed"]
    slots, _, target_weights = batches[2]
    assert (result["batch"], result["seed"]) == (2, tiny_config().training.seed)
    assert result["run_dir"] == f"{folder}/mixed" and result["shards"] == f"{folder}/own/shards"
    assert len(result["rows"]) == BATCH_SIZE
    for row, told in enumerate(result["rows"]):
        assert told["row"] == row
        assert told["num_documents"] == slots["segment_ids"][row].max()
        predicts = target_weights[row] > 0
        assert told["num_predictions"] == predicts.sum()
        (number,) = set(slots["objective_ids"][row][predicts])
        assert told["objective"] == data.objective.names[number]
    assert result["totals"]["num_predictions"] == np.count_nonzero(target_weights)
    lines = answers["overview"][1].splitlines()
    assert lines[0].split()[:4] == ["row", "tokens", "docs", "predicted"]
    assert [line.split()[0] for line in lines[1 : 1 + BATCH_SIZE]] == list("0123")


def test_the_overview_says_how_to_see_a_row(answers, folder):
    run = f"--run_dir={folder}/mixed --batch=2 --input={folder}/own/shards"
    assert f"for one row: mpnet-show {run} --row=0 --output=row.svg\n" in answers["overview"][1]


def test_odd_rows_are_marked(odd, capsys):
    result = show_overview(odd)
    printed = capsys.readouterr()
    oddities = {oddity for row in result["rows"] for oddity in row["oddities"]}
    assert any(oddity.endswith("of the text is cat") for oddity in oddities)
    assert any(oddity.endswith("of the text is [UNK]") for oddity in oddities)
    numbers = [row["row"] for row in result["rows"] if row["oddities"]]
    assert f"odd rows: {len(numbers)}" in printed.out.splitlines()
    command = f"mpnet-show --run_dir={odd.run_directory} --batch=0 --row={numbers[0]} --output="
    assert command in printed.err


@pytest.mark.parametrize(("name", "number", "document"), [("own", LATE, 1), ("mixed", 2, 2)])
def test_a_row_tells_the_slots_of_a_document(
    name, number, document, replays, whole_runs, shared_row, capsys
):
    row = 1 if name == "own" else shared_row
    result = show_row(replays[name, number], row, document=document)
    assert (result["row"], result["document"], result["picture"]) == (row, document, None)
    slots, target_ids, target_weights = whole_runs[name][1][number]
    numbers = result["slot_numbers"]
    assert numbers == np.flatnonzero(slots["segment_ids"][row] == document).tolist()
    token_ids = slots["token_ids"][row][numbers]
    assert result["slots"]["token_ids"] == token_ids.tolist()
    assert result["tokens"] == [VOCABULARY[token] for token in token_ids]
    asked = (target_weights[row] > 0) & np.isin(slots["prediction_slots"][row], numbers)
    assert result["targets"] == [VOCABULARY[token] for token in target_ids[row][asked]]
    lines = capsys.readouterr().out.splitlines()
    title = f"batch {number}, row {row}, document {document} of {result['num_documents']}"
    assert lines[0].strip() == title
    table = [line.split()[:3] for line in lines[3 : 3 + len(numbers)]]
    expected = zip(itertools.count(), result["parts"], result["tokens"], strict=False)
    assert table == [[str(slot), part, token] for slot, part, token in expected]


def test_says_which_slots_of_the_row_they_are(answers, shared_row):
    numbers = result_of(answers, "document")["slot_numbers"]
    (line,) = [line for line in answers["document"][1].splitlines() if line.startswith("slots of")]
    told = []
    for piece in line.removeprefix(f"slots of row {shared_row}: ").split(", "):
        first, _, last = piece.partition("-")
        told += range(int(first), int(last or first) + 1)
    assert told == numbers and numbers[0] > 0


def test_the_picture_is_of_the_document(answers, folder, replays, shared_row):
    result = result_of(answers, "document")
    assert result.pop("picture") == f"{folder}/two.svg"
    assert show_row(replays["mixed", 2], shared_row, document=2).items() >= result.items()
    root = ElementTree.parse(folder / "two.svg")
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert f"batch 2, row {shared_row}, document 2 of {result['num_documents']}" in texts
    assert "picture has room" not in answers["document"][1]


def test_the_picture_of_a_long_document_is_of_its_beginning(odd, tmp_path, capsys):
    row = (odd.rows["token_ids"] == VOCABULARY.index("mat")).any(axis=1).argmax()
    result = show_row(odd, row, picture_path=str(tmp_path / "long.svg"))
    positions = result["slots"]["position_ids"]
    shown = sum(position < 62 for position in positions)
    assert max(positions) > 62 and (tmp_path / "long.svg").exists()
    told = f"the picture has room for {shown} of the {len(positions)} slots"
    assert told in capsys.readouterr().err


def test_a_document_without_prediction_is_told(replays, capsys):
    replayed = replays["own", LATE]
    slots, target_ids, target_weights = replayed.batch
    silent = dataclasses.replace(replayed, batch=(slots, target_ids, target_weights * 0))
    assert show_row(silent, 0)["targets"] == []
    num_documents = np.max(slots["segment_ids"][0])
    told = f"row 0, document 1 of {num_documents}: nothing is predicted"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_gets_a_line_and_a_status(name, answers, folder):
    status, output = answers[name]
    _, expected_status, words = REFUSED[name]
    assert status == expected_status, output
    (message,) = output.splitlines()[-1:]
    assert message.startswith("mpnet-show: ")
    place = 0
    for word in words:
        word = word.replace("FOLDER", str(folder))
        assert word in message[place:], message
        place = message.index(word, place)
    assert "Traceback" not in output


@pytest.mark.parametrize("name", UNFIT)
def test_what_does_not_fit_the_run_is_refused(name, folder):
    run, batch, row, shards, error, message = UNFIT[name]
    shards = shards and str(folder / shards)
    with pytest.raises(error, match=message):
        replay_batch(str(folder / run), batch, row=row, shards_directory=shards)


def test_a_document_that_the_row_lacks_is_refused(replays, whole_runs, shared_row):
    count = whole_runs["mixed"][1][2][0]["segment_ids"][shared_row].max()
    message = f"--document must be from 1 to {count} in a row of {count} documents. .*document=9"
    with pytest.raises(UsageError, match=message):
        show_row(replays["mixed", 2], shared_row, document=9)


def test_flags_that_do_not_go_together_are_told_without_tensorflow():
    refused = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mpnet_tf.cli.show", *OWN, "--vocab=x"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == WRONG_USAGE and "--vocab must be left out" in refused.stderr
    imported = {line.rpartition("|")[2].strip() for line in refused.stderr.splitlines()}
    assert "absl.flags" in imported
    assert not imported & {"tensorflow", "keras", "tensorflow_text"}
