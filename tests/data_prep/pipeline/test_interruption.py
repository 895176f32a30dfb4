"""Preparations that are killed: nothing under the final name, and the same shards afterwards."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mpnet_tf.data.manifest import read_manifest
from tests.data_prep.pipeline import messy_corpus
from tests.data_prep.pipeline.test_engines import assert_same_bytes

VOCABULARY = ["<s>", "<pad>", "</s>", "[UNK]", *"abcdefghijklmnopqrstuvwxyz.", "<mask>"]
NUM_DOCUMENTS = 150_000
# So many documents take both workers some seconds.
RECIPE = """
from data_prep.corpus_steps import default_corpus_recipe

def get_config():
    config = default_corpus_recipe()
    config.drop_duplicates = True
    config.repetition.enabled = True
    return config
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    documents = [messy_corpus.make_document(seed) for seed in range(500)]
    with open(folder / "corpus.txt", "w") as file:
        for number in range(NUM_DOCUMENTS):
            file.write(f"{number} {documents[number % 500]}\n\n")
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))
    (folder / "recipe.py").write_text(RECIPE)
    return folder


def start(folder, output, workers):
    return subprocess.Popen(
        [sys.executable, "-m", "mpnet_tf.cli.prepare", f"--input={folder}/corpus.txt"]
        + [f"--vocab={folder}/vocab.txt", f"--config={folder}/recipe.py"]
        + [f"--output={output}", f"--workers={workers}"],
        stderr=subprocess.PIPE,
        text=True,
    )


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read()
    except OSError:
        return ""


def wait_for_workers(process):
    """Returns the process ids of the workers, once they have used the processor for a while."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        workers = [pid for pid in children_of(process.pid) if "spawn_main" in command_of(pid)]
        if len(workers) == 2 and all(map(is_busy, workers)):
            return workers
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    raise AssertionError("the workers never came to work")


def is_busy(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except OSError:
        return False
    # User time in hundredths of a second: more than it takes to import what a worker needs.
    return int(fields[11]) > 60


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="finds processes through /proc")
def test_killed_preparations_start_again_to_the_same_shards(folder):
    whole = folder / "whole"
    assert start(folder, whole, workers=1).wait() == 0
    output = folder / "shards"

    process = start(folder, output, workers=2)
    os.kill(wait_for_workers(process)[0], signal.SIGKILL)
    _, message = process.communicate()
    assert process.returncode == 1
    assert "A worker process died" in message and message.count("\n") == 1
    assert sorted(path.name for path in folder.glob("*shards*")) == []

    process = start(folder, output, workers=2)
    wait_for_workers(process)
    process.kill()
    process.communicate()
    # Under a hidden name, until the next one comes.
    assert not output.exists()
    assert len(list(folder.glob(".shards.unfinished-*"))) == 1

    assert start(folder, output, workers=2).wait() == 0
    assert list(folder.glob(".shards*")) == []
    assert read_manifest(output).reading["documents"] == NUM_DOCUMENTS
    assert_same_bytes(whole, output)
