"""mpnet-inspect as a user runs it, on shards and on a run."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from data_prep.prepare import prepare_shards
from mpnet_tf.data.manifest import read_manifest, write_manifest
from mpnet_tf.data.row_plan import RowPlanner
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.models import MPNetTokenizer
from tests.cli.forked_binary import run_cases
from tests.conftest import REPOSITORY
from tests.tiny_run import VOCABULARY, tiny_config, write_corpus

DONE, FAILED, WRONG_USAGE = 0, 1, 2

SHOWN = {
    "shards": ["FOLDER/shards", "--row_length=16", "--seed=3", "--output=FOLDER/a.svg", "--json"],
    "again": ["FOLDER/shards", "--row_length=16", "--seed=3", "--output=FOLDER", "--json"],
    "split": ["FOLDER/shards", "--split=heldout", "--samples=1", "--noverify", "--json"],
    "plain": ["FOLDER/shards"],
    "many": ["FOLDER/many"],
    "run": ["FOLDER/run", "--output=FOLDER/run.png", "--json"],
}

# Arguments, the exit status, and words of the message in their order.
REFUSED = {
    "nothing": ([], WRONG_USAGE, ["give one directory", "mpnet-prepare", "mpnet-pretrain"]),
    "two": (["FOLDER/shards", "FOLDER/run"], WRONG_USAGE, ["give one directory"]),
    "absent": (
        ["FOLDER/none"],
        FAILED,
        ["FOLDER/none: there is nothing", "directory of token shards", "pretraining run"],
    ),
    "other": (["FOLDER/shards/tokenizer"], FAILED, ["tokenizer: it is neither", "manifest.json"]),
    "file": (["FOLDER/corpus.txt"], FAILED, ["corpus.txt: it is neither"]),
    "split name": (["FOLDER/shards", "--split=dev"], FAILED, ["one of heldout, train", "'dev'"]),
    "damaged": (["FOLDER/damaged"], FAILED, ["is damaged: expected SHA-256"]),
    "foreign": (["FOLDER/foreign"], FAILED, ["is not the tokenizer that made the shards"]),
    "no tokenizer": (["FOLDER/bare"], FAILED, ["is damaged: it has no tokenizer"]),
    "ending": (["FOLDER/shards", "--output=a.jpg"], WRONG_USAGE, [".svg, .png, .pdf", "a folder"]),
    "row": (["FOLDER/shards", "--row_length=2"], WRONG_USAGE, ["row_length"]),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inspect")
    write_corpus(folder / "corpus.txt")
    shards = folder / "shards"
    prepare_shards(
        [str(folder / "corpus.txt")],
        MPNetTokenizer(VOCABULARY),
        shards,
        heldout_share=0.2,
        tokens_per_shard=700,
    )
    manifest = read_manifest(shards)
    for name in ("damaged", "foreign", "bare", "many"):
        shutil.copytree(shards, folder / name)
    path = folder / "damaged" / manifest.splits["train"].shards[0].tokens.name
    path.write_bytes(path.read_bytes()[::-1])
    shutil.rmtree(folder / "foreign" / "tokenizer")
    MPNetTokenizer(VOCABULARY, lowercase=False).save_to_preset(folder / "foreign" / "tokenizer")
    shutil.rmtree(folder / "bare" / "tokenizer")
    write_manifest(_with_a_long_history(manifest), folder / "many")
    _write_run(folder / "run", dataclasses.asdict(manifest))
    return folder


def _with_a_long_history(manifest):
    """The manifest as it would be after many steps on many files."""
    (source,) = manifest.sources
    dropped = {"file": "f.txt", "document": 7, "text": "spam [MASK]\x07 " * 20}
    return dataclasses.replace(
        manifest,
        sources=tuple(dataclasses.replace(source, name=f"part{n}.txt") for n in range(30)),
        mixture={
            "web": {"weight": 0.5, "documents_read": 100, "documents_kept": 60, "tokens_train": 30},
            "books": {"weight": 2.0, "documents_read": 9, "documents_kept": 9, "tokens_train": 90},
        },
        steps=(
            {
                "step": "filter",
                "documents_in": 109,
                "documents_dropped": {"too_few_words": 40},
                "counts": {"lines_removed": 1234},
                "examples": {"too_few_words": [dropped, dropped]},
            },
            {"step": "tokenize", "documents_in": 69},
        ),
    )


def _write_run(directory, manifest):
    """Writes what a run has after its first evaluation, without training."""
    directory.mkdir()
    record = {
        "step": 3,
        "loss": 2.5,
        "accuracy": 0.25,
        "heldout_loss": 2.75,
        "heldout_accuracy": 0.2,
        "seconds": 2.0,
        "tokens_per_second": 150.0,
    }
    for name, values in {
        "config.json": tiny_config().to_dict(),
        "environment.json": {"seed": 5},
        "manifest.json": manifest,
    }.items():
        (directory / name).write_text(json.dumps(values))
    (directory / "metrics.jsonl").write_text(json.dumps(record) + "\n")


@pytest.fixture(scope="module")
def answers(folder):
    cases = {name: arguments for name, (arguments, _, _) in REFUSED.items()} | SHOWN
    placed = {
        name: [argument.replace("FOLDER", str(folder)) for argument in arguments]
        for name, arguments in cases.items()
    }
    return run_cases("mpnet_tf.cli.inspect", "mpnet-inspect", placed)


def result_of(answers, name):
    status, output = answers[name]
    assert status == DONE, output
    return json.loads(output.splitlines()[-1])


def test_figures_of_shards_are_those_of_their_documents(answers, folder):
    result = result_of(answers, "shards")
    assert result["vocabulary_size"] == len(VOCABULARY)
    assert result["sources"][0]["name"] == "corpus.txt"
    for name, split in result["splits"].items():
        shards = TokenShards.open(folder / "shards", name)
        lengths = shards.document_lengths
        ids = shards.read(np.arange(len(lengths)), np.zeros(len(lengths), int), lengths)
        assert (split["documents"], split["tokens"]) == (len(lengths), len(ids))
        assert sum(split["shards"]) == len(ids)
        found = split["lengths"]
        assert (found["min"], found["max"]) == (lengths.min(), lengths.max())
        assert found["mean"] == pytest.approx(lengths.mean())
        assert found["p90"] == np.quantile(lengths, 0.9, method="inverted_cdf")
        expected, _ = np.histogram(lengths, np.array(found["histogram"]["edges"]) - 0.5)
        assert found["histogram"]["documents"] == expected.tolist()
        occurring, counts = np.unique(ids, return_counts=True)
        assert split["vocabulary"]["num_occurring"] == len(occurring)
        first = split["vocabulary"]["most_frequent"][0]
        assert first["count"] == counts.max()
        assert VOCABULARY.index(first["token"]) in occurring[counts == counts.max()]
        planner = RowPlanner(lengths, 16, seed=0)
        assert split["rows"]["packed"]["num_rows"] == planner.num_rows
        assert split["rows"]["packed"]["padding_share"] == pytest.approx(planner.padding_share)
        assert split["bytes_per_token"] == split["text_bytes"] / split["tokens"]
    assert len(result["splits"]["train"]["shards"]) > 1


def test_samples_are_documents_of_the_corpus(answers, folder):
    corpus = " ".join((folder / "corpus.txt").read_text().replace(".", " .").split())
    samples = result_of(answers, "shards")["samples"]
    assert len(samples) == 3
    for sample in samples:
        assert sample["text"] in corpus
        assert sample["text"] in answers["shards"][1]


def test_same_seed_gives_the_same_answer_and_picture(answers, folder):
    first, second = result_of(answers, "shards"), result_of(answers, "again")
    assert (first.pop("picture"), second.pop("picture")) == (
        f"{folder}/a.svg",
        f"{folder}/mpnet_inspect.svg",
    )
    assert first == second
    for name in ("a.svg", "mpnet_inspect.svg"):
        root = ElementTree.parse(folder / name).getroot()
        texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        assert "Documents by their tokens" in texts and "row of 16" in texts


def test_split_can_be_chosen(answers):
    result = result_of(answers, "split")
    assert list(result["splits"]) == ["heldout"] and not result["checksums_verified"]
    assert [sample["split"] for sample in result["samples"]] == ["heldout"]
    assert not re.search(r"^ +train", answers["split"][1], re.MULTILINE)


def test_output_is_plain_and_fits_the_terminal(answers):
    status, output = answers["plain"]
    assert status == DONE and "\x1b" not in output
    lines = output.splitlines()
    tables = lines[: next(i for i, line in enumerate(lines) if ", document " in line)]
    assert max(map(len, tables)) <= 80
    for heading in ("sources: 1 files", "splits", "tokens in a document", "vocabulary"):
        assert any(line.startswith(heading) for line in lines), heading
    assert any(re.match(r"rows of 512 tokens", line) for line in lines)


def test_long_history_is_told_in_short(answers):
    status, output = answers["many"]
    assert status == DONE, output
    for words in (
        r"sources: 30 files",
        r"10 more files",
        r"web +0\.5 +100 +60 +- +30 +25\.0%",
        r"books +2 +9 +9 +- +90 +75\.0%",
        r"filter +109 +dropped: too few words +40",
        r"lines removed +1,234",
        r"tokenize +69 +nothing dropped",
        r"too few words +f\.txt:7: spam \[MASK\]<U\+0007>",
    ):
        assert re.search(words, output), words


def test_run_is_told(answers, folder):
    result = result_of(answers, "run")
    assert (result["steps_done"], result["steps"], result["is_finished"]) == (3, 12, False)
    assert result["tokens_seen"] == 300 and result["checkpoints"] == []
    assert result["config"] == json.loads(json.dumps(tiny_config().to_dict()))
    output = answers["run"][1]
    for words in (
        r"steps +3 of 12",
        r"goes on from +step 0",
        r"shards +not in the run's directory",
    ):
        assert re.search(words, output), words
    assert (folder / "run.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_gets_a_line_and_a_status(answers, folder, name):
    status, output = answers[name]
    _, expected_status, words = REFUSED[name]
    assert status == expected_status, output
    message = output.splitlines()[-1]
    assert message.startswith("mpnet-inspect: ")
    place = 0
    for word in words:
        word = word.replace("FOLDER", str(folder))
        assert word in message[place:], message
        place = message.index(word, place)
    assert "Traceback" not in output


def test_module_does_not_hide_the_standard_library():
    # `inspect` is also the name of a module that nearly everything imports.
    helped = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mpnet_tf.cli.inspect", "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert helped.returncode == DONE
    for word in ("--row_length", "--samples", "--split", "--[no]verify", "--output", "--[no]json"):
        assert word in helped.stdout
    imported = {line.rpartition("|")[2].strip() for line in helped.stderr.splitlines()}
    assert "inspect" in imported
    assert not imported & {"tensorflow", "keras", "tensorflow_text"}
