"""mpnet-train-vocab on samples and with SentencePiece, as a user runs it."""

import json
import os
import subprocess
import sys

import pytest
import sentencepiece

from mpnet_tf.data.vocabulary import read_vocabulary
from mpnet_tf.models.tokenizers import open_tokenizer
from tests.cli.forked_binary import run_cases
from tests.conftest import REPOSITORY

DONE, FAILED, WRONG_USAGE = 0, 1, 2
SENTENCEPIECE = ["--kind=sentencepiece", "--input=FOLDER/zh.txt"]
WORDPIECE = ["--input=FOLDER/en.txt", "--size=120"]

SHOWN = {
    "model": [*SENTENCEPIECE, "--size=60", "--output=FOLDER/model.model"],
    "reversed": [
        "--kind=sentencepiece",
        "--input=FOLDER/reversed.txt",
        "--size=60",
        "--output=FOLDER/reversed.model",
    ],
    "half": [
        "--input=FOLDER/en.txt",
        "--sample_share=0.5",
        "--size=120",
        "--output=FOLDER/half.txt",
    ],
    "all": ["--input=FOLDER/en.txt", "--size=120", "--output=FOLDER/all.txt"],
    "fewer": [*SENTENCEPIECE, "--size=500", "--output=FOLDER/fewer.model"],
}

# Arguments, the exit status, and words of the message in their order.
REFUSED = {
    "ending": ([*SENTENCEPIECE, "--output=FOLDER/a.txt"], WRONG_USAGE, ["must end with .model"]),
    "lowercase": (
        [*SENTENCEPIECE, "--output=FOLDER/a.model", "--nolowercase"],
        WRONG_USAGE,
        ["--lowercase means nothing with --kind=sentencepiece"],
    ),
    "coverage": (
        ["--output=FOLDER/a.txt", "--character_coverage=0.9"],
        WRONG_USAGE,
        ["--character_coverage means nothing with --kind=wordpiece"],
    ),
    "share": (
        ["--output=FOLDER/a.txt", "--sample_share=0"],
        WRONG_USAGE,
        ["sample_share", "above 0 and at most 1"],
    ),
    "empty sample": (
        [*SENTENCEPIECE, "--output=FOLDER/a.model", "--sample_share=0.0001"],
        FAILED,
        ["holds none of the 40 documents"],
    ),
    "size": (
        [*SENTENCEPIECE, "--output=FOLDER/a.model", "--size=20"],
        FAILED,
        ["of 20 tokens cannot hold", "Ask for at least"],
    ),
    "place": (
        [*SENTENCEPIECE, "--output=FOLDER/zh.txt/a.model", "--size=60"],
        FAILED,
        ["Cannot write", "zh.txt/a.model"],
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vocabulary")
    chinese = ["人人生而自由", "在尊严和权利上", "一律平等", "自由平等"]
    documents = [f"{chinese[n % 4]}{chinese[n // 4 % 4]}{n}" for n in range(40)]
    (folder / "zh.txt").write_text("\n\n".join(documents) + "\n", "utf-8")
    (folder / "reversed.txt").write_text("\n\n".join(documents[::-1]) + "\n", "utf-8")
    english = [f"the boat of the tide number{n} is {'very ' * (n % 3)}low" for n in range(200)]
    (folder / "en.txt").write_text("\n\n".join(english) + "\n")
    return folder


@pytest.fixture(scope="module")
def answers(folder):
    cases = {name: arguments for name, (arguments, _, _) in REFUSED.items()} | SHOWN
    placed = {
        name: [argument.replace("FOLDER", str(folder)) for argument in ["--json", *arguments]]
        for name, arguments in cases.items()
    }
    return run_cases("mpnet_tf.cli.train_vocab", "mpnet-train-vocab", placed)


def result_of(answers, name):
    status, output = answers[name]
    assert status == DONE, output
    return json.loads(output.splitlines()[-1])


def test_sentencepiece_model_is_what_the_tokenizer_opens(answers, folder):
    result = result_of(answers, "model")
    tokenizer = open_tokenizer(str(folder / "model.model"))
    assert result == {
        "vocabulary": f"{folder}/model.model",
        "kind": "sentencepiece",
        "documents_read": 40,
        "documents_sampled": 40,
        "vocabulary_size": tokenizer.vocabulary_size(),
        "character_coverage": 0.9995,
    }
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "model.model"))
    assert tokenizer(["自由平等"]).to_list() == [processor.encode("自由平等")]


def test_model_is_the_same_in_another_process_whatever_the_order(answers, folder):
    result_of(answers, "reversed")
    model = (folder / "model.model").read_bytes()
    assert (folder / "reversed.model").read_bytes() == model
    arguments = [argument.replace("FOLDER", str(folder)) for argument in SHOWN["model"][:-1]]
    subprocess.run(
        [sys.executable, "-m", "mpnet_tf.cli.train_vocab", *arguments]
        + [f"--output={folder}/again.model"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
        check=True,
    )
    assert (folder / "again.model").read_bytes() == model


def test_sample_is_part_of_the_text(answers, folder):
    everything, half = result_of(answers, "all"), result_of(answers, "half")
    assert everything["documents_sampled"] == everything["documents_read"] == 200
    assert half["documents_read"] == 200
    assert f"tokens of 200 documents: {folder}/all.txt" in answers["all"][1]
    # Four standard deviations of the binomial distribution.
    assert abs(half["documents_sampled"] - 100) < 4 * 50**0.5
    assert "boat" in read_vocabulary(folder / "half.txt")


def test_fewer_tokens_than_asked_for_are_told(answers):
    size = result_of(answers, "fewer")["vocabulary_size"]
    assert size < 500
    assert f"pieces for {size} tokens only, of 500 asked for" in answers["fewer"][1]


@pytest.mark.parametrize("name", REFUSED)
def test_bad_request_gets_a_line_and_a_status(answers, folder, name):
    status, output = answers[name]
    _, expected_status, words = REFUSED[name]
    assert status == expected_status, output
    message = output.splitlines()[-1]
    assert message.startswith("mpnet-train-vocab: ")
    place = 0
    for word in words:
        assert word in message[place:], message
        place = message.index(word, place)
    assert not list(folder.glob("a.*"))
