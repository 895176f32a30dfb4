"""mpnet-serve as a user runs it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
import requests
import tensorflow as tf

pytest.importorskip("flask")
pytest.importorskip("waitress")

from mpnet_tf.cli import serve
from tests.cli.forked_binary import run_cases
from tests.conftest import REPOSITORY

DONE, FAILED, WRONG_USAGE = 0, 1, 2
MODULE = "mpnet_tf.cli.serve"

# Arguments, the exit status, and words of the message in their order.
REFUSED = {
    "no model": ([], WRONG_USAGE, ["--model"]),
    "missing": (["--model=FOLDER/none"], FAILED, ["No such file or directory", "none"]),
    "file": (["--model=FOLDER/file"], FAILED, ["Not a directory", "file"]),
    "empty": (["--model=FOLDER/empty"], FAILED, ["empty is no model", "saved_model.pb"]),
    "broken": (["--model=FOLDER/broken"], FAILED, ["Cannot load", "broken/1"]),
    "port in use": (
        ["--model=FOLDER/half_plus_three", "--port=TAKEN"],
        FAILED,
        ["Cannot listen on 127.0.0.1, port TAKEN: Address already in use"],
    ),
    "port": (["--model=FOLDER/empty", "--port=65536"], WRONG_USAGE, ["port", "65536"]),
    "every address": (
        ["--model=FOLDER/empty", "--host=0.0.0.0"],
        WRONG_USAGE,
        ["--host=0.0.0.0", "loopback", "TensorFlow Serving"],
    ),
    "name of a host": (
        ["--model=FOLDER/empty", "--host=example.org"],
        WRONG_USAGE,
        ["--host=example.org", "loopback", "TensorFlow Serving"],
    ),
    "argument": (["FOLDER/empty", "--model=FOLDER/empty"], WRONG_USAGE, ["unexpected argument"]),
}


@tf.function(input_signature=[tf.TensorSpec((None,), tf.float32, "x")])
def slow(x):
    """Takes a minute."""
    for _ in tf.range(10_000_000):
        x = tf.cos(x)
    return {"y": x}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve")
    half = tf.function(lambda x: {"y": x * 0.5 + 3.0}, [tf.TensorSpec((None,), tf.float32, "x")])
    signatures = {"serving_default": half, "slow": slow}
    tf.saved_model.save(tf.Module(), str(folder / "half_plus_three" / "123"), signatures=signatures)
    (folder / "file").touch()
    (folder / "empty").mkdir()
    (folder / "broken" / "1").mkdir(parents=True)
    (folder / "broken" / "1" / "saved_model.pb").write_bytes(b"no protocol buffer")
    return folder


@pytest.fixture(scope="module")
def answers(folder):
    """The port that another program has, and exit status and output of each refused case."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        cases = {
            name: [word.replace("FOLDER", str(folder)).replace("TAKEN", port) for word in arguments]
            for name, (arguments, _, _) in REFUSED.items()
        }
        return port, run_cases(MODULE, "mpnet-serve", cases)


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_in_one_line(answers, case):
    port, outputs = answers
    status, output = outputs[case]
    _, expected, words = REFUSED[case]
    assert status == expected, output
    lines = [line for line in output.splitlines() if line.startswith("mpnet-serve: ")]
    assert len(lines) == 1 and "Traceback" not in output
    pattern = ".*".join(re.escape(word.replace("TAKEN", port)) for word in words)
    assert re.search(pattern, lines[0]), lines


@pytest.mark.parametrize(
    ("arguments", "number", "busy"),
    [([], signal.SIGTERM, True), (["--name=half", "--host=localhost"], signal.SIGINT, False)],
)
def test_serves_until_it_is_told_to_stop(folder, arguments, number, busy):
    process = subprocess.Popen(
        [
            *[sys.executable, "-m", MODULE, "--port=0", "--json"],
            *[f"--model={folder}/half_plus_three", *arguments],
        ],
        cwd=REPOSITORY,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        told = [process.stderr.readline() for _ in range(2)]
        assert "development only" in told[0] and told[1].startswith("serving version 123 of ")
        url = told[1].split()[-1]
        name = "half" if arguments else "half_plus_three"
        assert re.fullmatch(rf"http://127\.0\.0\.1:[0-9]+/v1/models/{name}", url)
        # A connection that stays open must not keep it from stopping.
        with requests.Session() as session:
            answer = session.post(f"{url}:predict", json={"instances": [1.0, 2.0, 5.0]}, timeout=60)
            assert answer.json() == {"predictions": [3.5, 4.0, 5.5]}
            if busy:
                document = {"signature_name": "slow", "instances": [1.0]}
                with pytest.raises(requests.Timeout):
                    session.post(f"{url}:predict", json=document, timeout=1)
            process.send_signal(number)
            output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == DONE and not errors
    assert json.loads(output) == {
        "url": url,
        "version": 123,
        "signatures": ["serving_default", "slow"],
    }


@pytest.mark.parametrize("name", ["flask", "waitress"])
def test_names_the_extra_that_is_missing(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "mpnet_tf.serving.rest_server", raising=False)
    # The package remembers its modules too.
    monkeypatch.delattr("mpnet_tf.serving.rest_server", raising=False)
    with pytest.raises(ValueError, match=r"pip install 'mpnet_tf\[serve\]'"):
        serve._import_server()
