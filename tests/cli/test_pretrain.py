"""mpnet-pretrain as a user runs it: text in; a run directory, a preset and a SavedModel out."""

import json
import os
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.data.manifest import read_manifest
from mpnet_tf.models import MPNetMaskedLM, MPNetTokenizer
from mpnet_tf.models.fill_mask import FillMask
from tests.cli.forked_binary import run_cases
from tests.conftest import REPOSITORY
from tests.tiny_run import saved_tensors, write_corpus

STEPS = 6
OVERRIDES = {
    "model.num_layers": 1,
    "model.num_heads": 2,
    "model.hidden_dim": 16,
    "model.intermediate_dim": 24,
    "model.max_sequence_length": 32,
    "data.sequence_length": 32,
    "data.vocabulary_size": 90,
    "data.heldout_share": 0.2,
    "optimizer.warmup_steps": 2,
    "training.steps": STEPS,
    "training.batch_size": 4,
    "training.evaluate_every": 3,
}
TEXTS = ["the big <mask> sat on the <mask>.", "no blank here", "<mask> ran near the house."]

# What a user of the SavedModel does, with nothing of this project to help.
ANSWER = """
import json, sys
import tensorflow as tf
import tensorflow_text

model = tf.saved_model.load(sys.argv[1])
answers = model.signatures["fill_mask"](text=tf.constant(json.loads(sys.argv[2])))
assert not {"mpnet_tf", "keras_hub"} & set(sys.modules)
tokens = answers["tokens"].numpy()
result = {
    "tokens": [token.decode() for token in tokens.flat],
    "scores": answers["scores"].numpy().ravel().tolist(),
    "shape": tokens.shape,
}
print(json.dumps(result))
"""


def run_python(*arguments, cwd=REPOSITORY):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def run_binary(folder):
    return run_python(
        "-m",
        "mpnet_tf.cli.pretrain",
        "--config=configs/mpnet_demo.py",
        *(f"--config.{name}={value}" for name, value in OVERRIDES.items()),
        f"--input={folder}/text/*.txt",
        f"--run_dir={folder}/run",
        "--json",
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished run, and what its process wrote and returned."""
    folder = tmp_path_factory.mktemp("pretrain")
    (folder / "text").mkdir()
    write_corpus(folder / "text" / "corpus.txt")
    (folder / "text" / "latin1.txt").write_bytes("the cat sat.\nun café noir.\n".encode("latin-1"))
    done = run_binary(folder)
    assert done.returncode == 0, done.stderr
    return folder, done


def files_of(folder):
    """Every file's time of change, by its path in the folder."""
    return {
        os.path.relpath(os.path.join(path, name), folder): os.stat(
            os.path.join(path, name)
        ).st_mtime_ns
        for path, _, names in os.walk(folder)
        for name in names
    }


def test_the_run_directory_holds_all_there_is_to_know(finished):
    folder, _ = finished
    assert sorted(os.listdir(folder / "run")) == [
        ".lock",
        "checkpoints",
        "config.json",
        "environment.json",
        "manifest.json",
        "metrics.jsonl",
        "preset",
        "report.html",
        "results.json",
        "saved_model",
        "shards",
        "tensorboard",
        "vocab.txt",
    ]
    config = json.loads((folder / "run" / "config.json").read_text())
    for name, value in OVERRIDES.items():
        section, key = name.split(".")
        assert config[section][key] == value
    # What is not overridden is the recipe's.
    recipe = runpy.run_path(str(REPOSITORY / "configs" / "mpnet_demo.py"))["get_config"]()
    assert config["optimizer"]["learning_rate"] == recipe.optimizer.learning_rate
    lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [3, 6]
    assert sorted(os.listdir(folder / "run" / "checkpoints")) == ["step-00000003", "step-00000006"]


def test_the_last_line_tells_the_figures_and_paths(finished):
    folder, done = finished
    result = json.loads(done.stdout.splitlines()[-1])
    assert len(done.stdout.splitlines()) == 1
    assert result.items() >= json.loads((folder / "run" / "results.json").read_text()).items()
    assert result["run_dir"] == str(folder / "run")
    for name in ("preset", "saved_model", "report"):
        assert os.path.exists(result[name])
    assert 1 < result["heldout_perplexity"] < 200


def test_progress_and_both_perplexities_are_told(finished):
    _, done = finished
    result = json.loads(done.stdout)
    assert re.findall(r"^step (\d)/6  loss .* held-out loss", done.stderr, re.M) == ["3", "6"]
    expected = (
        f"held-out perplexity {result['heldout_perplexity']:.1f}, the unigram model's "
        f"{result['unigram_perplexity']:.1f} on the same {result['heldout_predictions']} tokens"
    )
    assert expected in done.stderr.splitlines()
    # The line of the file that is not UTF-8.
    assert "latin1.txt: left out line 2: not UTF-8 (byte 0xe9)" in done.stderr


def test_every_document_is_counted(finished):
    folder, _ = finished
    manifest = read_manifest(folder / "run" / "shards")
    documents = (folder / "text" / "corpus.txt").read_text().strip().split("\n\n")
    assert manifest.reading["documents"] == len(documents) + 1
    assert sum(split.num_documents for split in manifest.splits.values()) == len(documents) + 1
    words = sum(len(re.findall(r"\w+|\.", document)) for document in documents)
    assert sum(split.num_tokens for split in manifest.splits.values()) >= words
    assert json.loads((folder / "run" / "manifest.json").read_text()) == json.loads(
        (folder / "run" / "shards" / "manifest.json").read_text()
    )


def test_the_report_is_one_page_of_its_own(finished):
    folder, done = finished
    page = (folder / "run" / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=.(?!data:)", page)
    # Loss, accuracy, learning rate, and who sees whom.
    assert page.count("<svg") == 4
    assert "Filling blanks" in page
    perplexity = json.loads(done.stdout)["heldout_perplexity"]
    assert f"{perplexity:.2f}" in page


@pytest.fixture(scope="module")
def fill_mask(finished):
    """The preset, loaded by its classes."""
    preset = str(finished[0] / "run" / "preset")
    masked_lm = MPNetMaskedLM.from_preset(preset)
    return FillMask(masked_lm, MPNetTokenizer.from_preset(preset))


def test_the_preset_is_the_trained_model(finished, fill_mask):
    folder, _ = finished
    tokens = (folder / "run" / "vocab.txt").read_text().splitlines()
    assert fill_mask.tokenizer.get_vocabulary() == tokens
    assert fill_mask.network.backbone.hidden_dim == 16
    # Its weights are those of the last checkpoint.
    tensors = saved_tensors(folder / "run", STEPS)
    for variable in fill_mask.network.lm_head.trainable_variables:
        (found,) = [value for name, value in tensors.items() if name.endswith(f"/{variable.path}")]
        np.testing.assert_array_equal(found, variable.numpy())
    assert fill_mask.network.lm_head.bias.numpy().any()


def test_the_saved_model_answers_in_a_fresh_process_as_the_preset(finished, fill_mask, tmp_path):
    folder, _ = finished
    answered = run_python(
        "-c", ANSWER, folder / "run" / "saved_model" / "1", json.dumps(TEXTS), cwd=tmp_path
    )
    assert answered.returncode == 0, answered.stderr
    found = json.loads(answered.stdout.splitlines()[-1])
    expected = fill_mask(tf.constant(TEXTS))
    assert found["shape"] == expected["tokens"].shape
    expected_tokens = [token.decode() for token in expected["tokens"].numpy().flat]
    np.testing.assert_allclose(found["scores"], expected["scores"].numpy().ravel(), atol=1e-6)
    assert found["tokens"] == expected_tokens


def test_a_second_start_finds_everything_done(finished):
    folder, done = finished
    before = files_of(folder / "run")
    again = run_binary(folder)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == json.loads(done.stdout)
    assert not re.search(r"^step ", again.stderr, re.M)
    after = files_of(folder / "run")
    assert sorted(after) == sorted(before)
    changed = {path for path in before if after[path] != before[path]}
    assert changed == {".lock", "results.json", "report.html"}


# A recipe whose run is told to stop, once it has begun, as a scheduler would tell it.
STOPPED_RECIPE = """
import os, runpy, signal, threading, time

def stop():
    while not os.path.exists({metrics!r}):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)

def get_config():
    threading.Thread(target=stop, daemon=True).start()
    return runpy.run_path("configs/mpnet_demo.py")["get_config"]()
"""


def test_a_run_that_is_told_to_stop_asks_to_be_started_again(finished, tmp_path):
    folder, _ = finished
    recipe = tmp_path / "recipe.py"
    recipe.write_text(STOPPED_RECIPE.format(metrics=str(tmp_path / "run" / "metrics.jsonl")))
    arguments = [
        f"--config={recipe}",
        *(f"--config.{name}={value}" for name, value in OVERRIDES.items()),
        "--config.training.steps=300",
        f"--input={folder}/run/shards",
        f"--run_dir={tmp_path}/run",
    ]
    answers = run_cases("mpnet_tf.cli.pretrain", "mpnet-pretrain", {"stopped": arguments})
    status, output = answers["stopped"]
    # EX_TEMPFAIL of sysexits.h.
    assert status == 75, output
    message = re.fullmatch(
        r"mpnet-pretrain: stopped at step (\d+), which is saved", output.splitlines()[-1]
    )
    step = int(message[1])
    assert 1 <= step < 300
    assert saved_tensors(tmp_path / "run", step)["trainer/trainer/batch_number"] == step
    assert "Traceback" not in output
