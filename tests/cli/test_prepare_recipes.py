"""mpnet-prepare with recipes, as a user runs it."""

import pytest

from tests.cli.forked_binary import run_cases

FAILED, WRONG_USAGE = 1, 2

# Arguments, the exit status, and words of the message in their order.
REFUSED = {
    "recipe of another program": (
        ["--config=configs/mpnet_demo.py"],
        FAILED,
        ["Unknown setting '", "the nearest known one is"],
    ),
    "misspelt setting": (
        ["--config=configs/corpus_web.py", "--config.quality.min_word=20"],
        WRONG_USAGE,
        ["mpnet-prepare: 'min_word' Did you mean \"min_words\""],
    ),
    "setting of a step that is off": (
        [
            "--config=configs/corpus_web.py",
            "--config.quality.min_words=20",
            "--config.contamination.evaluation_files=glue/*.tsv",
        ],
        WRONG_USAGE,
        ["--config.contamination.evaluation_files", "--config.contamination.enabled=True"],
    ),
    "setting of a step that is switched off": (
        [
            "--config=configs/corpus_web.py",
            "--config.quality.enabled=False",
            "--config.quality.min_words=20",
        ],
        WRONG_USAGE,
        ["--config.quality.min_words", "--config.quality.enabled=True"],
    ),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("prepare"))
    with open(f"{folder}/vocab.txt", "w", encoding="utf-8") as file:
        file.write("<s>\n<pad>\n</s>\n[UNK]\ntext\n<mask>\n")
    with open(f"{folder}/a.txt", "w", encoding="utf-8") as file:
        file.write("text")
    common = [f"--input={folder}/a.txt", f"--vocab={folder}/vocab.txt", f"--output={folder}/out"]
    cases = {name: [*common, *case[0]] for name, case in REFUSED.items()}
    return run_cases("mpnet_tf.cli.prepare", "mpnet-prepare", cases)


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(answers, name):
    _, expected_status, words = REFUSED[name]
    status, output = answers[name]
    assert status == expected_status, output
    # One line of its own, and no trace.
    message = output.splitlines()[-1]
    assert message.startswith("mpnet-prepare: ") and "Traceback" not in output
    position = 0
    for word in words:
        assert word in message[position:], message
        position = message.index(word, position) + len(word)
