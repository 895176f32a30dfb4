"""What mpnet-pretrain says to bad input: a line that tells it, an exit status, nothing left."""

import os
import subprocess
import sys

import pytest

from mpnet_tf.cli.pretraining_run import run_pretraining
from mpnet_tf.training.run_directory import RunDirectory
from mpnet_tf.training.run_lock import LOCK_FILE, run_lock
from tests.cli.forked_binary import run_cases
from tests.conftest import REPOSITORY
from tests.small_filesystem import fill_up, small_filesystem
from tests.tiny_run import tiny_config, write_corpus

DONE, FAILED, WRONG_USAGE = 0, 1, 2
RECIPE = """
import ml_collections

def get_config():
    return ml_collections.ConfigDict({settings!r})
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A recipe, text, and all kinds of things that are not what they should be."""
    folder = tmp_path_factory.mktemp("errors")
    settings = tiny_config(data={"vocabulary_size": 90}).to_dict()
    (folder / "recipe.py").write_text(RECIPE.format(settings=settings))
    write_corpus(folder / "corpus.txt")
    (folder / "empty.txt").touch()
    (folder / "blank.txt").write_text("\n \n")
    (folder / "latin1.txt").write_bytes(b"a caf\xe9 by the sea\n")
    (folder / "broken.py").write_text("def get_config(:\n")
    (folder / "few.vocab").write_text("<s>\n<pad>\nthe\ncat\n")
    (folder / "old.vocab").write_text("<s>\n<pad>\n</s>\n[UNK]\nthe\ncat\n<mask>\n")
    (folder / "texts").mkdir()
    other = tiny_config(data={"vocabulary_size": 90}, training={"seed": 77, "batch_size": 3})
    RunDirectory(str(folder / "other_run"), other).begin()
    with run_lock(str(folder / "busy_run")):
        yield folder


# What is given besides `--config`, `--input` and `--run_dir` (later flags win, but for `--input`),
# the exit status, and words of the message in their order.
CASES = {
    "no file": (["--input=FOLDER/*.pdf"], FAILED, ["No file matches", "*.pdf"]),
    "unknown kind": (["--input=FOLDER/few.vocab"], FAILED, ["few.vocab is of no known kind"]),
    "empty file": (["--input=FOLDER/empty.txt", "--strict"], FAILED, ["empty.txt is empty"]),
    "no document": (
        ["--input=FOLDER/blank.txt", "--strict"],
        FAILED,
        ["blank.txt holds no document"],
    ),
    "no words": (["--input=FOLDER/blank.txt"], FAILED, ["The text holds no words"]),
    "folder": (["--input=FOLDER/texts"], FAILED, ["texts is a directory without manifest.json"]),
    "not UTF-8": (
        ["--input=FOLDER/latin1.txt", "--strict"],
        FAILED,
        ["latin1.txt", "line 1", "UTF-8"],
    ),
    "bad objective": (
        ["--input=FOLDER/corpus.txt", "--config.objective.mask_rate=1.5"],
        FAILED,
        ["`mask_rate` and `random_rate`", "mask_rate=1.5"],
    ),
    "bad mixture": (
        ["--input=FOLDER/corpus.txt", "--config.objective.name=mpnet:0.5,mlm:0.4"],
        FAILED,
        ["`weights` must be 2 positive numbers that sum to 1", "sum to 0.9"],
    ),
    "setting of another objective": (
        [
            "--input=FOLDER/corpus.txt",
            "--config.objective.name=glm",
            "--config.objective.max_gram=2",
        ],
        FAILED,
        ["`max_gram` is no setting of objective 'glm' but of mlm, plm, mpnet"],
    ),
    "unknown body": (
        ["--input=FOLDER/corpus.txt", "--config.model.body=gpt"],
        FAILED,
        ["`body` must be one of mpnet, bert, glm, xlnet_style", "body='gpt'"],
    ),
    "setting of another body": (
        [
            "--input=FOLDER/corpus.txt",
            "--config.model.body=glm",
            "--config.model.num_relative_buckets=8",
        ],
        FAILED,
        ["`num_relative_buckets` must be left at 32 in body 'glm'"],
    ),
    "no specials": (
        ["--input=FOLDER/corpus.txt", "--vocab=FOLDER/few.vocab"],
        FAILED,
        ["few.vocab: the vocabulary lacks", "</s>, <mask>, [UNK] or <unk>"],
    ),
    "no vocabulary": (
        ["--input=FOLDER/corpus.txt", "--vocab=FOLDER/none.vocab"],
        FAILED,
        ["No such file", "none.vocab"],
    ),
    "small vocabulary": (
        ["--input=FOLDER/corpus.txt", "--config.data.vocabulary_size=9"],
        FAILED,
        ["vocabulary of 9 tokens cannot hold", "Ask for at least"],
    ),
    "long rows": (
        ["--config.data.sequence_length=33"],
        FAILED,
        ["the position table", "sequence_length=33, max_sequence_length=32"],
    ),
    "odd rhythm": (
        ["--config.training.steps=20"],
        FAILED,
        ["`evaluate_every` must divide `steps`", "evaluate_every=3, steps=20"],
    ),
    "long warm-up": (
        ["--config.optimizer.warmup_steps=12"],
        FAILED,
        ["`optimizer.warmup_steps` must be less than `training.steps`", "warmup_steps=12"],
    ),
    "no tokens for blanks": (
        [
            "--input=FOLDER/corpus.txt",
            "--vocab=FOLDER/old.vocab",
            "--config.objective.name=glm",
        ],
        FAILED,
        ["needs '<|startofpiece|>', '<|endofpiece|>' in the vocabulary"],
    ),
    "another run": (
        ["--run_dir=FOLDER/other_run"],
        FAILED,
        ["other_run belongs to a run of another config", "training.batch_size, training.seed"],
    ),
    "run in use": (
        ["--input=FOLDER/corpus.txt", "--run_dir=FOLDER/busy_run"],
        FAILED,
        ["busy_run is in use by process", "or choose another run directory"],
    ),
    "uneven micro-batches": (
        ["--config.execution.gradient_accumulation=3"],
        FAILED,
        ["`execution.gradient_accumulation` must divide `training.batch_size`"],
    ),
    "no place": (
        ["--input=FOLDER/corpus.txt", "--run_dir=FOLDER/empty.txt/run"],
        FAILED,
        ["Cannot write", "empty.txt/run", "Not a directory"],
    ),
    "unknown setting": (["--config.training.stepz=3"], WRONG_USAGE, ["stepz", "steps"]),
    "wrong type": (["--config.training.steps=many"], WRONG_USAGE, ["steps", "many"]),
    "no recipe": (["--config=FOLDER/none.py"], WRONG_USAGE, ["no recipe can be read", "none.py"]),
    "no recipe, with an override": (
        ["--config=FOLDER/none.py", "--config.training.steps=3"],
        WRONG_USAGE,
        ["none.py"],
    ),
    "broken recipe": (
        ["--config=FOLDER/broken.py"],
        WRONG_USAGE,
        ["broken.py, line 1"],
    ),
    "unknown flag": (["--run_dri=FOLDER/x"], WRONG_USAGE, ["run_dri", "run_dir"]),
    "stray argument": (["steps=3"], WRONG_USAGE, ["unexpected argument 'steps=3'"]),
}


@pytest.fixture(scope="module")
def answers(folder):
    """Exit status and output of each case, and what the folder holds before and after."""
    before = sorted(os.listdir(folder))
    cases = {}
    for name, (arguments, _, _) in CASES.items():
        defaults = [f"--config={folder}/recipe.py", f"--run_dir={folder}/run"]
        cases[name] = defaults + [argument.replace("FOLDER", str(folder)) for argument in arguments]
    return run_cases("mpnet_tf.cli.pretrain", "mpnet-pretrain", cases), before


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gets_a_line_and_a_status(answers, name):
    status, output = answers[0][name]
    _, expected_status, words = CASES[name]
    assert status == expected_status, output
    # Whatever else was told before it, the last line is the reason, whole.
    message = output.splitlines()[-1]
    assert message.startswith("mpnet-pretrain: ")
    place = 0
    for word in words:
        assert word in message[place:], message
        place = message.index(word, place)
    assert "Traceback" not in output


def test_bad_input_leaves_nothing_behind(answers, folder):
    _, before = answers
    assert sorted(os.listdir(folder)) == before
    assert sorted(os.listdir(folder / "other_run")) == ["config.json", "environment.json"]
    assert os.listdir(folder / "busy_run") == [LOCK_FILE]


@pytest.mark.parametrize(
    "start",
    [
        ["-m", "mpnet_tf.cli.pretrain"],
        # As a console script starts it.
        ["-c", "import mpnet_tf.cli.pretrain as binary; binary.run()"],
    ],
)
def test_help_is_told_at_once_and_counts_as_done(start):
    """Without TensorFlow, whose import alone takes seconds."""
    helped = subprocess.run(
        [sys.executable, "-X", "importtime", *start, "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert helped.returncode == DONE
    for word in ("--run_dir", "--config", "--input", "--[no]json", "it goes on where it stopped"):
        assert word in helped.stdout
    imported = {line.rpartition("|")[2].strip() for line in helped.stderr.splitlines()}
    assert "absl.flags" in imported
    assert not imported & {"tensorflow", "keras", "tensorflow_text"}


def test_a_full_disk_is_told_and_leaves_no_half_written_checkpoint(folder, tmp_path):
    """The run begins, and its first checkpoint finds no room."""
    with small_filesystem(tmp_path / "disk") as disk:
        fill_up(disk, but_bytes=100_000)
        with pytest.raises(
            OSError, match=r"Cannot write .*/disk/run/checkpoints/step-00000003: No"
        ):
            run_pretraining(
                tiny_config(data={"vocabulary_size": 90, "heldout_share": 0.2}),
                patterns=[f"{folder}/corpus.txt"],
                vocabulary_path=None,
                run_directory=str(disk / "run"),
            )
        left = [name for _, folders, files in os.walk(disk / "run") for name in folders + files]
    assert {"config.json", "manifest.json", "metrics.jsonl"} <= set(left)
    assert not [name for name in left if "unfinished" in name or name.endswith(".tmp")]
    assert not [name for name in left if name.startswith("step-")]
