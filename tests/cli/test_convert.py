"""mpnet-convert as a user runs it."""

import json

import pytest

from mpnet_tf.models import MPNetTokenizer, make_backbone, make_masked_lm
from tests.cli.forked_binary import run_cases
from tests.tiny_run import VOCABULARY

DONE, FAILED, WRONG_USAGE = 0, 1, 2
# What is given besides the input, the exit status, and what is told.
CASES = {
    "huggingface": (["--to=huggingface", "--json"], DONE, '"task": "masked_lm"'),
    "sentence_transformers": (
        ["--to=sentence_transformers", "--pooling=max", "--nonormalize"],
        DONE,
        "",
    ),
    "a bare model": (["--to=huggingface", "--task=backbone"], DONE, ""),
    "a fresh head": (
        ["--to=keras", "--task=question_answering"],
        DONE,
        "no weights for logits/kernel",
    ),
    "a classifier": (
        ["--to=keras", "--task=text_classifier", "--num_classes=3"],
        DONE,
        "mpnet, text_classifier, ",
    ),
    "no number of classes": (
        ["--to=keras", "--task=text_classifier"],
        FAILED,
        "`num_classes` must be given for a text_classifier whose source has none",
    ),
    "a vocabulary too many": (
        ["--to=keras", "--vocab=vocab.txt"],
        FAILED,
        "--vocab) must be left out",
    ),
    "no such format": (["--to=onnx"], WRONG_USAGE, "keras|huggingface|sentence_transformers"),
    "no format": ([], WRONG_USAGE, "--to"),
    "no input": (["--to=keras", "--input=nothing"], FAILED, "'nothing', no such directory"),
    "no such task": (
        ["--to=huggingface", "--task=text_embedder"],
        FAILED,
        "no text_embedder of the body 'mpnet'",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("conversions")
    backbone = make_backbone(
        "mpnet",
        len(VOCABULARY),
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=12,
        max_sequence_length=20,
    )
    make_masked_lm(backbone).save_to_preset(path / "preset")
    MPNetTokenizer(VOCABULARY).save_to_preset(path / "preset")
    return path


@pytest.fixture(scope="module")
def answers(folder):
    return run_cases(
        "mpnet_tf.cli.convert",
        "mpnet-convert",
        {
            name: [f"--input={folder}/preset", f"--output={folder}/{name}", *arguments]
            for name, (arguments, _, _) in CASES.items()
        },
    )


@pytest.mark.parametrize("name", CASES)
def test_each_case_ends_as_it_should(answers, folder, name):
    _, expected, told = CASES[name]
    status, output = answers[name]
    assert status == expected, output
    assert told in output
    assert (folder / name).exists() == (expected == DONE)
    if expected == FAILED:
        assert len(output.strip().splitlines()) == 1


def test_the_figures_are_the_model_s(answers, folder):
    figures = json.loads(answers["huggingface"][1].splitlines()[-1])
    assert figures["vocabulary_size"] == len(VOCABULARY)
    assert figures["output"] == f"{folder}/huggingface"
    assert figures["has_tokenizer"]


def test_the_head_is_as_asked_for(answers, folder):
    assert answers["sentence_transformers"][0] == DONE
    modules = json.loads((folder / "sentence_transformers" / "modules.json").read_text())
    assert [module["path"] for module in modules] == ["", "1_Pooling"]
    pooling = folder / "sentence_transformers" / "1_Pooling" / "config.json"
    assert json.loads(pooling.read_text())["pooling_mode_max_tokens"]
    config = json.loads((folder / "a bare model" / "config.json").read_text())
    assert config["architectures"] == ["MPNetModel"]
